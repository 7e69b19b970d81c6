// SPDX-License-Identifier: Apache-2.0
#include "platform/base/ids.h"

namespace latchkey {

std::array<char, kUuidTextSize> to_text(const Uuid& uuid) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<char, kUuidTextSize> text{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text[at++] = '-';
    text[at++] = kDigits[uuid.bytes[i] >> 4];
    text[at++] = kDigits[uuid.bytes[i] & 15];
  }
  return text;
}

Result<Uuid> parse_uuid(std::string_view text) {
  if (text.size() != kUuidTextSize) return fail(Status::kMalformed);
  char digits[32];
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return fail(Status::kMalformed);
    if (!dash) digits[count++] = text[i];
  }
  Uuid uuid;
  auto decoded = hex_decode({digits, count}, MutableBytes(uuid.bytes.data(), uuid.bytes.size()));
  if (!decoded) return fail(decoded.error());
  return uuid;
}

std::array<std::uint8_t, DeviceIdentifier::kSize> DeviceIdentifier::encode() const {
  std::array<std::uint8_t, kSize> bytes{};
  std::memcpy(bytes.data(), device.bytes.data(), 16);
  std::memcpy(bytes.data() + 16, credential.bytes.data(), 16);
  return bytes;
}

Result<DeviceIdentifier> DeviceIdentifier::decode(ByteView bytes) {
  if (bytes.size() != kSize) return fail(Status::kMalformed);
  DeviceIdentifier identifier;
  std::memcpy(identifier.device.bytes.data(), bytes.data(), 16);
  std::memcpy(identifier.credential.bytes.data(), bytes.data() + 16, 16);
  return identifier;
}

bool valid_registration_id(std::string_view id) {
  if (id.empty() || id.size() > 128) return false;
  auto alphanumeric = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  for (char c : id) {
    if (!alphanumeric(c) && c != '.' && c != '_' && c != '-' && c != ':') return false;
  }
  return alphanumeric(id.front()) && alphanumeric(id.back());
}

}  // namespace latchkey
