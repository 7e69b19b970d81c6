// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/internal/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

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

CredentialId random_credential_id() {
  CredentialId id;
  fill(id.bytes);
  return id;
}

}  // namespace latchkey::registry
