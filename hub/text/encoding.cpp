// SPDX-License-Identifier: Apache-2.0
#include "hub/text/encoding.h"

#include <openssl/rand.h>

#include <cstdlib>
#include <vector>

namespace latchkey::hub::text {
namespace {

void fill_at_random(MutableBytes bytes) {
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) std::abort();
}

MutableBytes room_of(std::string& text) { return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}; }

}  // namespace

std::string hex(ByteView bytes) {
  std::string text(hex_size(bytes.size()), '\0');
  (void)hex_encode(bytes, room_of(text));
  return text;
}

std::string base64(ByteView bytes) {
  std::string text(base64_size(bytes.size()), '\0');
  (void)base64_encode(bytes, room_of(text));
  return text;
}

std::string uuid_text(const Uuid& uuid) { return std::string(view(to_text(uuid))); }

std::string random_uuid() {
  Uuid uuid;
  fill_at_random(MutableBytes(uuid.bytes));
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
  return uuid_text(uuid);
}

std::string random_hex(std::size_t bytes) {
  std::vector<std::uint8_t> random(bytes);
  fill_at_random(MutableBytes(random.data(), random.size()));
  return hex(ByteView(random.data(), random.size()));
}

}  // namespace latchkey::hub::text
