// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/internal/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>
#include <mutex>

namespace latchkey::registry {
namespace {

void fill(std::array<std::uint8_t, 16>& bytes) {
  // Requests up to 256 bytes are not cut short once the generator is seeded (getrandom(2)). A kernel without it is
  // not one that we run on, and going on with predictable identities would be worse than stopping.
  for (;;) {
    if (::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size())) return;
    if (errno != EINTR) std::abort();
  }
}

}  // namespace

Uuid random_uuid() {
  Uuid uuid;
  fill(uuid.bytes);
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
  return uuid;
}

Uuid ordered_uuid(UnixMs now) {
  static std::mutex mutex;  // guards what follows
  static UnixMs last = 0;
  static std::uint32_t count = 0;
  Uuid uuid;
  fill(uuid.bytes);
  auto& bytes = uuid.bytes;
  {
    const std::lock_guard lock(mutex);
    // Begins anywhere, with room to count: RFC 9562 section 6.2, method 1.
    count = now == last ? count + 1 : static_cast<std::uint32_t>(bytes[6] << 16 | bytes[7] << 8 | bytes[8]);
    last = now;
    for (std::size_t i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(now >> (8 * (5 - i)) & 0xff);
    bytes[6] = static_cast<std::uint8_t>(0x70 | (count >> 22 & 0x0f));
    bytes[7] = static_cast<std::uint8_t>(count >> 14);
    bytes[8] = static_cast<std::uint8_t>(0x80 | (count >> 8 & 0x3f));
    bytes[9] = static_cast<std::uint8_t>(count);
  }
  return uuid;
}

CredentialId random_credential_id() {
  CredentialId id;
  fill(id.bytes);
  return id;
}

}  // namespace latchkey::registry
