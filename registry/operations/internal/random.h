// SPDX-License-Identifier: Apache-2.0
// Fresh identities from the kernel's generator.
#pragma once

#include "platform/base/ids.h"

namespace latchkey::registry {

Uuid random_uuid();                   // RFC 4122 version 4
CredentialId random_credential_id();  // 128 random bits: a revoked device must not guess its next one

}  // namespace latchkey::registry
