// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/text.h"

#include <cstring>

namespace latchkey::agent {
namespace {

constexpr char kUpperHex[] = "0123456789ABCDEF";

bool unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

TextWriter& TextWriter::put(std::string_view text) {
  if (overflow_ || text.size() > out_.size() - size_) {
    overflow_ = true;
    return *this;
  }
  if (!text.empty()) std::memcpy(out_.data() + size_, text.data(), text.size());
  size_ += text.size();
  return *this;
}

TextWriter& TextWriter::put_decimal(std::uint64_t number) { return put_decimal(number, 1); }

TextWriter& TextWriter::put_decimal(std::uint64_t number, std::size_t width) {
  char digits[20];
  std::size_t count = 0;
  do {
    digits[sizeof digits - ++count] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  for (std::size_t i = count; i < width; ++i) put('0');
  return put({digits + sizeof digits - count, count});
}

TextWriter& TextWriter::put_url_encoded(std::string_view text) {
  for (char c : text) {
    if (unreserved(c)) {
      put(c);
      continue;
    }
    const auto byte = static_cast<std::uint8_t>(c);
    const char escape[] = {'%', kUpperHex[byte >> 4], kUpperHex[byte & 15]};
    put({escape, sizeof escape});
  }
  return *this;
}

TextWriter& TextWriter::put_json_escaped(std::string_view text) {
  for (char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (c == '"' || c == '\\') {
      put('\\').put(c);
    } else if (byte < 0x20) {
      const char escape[] = {'\\', 'u', '0', '0', kUpperHex[byte >> 4], kUpperHex[byte & 15]};
      put({escape, sizeof escape});
    } else {
      put(c);
    }
  }
  return *this;
}

Result<std::string_view> TextWriter::finish() const {
  if (overflow_) return fail(Status::kTooLarge);
  return std::string_view(reinterpret_cast<const char*>(out_.data()), size_);
}

Result<std::string_view> url_decode(std::string_view text, MutableBytes out) {
  TextWriter writer(out);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      writer.put(text[i]);
      continue;
    }
    std::uint8_t byte = 0;
    if (text.size() - i < 3) return fail(Status::kMalformed);
    LATCHKEY_TRY_VOID(hex_decode(text.substr(i + 1, 2), MutableBytes(&byte, 1)));
    if (byte == 0) return fail(Status::kMalformed);
    writer.put(static_cast<char>(byte));
    i += 2;
  }
  return writer.finish();
}

Result<std::uint64_t> parse_decimal(std::string_view text) {
  if (text.empty()) return fail(Status::kMalformed);
  std::uint64_t number = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return fail(Status::kMalformed);
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (number > (UINT64_MAX - digit) / 10) return fail(Status::kMalformed);
    number = number * 10 + digit;
  }
  return number;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::optional<Parameter> ParameterReader::next() {
  while (!rest_.empty()) {
    const std::size_t end = rest_.find('&');
    const std::string_view item = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    if (item.empty()) continue;
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) return Parameter{item, {}};
    return Parameter{item.substr(0, equals), item.substr(equals + 1)};
  }
  return std::nullopt;
}

std::optional<std::string_view> find_parameter(std::string_view query, std::string_view key) {
  ParameterReader reader(query);
  while (auto parameter = reader.next()) {
    if (parameter->key == key) return parameter->value;
  }
  return std::nullopt;
}

}  // namespace latchkey::agent
