// SPDX-License-Identifier: Apache-2.0
// What a device shows in TLS, as OpenSSL wants it: its key, its certificate, what certifies that. Made of the record in
// its storage (agent/core/record.h).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

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

// The certificates of issuers, each of them read once for all devices that show it. One thread.
class Issuers {
 public:
  // Another owner of the same certificate. Null when the bytes are none.
  openssl::X509Ptr of(ByteView der);

 private:
  static constexpr std::size_t kMost = 64;  // more are seen only when policies come and go: then it begins anew
  std::map<std::string, openssl::X509Ptr, std::less<>> known_;
};

// kCorrupt: no whole record, or its key is not that of its certificate.
Result<Identity> read_identity(ByteView record, Issuers& issuers);

// A number for what read_identity() reads of a record, to see whether it is still that: the same while its header alone
// changes. Never 0. Nobody gains by two records with one number: both are the device's own.
std::uint64_t mark_of(ByteView record);

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
