// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/authenticode/authenticode.h"

#include <array>

#include "hub/signing/base/der.h"

namespace latchkey::hub::signing {
namespace {

constexpr std::string_view kIndirectData = "1.3.6.1.4.1.311.2.1.4";
constexpr std::string_view kPeImage = "1.3.6.1.4.1.311.2.1.15";
constexpr std::string_view kStatementType = "1.3.6.1.4.1.311.2.1.11";
constexpr std::string_view kIndividual = "1.3.6.1.4.1.311.2.1.21";
constexpr std::string_view kProgramName = "1.3.6.1.4.1.311.2.1.12";
// SpcPeImageData: no flags; the file is an empty SpcString.
constexpr std::array<std::uint8_t, 11> kPeImageData = {0x30, 0x09, 0x03, 0x01, 0x00, 0xa0,
                                                       0x04, 0xa2, 0x02, 0x80, 0x00};

struct Named {
  Hash hash;
  Bytes digest;
};

Result<Named> read_indirect_data(ByteView content) {
  der::Reader outer(content);
  LATCHKEY_TRY(indirect, outer.next(der::kSequence));
  der::Reader parts(indirect.content);
  LATCHKEY_TRY(data, parts.next(der::kSequence));
  LATCHKEY_TRY(info, parts.next(der::kSequence));
  der::Reader type(data.content);
  LATCHKEY_TRY(kind, type.next_oid());
  if (kind != kPeImage || !parts.at_end()) return fail(Status::kMalformed);
  der::Reader inner(info.content);
  LATCHKEY_TRY(algorithm, inner.next(der::kSequence));
  LATCHKEY_TRY(digest, inner.next(der::kOctetString));
  const auto hash = hash_of_cms(algorithm.whole);
  if (!hash || !inner.at_end()) return fail(hash ? Status::kMalformed : hash.error().status);
  return Named{*hash, copy_of(digest.content)};
}

// PKCS #7 before CMS: the message digest leaves out the content's own tag and length.
Bytes message_digest_of(Hash hash, ByteView content) {
  der::Reader reader(content);
  const auto value = reader.next();
  return digest_of(hash, value ? value->content : ByteView());
}

}  // namespace

Bytes indirect_data(Hash hash, ByteView digest) {
  return der::sequence({der::sequence({der::oid(kPeImage), kPeImageData}),
                        der::sequence({cms_digest_identifier(hash), der::octet_string(digest)})});
}

Outcome<Draft> draft_authenticode(ByteView file, Algorithm algorithm) {
  LATCHKEY_TRY(layout, read_pe(file));
  if (layout.table_size != 0) return refuse(Status::kRefused, "the file is signed already");
  const Hash hash = facts_of(algorithm).hash;
  SignedContent content;
  content.type = kIndirectData;
  content.embedded = indirect_data(hash, pe_digest(file, layout, hash));
  content.digest = message_digest_of(hash, content.embedded);
  return Draft(
      std::move(content), algorithm,
      {attribute(kStatementType, der::sequence({der::oid(kIndividual)})), attribute(kProgramName, der::sequence({}))});
}

Outcome<Bytes> attach_authenticode(ByteView file, ByteView signature) {
  LATCHKEY_TRY(layout, read_pe(file));
  if (layout.table_size != 0) return refuse(Status::kRefused, "the file is signed already");
  return pe_with_signature(file, layout, signature);
}

Outcome<Evidence> read_authenticode(ByteView file) {
  LATCHKEY_TRY(layout, read_pe(file));
  LATCHKEY_TRY(signature, pe_signature(file, layout));
  LATCHKEY_TRY(read, read_signed_data(signature));
  const auto named = read_indirect_data(read.content);
  if (read.content_type != kIndirectData || !named) {
    return refuse(Status::kMalformed, "the signature is not one over a PE file");
  }
  read.evidence.content_matches = message_digest_of(read.hash, read.content) == read.message_digest &&
                                  pe_digest(file, layout, named->hash) == named->digest;
  return std::move(read.evidence);
}

}  // namespace latchkey::hub::signing
