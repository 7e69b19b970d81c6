// SPDX-License-Identifier: Apache-2.0
// What a device shows in TLS, as OpenSSL wants it: its key, its certificate, what certifies that. Made of the record in
// its storage (agent/core/record.h) for each connection and gone once that stands.
#pragma once

#include <cstdint>
#include <string>

#include "platform/base/bytes.h"
#include "platform/base/ids.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::boards::fleet::swarm {

struct Identity {
  openssl::PkeyPtr key;
  openssl::X509Ptr leaf;
  openssl::X509StackPtr chain;  // without the leaf; may be empty

  bool empty() const { return !key; }
};

// kCorrupt: no whole record, or its key is not that of its certificate.
Result<Identity> read_identity(ByteView record);

// What a history tells of a stored certificate.
struct StoredCertificate {
  std::string serial;  // lower-case hex
  std::string issuer;  // the issuer's key identifier, 16 hex digits; empty when the certificate names none
  UnixMs not_after = 0;
};
// kCorrupt: the record holds no certificate.
Result<StoredCertificate> read_certificate(ByteView record);

// The key in the form that records and the agent's CSRs have (platform/crypto/key.h), as OpenSSL's. Null for any other.
openssl::PkeyPtr pkey_of(ByteView der);

}  // namespace latchkey::boards::fleet::swarm
