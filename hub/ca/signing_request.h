// SPDX-License-Identifier: Apache-2.0
// A new key for an issuing CA that somebody else's CA will sign, and the request for that (PKCS#10, RFC 2986).
#pragma once

#include "hub/ca/key_provider.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::ca {

// The key is durable before this returns. The subject is CN=<32 hex digits>, new every time; the key's curve is given
// by its name, as RFC 5480 section 2.1.1 wants it. P-256 signs with ecdsa-with-SHA256, P-384 with ecdsa-with-SHA384.
// Asks for no extensions: they are the signer's to choose. kStorage, kInternal (and then no key is left behind).
registry::Outcome<registry::NewCsr> make_signing_request(KeyProvider& keys, registry::KeyProfile profile);

}  // namespace latchkey::hub::ca
