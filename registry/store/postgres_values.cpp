// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>

#include "registry/store/internal/postgres_connection.h"

namespace latchkey::registry::store {
namespace {

constexpr int kText = 0;
constexpr int kBinary = 1;

}  // namespace

// With a NUL behind each, as values in text format end with one.
void PostgresValues::put(const char* data, std::size_t size, int format) {
  spans_.push_back(static_cast<std::ptrdiff_t>(buffer_.size()));
  buffer_.append(data, size);
  buffer_.push_back('\0');
  lengths_.push_back(static_cast<int>(size));
  formats_.push_back(format);
}

void PostgresValues::add(std::int64_t value) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  put(digits.data(), static_cast<std::size_t>(end - digits.data()), kText);
}

void PostgresValues::add(std::string_view text) { put(text.data(), text.size(), kBinary); }

void PostgresValues::add(ByteView bytes) { put(reinterpret_cast<const char*>(bytes.data()), bytes.size(), kBinary); }

void PostgresValues::add_null() {
  spans_.push_back(-1);
  lengths_.push_back(0);
  formats_.push_back(kBinary);
}

void PostgresValues::clear() {
  buffer_.clear();
  spans_.clear();
  lengths_.clear();
  formats_.clear();
}

const char* const* PostgresValues::values() {
  pointers_.clear();
  for (const auto at : spans_) pointers_.push_back(at < 0 ? nullptr : buffer_.data() + at);
  return pointers_.data();
}

}  // namespace latchkey::registry::store
