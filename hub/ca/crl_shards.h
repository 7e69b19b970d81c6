// SPDX-License-Identifier: Apache-2.0
// Lists in shards: a CA's revoked serials in several lists instead of one, so that whoever checks one certificate
// fetches a part of them (RFC 5280 section 5: a list need not cover all that a CA issued). Which shard a certificate
// belongs to follows from its serial and from how many there were when it was issued; its address says both, so that
// another number later changes nothing for it.
//
// The whole list of a CA goes on beside its shards, at its own address and for all of its certificates.
#pragma once

#include <string>
#include <vector>

#include "platform/base/ids.h"

namespace latchkey::hub::ca {

inline constexpr unsigned kCrlShardsMax = 256;  // each is a file and a signature a CA

// One list of a CA. A count of 1 is the whole list, and then the index is 0.
struct CrlShard {
  unsigned count = 1;
  unsigned index = 0;
  bool whole() const { return count == 1; }
};

// The shard out of `count` that a certificate with this serial belongs to.
CrlShard shard_of(ByteView serial, unsigned count);

// Below the folder of lists, on disk and in addresses alike: "{ca}.crl", "{ca}/8/3.crl".
std::string list_path(const Uuid& ca, CrlShard shard);
// The same behind the address of that folder.
std::string list_address(const std::string& folder, const Uuid& ca, CrlShard shard);

// One way in which lists were ever split, and every folder address that certificates with such an address have: a
// shard names all of them, because a verifier takes it only if it names the certificate's (RFC 5280 section 5.2.5).
struct CrlSplit {
  unsigned count = 2;
  std::vector<std::string> folders;
};

}  // namespace latchkey::hub::ca
