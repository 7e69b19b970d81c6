// SPDX-License-Identifier: Apache-2.0
// Fresh identities from the kernel's generator.
#pragma once

#include "platform/base/ids.h"
#include "registry/model/resources.h"

namespace latchkey::registry {

Uuid random_uuid();  // RFC 9562 version 4
// RFC 9562 version 7: made later, sorts higher, also within a millisecond. For rows that come by the million: with a
// random uuid each new one would dirty another page of their index. 48 bits are random; a uuid is no secret.
Uuid ordered_uuid(UnixMs now);
CredentialId random_credential_id();  // 128 random bits: a revoked device must not guess its next one

}  // namespace latchkey::registry
