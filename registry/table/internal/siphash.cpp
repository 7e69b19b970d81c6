// SPDX-License-Identifier: Apache-2.0
#include "registry/table/internal/siphash.h"

#include <bit>
#include <cstring>

namespace latchkey::registry::internal {
namespace {

std::uint64_t load_le64(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&value, bytes, sizeof value);
  } else {
    for (std::size_t i = 0; i < sizeof value; ++i) value |= std::uint64_t{bytes[i]} << (8 * i);
  }
  return value;
}

// Fewer than eight.
std::uint64_t load_tail(const std::uint8_t* bytes, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value |= std::uint64_t{bytes[i]} << (8 * i);
  return value;
}

struct State {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void absorb(std::uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  std::uint64_t squeeze() {
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

}  // namespace

SipHash128 siphash_2_4_128(const std::array<std::uint8_t, 16>& key, ByteView message) {
  const std::uint64_t k0 = load_le64(key.data());
  const std::uint64_t k1 = load_le64(key.data() + 8);
  State state{k0 ^ 0x736f6d6570736575ULL, k1 ^ 0x646f72616e646f6dULL ^ 0xee, k0 ^ 0x6c7967656e657261ULL,
              k1 ^ 0x7465646279746573ULL};
  const std::size_t whole = message.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) state.absorb(load_le64(message.data() + i));
  const std::uint64_t tail = load_tail(message.data() + whole, message.size() - whole);
  state.absorb(tail | static_cast<std::uint64_t>(message.size()) << 56);
  SipHash128 out;
  state.v2 ^= 0xee;
  out.first = state.squeeze();
  state.v1 ^= 0xdd;
  out.second = state.squeeze();
  return out;
}

}  // namespace latchkey::registry::internal
