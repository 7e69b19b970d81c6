// SPDX-License-Identifier: Apache-2.0
// The digest port over OpenSSL, for programs of the host: Registry::open wants one.
#pragma once

#include "platform/ports/digest.h"

namespace latchkey::openssl {

// One for the whole process; lives until it ends.
const ports::Digest& host_digest();

}  // namespace latchkey::openssl
