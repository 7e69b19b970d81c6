// SPDX-License-Identifier: Apache-2.0
// Sealed keys: a private key under a node key, by AES-256-GCM (NIST SP 800-38D).
//
//   offset  octets
//   0       8       "LKSEALED"
//   8       1       version of this format: 1
//   9       1       KeyAlgorithm of what is inside
//   10      8       id of the node key (node_key.h)
//   18      12      nonce, random
//   30      n       ciphertext of the key as PKCS#8 in PEM
//   30 + n  16      tag
//
// Associated data: the header up to the nonce, then purpose and key_ref, each with its length (4 octets, big-endian)
// before it. So a sealed key opens under its own name alone, and rows that were swapped, or moved to another purpose,
// are refused as damaged.
//
// Nonces are random: 2^32 seals under one node key would be too many, and a registry makes thousands.
//
// Threads: pure functions.
#pragma once

#include <optional>

#include "hub/ca/key_provider.h"
#include "hub/ca/node_key.h"

namespace latchkey::hub::ca {

// What a sealed key belongs to.
struct SealName {
  std::string_view key_ref;
  std::string_view purpose;
};

// kInternal.
registry::Outcome<registry::Bytes> seal(const NodeKey& node_key, const SealName& name, KeyAlgorithm algorithm,
                                        ByteView secret);
struct Unsealed {
  KeyAlgorithm algorithm = KeyAlgorithm::kEcP256;
  Secret key;
};
// kPreconditionFailed: sealed under a node key that is not among these, or by a newer format. kStorage: damaged, cut
// off, or another key's.
registry::Outcome<Unsealed> unseal(const NodeKeys& node_keys, const SealName& name, ByteView sealed);
// The node key that it says to be sealed under; nothing when it is not a sealed key of this version. Not proven.
std::optional<NodeKey::Id> sealed_under(ByteView sealed);

}  // namespace latchkey::hub::ca
