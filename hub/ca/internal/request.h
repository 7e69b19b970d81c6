// SPDX-License-Identifier: Apache-2.0
// A PKCS#10 request (RFC 2986 section 4) in its parts. OpenSSL's own decoder, with the grammar of its X509_REQ, but for
// the key: there it decodes what stands in the SubjectPublicKeyInfo, which OpenSSL 3.0 does slowly and which here is
// left to whoever needs it.
#pragma once

#include <openssl/asn1.h>
#include <openssl/x509.h>

#include <memory>

#include "registry/model/resources.h"

namespace latchkey::hub::ca::internal {

struct RequestForm;

class Request {
 public:
  // Null when `der` does not begin with a request, of `size` octets. Leaves complaints in the thread's error queue.
  static std::unique_ptr<Request> parse(ByteView der, std::size_t& size);
  ~Request();
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  const X509_NAME* subject() const;
  const X509_ALGOR* key_algorithm() const;
  ByteView key_bits() const;         // what the subjectPublicKey holds
  registry::Bytes key_info() const;  // the SubjectPublicKeyInfo in DER, which ends in key_bits(); empty: no memory
  int signature_nid() const;         // of the signature's algorithm
  ByteView signed_part() const;      // as it came
  const ASN1_BIT_STRING* signature() const;

 private:
  explicit Request(RequestForm* form) : form_(form) {}
  RequestForm* const form_;
};

}  // namespace latchkey::hub::ca::internal
