// SPDX-License-Identifier: Apache-2.0
#include "platform/semihosting/entropy.h"

#include <mbedtls/entropy.h>
#include <psa/crypto.h>

#include <array>

#include "platform/semihosting/semihosting.h"

namespace latchkey::semihosting {

std::uint32_t HostEntropy::next() {
  std::uint32_t number = 0;
  // Fails only if the generator cannot be seeded, and then init() has failed before.
  (void)psa_generate_random(reinterpret_cast<std::uint8_t*>(&number), sizeof number);
  return number;
}

}  // namespace latchkey::semihosting

// mbedTLS's source of entropy (MBEDTLS_ENTROPY_HARDWARE_ALT).
extern "C" int mbedtls_hardware_poll(void*, unsigned char* out, std::size_t size, std::size_t* written) {
  latchkey::semihosting::File source("/dev/urandom", latchkey::semihosting::Mode::kRead);
  *written = source ? source.read({out, size}) : 0;
  return *written == size ? 0 : MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
}
