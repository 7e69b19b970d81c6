// SPDX-License-Identifier: Apache-2.0
// Times of certificates as UnixMs. Private to platform/crypto.
#pragma once

#include <mbedtls/x509.h>

#include "platform/base/ids.h"
#include "platform/crypto/civil_time.h"

namespace latchkey::crypto {

inline UnixMs unix_ms(const mbedtls_x509_time& time) {
  return unix_ms_of(CivilTime{time.year, time.mon, time.day, time.hour, time.min, time.sec});
}

}  // namespace latchkey::crypto
