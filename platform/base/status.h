// SPDX-License-Identifier: Apache-2.0
// Status: what can go wrong, in bands that a caller can act on. Result<T>: a value or why there is none.
//
// Device code builds without exceptions, so every fallible function returns one of the two.
// The numbers are written to flash and to logs: a value, once given, never changes its meaning.
#pragma once

#include <cstdint>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace latchkey {

enum class Status : std::uint16_t {
  kOk = 0,
  // 1xx bad input: the caller has to change what it asks
  kInvalidArgument = 100,
  kMalformed = 101,
  kTooLarge = 102,
  kUnsupported = 103,
  // 2xx refused: right in form, not allowed
  kRefused = 200,
  kUnauthorized = 201,
  kNotTrusted = 202,
  kExpired = 203,
  kNotYetValid = 204,
  kMismatch = 205,
  // 3xx there is nothing of that name
  kNotFound = 300,
  // 4xx the same call may succeed later
  kNotReady = 400,
  kBusy = 401,
  kTimeout = 402,
  kThrottled = 403,
  // 5xx the other side is gone
  kConnectionLost = 500,
  // 6xx storage
  kStorageFailed = 600,
  kStorageFull = 601,
  kCorrupt = 602,
  // 7xx our own fault
  kInternal = 700,
};

// The field's name of a status, as logs print it; never empty.
std::string_view to_string(Status status);

inline Status band(Status status) { return static_cast<Status>(static_cast<std::uint16_t>(status) / 100 * 100); }

// tl::expected with [[nodiscard]]: test it, then dereference it.
template <class T, class E = Status>
class [[nodiscard]] Result : public tl::expected<T, E> {
 public:
  using tl::expected<T, E>::expected;
  Result(tl::expected<T, E> other) : tl::expected<T, E>(std::move(other)) {}  // NOLINT: a Result is an expected
};

template <class E>
tl::unexpected<std::decay_t<E>> fail(E&& error) {
  return tl::unexpected<std::decay_t<E>>(std::forward<E>(error));
}

// LATCHKEY_TRY(name, expression): name is the value of the expression, or this function returns its error.
#define LATCHKEY_TRY_JOIN_(a, b) a##b
#define LATCHKEY_TRY_NAME_(line) LATCHKEY_TRY_JOIN_(try_result_, line)
#define LATCHKEY_TRY(name, expression)                                                              \
  auto LATCHKEY_TRY_NAME_(__LINE__) = (expression);                                                 \
  if (!LATCHKEY_TRY_NAME_(__LINE__)) return ::latchkey::fail(LATCHKEY_TRY_NAME_(__LINE__).error()); \
  auto name = std::move(*LATCHKEY_TRY_NAME_(__LINE__))  // NOLINT(bugprone-macro-parentheses): it declares a name

// LATCHKEY_TRY_VOID(expression): for a Result<void>; returns its error, if it has one.
#define LATCHKEY_TRY_VOID(expression)                                       \
  do {                                                                      \
    auto try_void_result = (expression);                                    \
    if (!try_void_result) return ::latchkey::fail(try_void_result.error()); \
  } while (false)

}  // namespace latchkey
