// SPDX-License-Identifier: Apache-2.0
// CMS SignedData (RFC 5652 section 5) with one signer, made in two steps, so that who signs sees a digest and no file:
//
//   Draft draft(content, Algorithm::kRs256);
//   Bytes signature = ...(draft.digest());            // by the signing service
//   auto der = draft.finish(signature, certificates); // leaf first
//
// and read back, strictly: DER alone, one signer, signed attributes present.
#pragma once

#include <string>
#include <vector>

#include "hub/signing/signature/evidence.h"

namespace latchkey::hub::signing {

inline constexpr std::string_view kDataType = "1.2.840.113549.1.7.1";
// Where a timestamp over the signature value stands among the unsigned attributes.
inline constexpr std::string_view kCmsTimestamp = "1.2.840.113549.1.9.16.2.14";  // RFC 3161 appendix A
inline constexpr std::string_view kAuthenticodeTimestamp = "1.3.6.1.4.1.311.3.3.1";

struct SignedContent {
  std::string type = std::string(kDataType);
  Bytes embedded = {};  // the content's DER, which comes along; empty: it lies apart (detached)
  Bytes digest;         // by the algorithm's hash
};

class Draft {
 public:
  // `attributes`: further signed ones, each the DER of an Attribute. contentType and messageDigest are there by
  // themselves; signingTime is not: a signer's own clock proves nothing.
  Draft(SignedContent content, Algorithm algorithm, std::vector<Bytes> attributes = {});

  Algorithm algorithm() const { return algorithm_; }
  const Bytes& digest() const { return digest_; }

  // kInvalidArgument when the content's digest has another length than the algorithm's, when there are no certificates
  // or more than kCertificatesMax; kMismatch when the signature is not one over digest() by the first certificate's
  // key.
  Outcome<Bytes> finish(ByteView signature, const std::vector<X509*>& certificates) const;

 private:
  SignedContent content_;
  Algorithm algorithm_;
  Bytes attributes_;  // DER of the SET
  Bytes digest_;
};

// DER of an Attribute with one value.
Bytes attribute(std::string_view type, ByteView value);

struct SignedData {
  Evidence evidence;  // content_matches: not looked at; a timestamp of either kind
  Hash hash = Hash::kSha256;
  std::string content_type;
  Bytes content;         // the embedded content's DER; empty when detached
  Bytes message_digest;  // as it was signed
};
// kTooLarge over kSignatureMax bytes or kCertificatesMax certificates; kMalformed; kUnsupported for algorithms and
// shapes that are not taken. A signer whose certificate did not come along is kMalformed.
Outcome<SignedData> read_signed_data(ByteView der);

// The same with that token among the unsigned attributes. kRefused when it has a timestamp already.
Outcome<Bytes> with_timestamp(ByteView der, std::string_view attribute_type, ByteView token);

}  // namespace latchkey::hub::signing
