// SPDX-License-Identifier: Apache-2.0
#include "platform/base/bytes.h"

#include <cstring>

namespace latchkey {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr char kBase64Digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

}  // namespace

bool operator==(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

bool constant_time_equal(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  volatile std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

void wipe(MutableBytes secret) {
  volatile std::uint8_t* bytes = secret.data();
  for (std::size_t i = 0; i < secret.size(); ++i) bytes[i] = 0;
}

Result<std::size_t> hex_encode(ByteView bytes, MutableBytes out) {
  if (out.size() < hex_size(bytes.size())) return fail(Status::kTooLarge);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out[2 * i] = static_cast<std::uint8_t>(kHexDigits[bytes[i] >> 4]);
    out[2 * i + 1] = static_cast<std::uint8_t>(kHexDigits[bytes[i] & 15]);
  }
  return hex_size(bytes.size());
}

Result<std::size_t> hex_decode(std::string_view text, MutableBytes out) {
  if (text.size() % 2 != 0) return fail(Status::kMalformed);
  if (out.size() < text.size() / 2) return fail(Status::kTooLarge);
  for (std::size_t i = 0; i < text.size() / 2; ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return fail(Status::kMalformed);
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return text.size() / 2;
}

Result<std::size_t> base64_encode(ByteView bytes, MutableBytes out) {
  if (out.size() < base64_size(bytes.size())) return fail(Status::kTooLarge);
  std::size_t written = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const unsigned group = static_cast<unsigned>(bytes[i]) << 16 |
                           (left > 1 ? static_cast<unsigned>(bytes[i + 1]) << 8 : 0u) |
                           (left > 2 ? static_cast<unsigned>(bytes[i + 2]) : 0u);
    out[written++] = static_cast<std::uint8_t>(kBase64Digits[group >> 18]);
    out[written++] = static_cast<std::uint8_t>(kBase64Digits[group >> 12 & 63]);
    out[written++] = static_cast<std::uint8_t>(left > 1 ? kBase64Digits[group >> 6 & 63] : '=');
    out[written++] = static_cast<std::uint8_t>(left > 2 ? kBase64Digits[group & 63] : '=');
  }
  return written;
}

Result<std::size_t> base64_decode(std::string_view text, MutableBytes out) {
  if (text.size() % 4 != 0) return fail(Status::kMalformed);
  std::size_t written = 0;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const int padding = !last || text[i + 3] != '=' ? 0 : text[i + 2] == '=' ? 2 : 1;
    unsigned group = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const int value =
          k + static_cast<std::size_t>(padding) >= 4 && text[i + k] == '=' ? 0 : base64_value(text[i + k]);
      if (value < 0) return fail(Status::kMalformed);
      group = group << 6 | static_cast<unsigned>(value);
    }
    const std::size_t bytes = 3 - static_cast<std::size_t>(padding);
    if ((padding == 1 && (group & 0xff) != 0) || (padding == 2 && (group & 0xffff) != 0))
      return fail(Status::kMalformed);
    if (out.size() - written < bytes) return fail(Status::kTooLarge);
    for (std::size_t k = 0; k < bytes; ++k) out[written++] = static_cast<std::uint8_t>(group >> (16 - 8 * k));
  }
  return written;
}

}  // namespace latchkey
