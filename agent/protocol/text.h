// SPDX-License-Identifier: Apache-2.0
// Writing and reading the small texts that topics, usernames and bodies are made of. Nothing here allocates: writers
// fill the caller's buffer, readers return views into what they were given.
//
// For devices and for the hub. Pure functions and values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "platform/base/bytes.h"

namespace latchkey::agent {

// Appends to a buffer. An overflow is remembered, not written: ask finish() once, at the end.
class TextWriter {
 public:
  explicit TextWriter(MutableBytes out) : out_(out) {}

  TextWriter& put(std::string_view text);
  TextWriter& put(char character) { return put(std::string_view(&character, 1)); }
  TextWriter& put_decimal(std::uint64_t number);
  // With leading zeros up to `width`; more digits than that are all written.
  TextWriter& put_decimal(std::uint64_t number, std::size_t width);
  // RFC 3986 section 2.1: everything but unreserved characters as %XX.
  TextWriter& put_url_encoded(std::string_view text);
  // The inside of a JSON string (RFC 8259 section 7), without the quotes.
  TextWriter& put_json_escaped(std::string_view text);

  std::size_t size() const { return size_; }
  // What was written; kTooLarge when it did not fit.
  Result<std::string_view> finish() const;

 private:
  MutableBytes out_;
  std::size_t size_ = 0;
  bool overflow_ = false;
};

// %XX becomes its byte, all else stays (a plus sign too: this is not a form). kMalformed on a broken escape or an
// encoded zero byte, kTooLarge when `out` is too small.
Result<std::string_view> url_decode(std::string_view text, MutableBytes out);

// Digits only, no sign, no overflow; kMalformed otherwise.
Result<std::uint64_t> parse_decimal(std::string_view text);

// ASCII letters alike in either case: registration ids and id scopes are compared so.
bool equal_ignoring_case(std::string_view a, std::string_view b);

// A query or property bag: `key=value` joined by `&`. Keys and values are returned as written (still url-encoded).
struct Parameter {
  std::string_view key;
  std::string_view value;  // empty when there was no `=`
};

class ParameterReader {
 public:
  explicit ParameterReader(std::string_view query) : rest_(query) {}
  // The next non-empty parameter, or nothing at the end.
  std::optional<Parameter> next();

 private:
  std::string_view rest_;
};

// The first parameter of that key.
std::optional<std::string_view> find_parameter(std::string_view query, std::string_view key);

}  // namespace latchkey::agent
