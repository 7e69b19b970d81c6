// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/signature/signed_data.h"

#include "hub/signing/base/der.h"

namespace latchkey::hub::signing {
namespace {

using openssl::X509Ptr;

constexpr std::string_view kSignedData = "1.2.840.113549.1.7.2";
constexpr std::string_view kContentType = "1.2.840.113549.1.9.3";
constexpr std::string_view kMessageDigest = "1.2.840.113549.1.9.4";

Bytes issuer_and_serial(const X509* certificate) {
  const Bytes issuer = openssl::to_der(i2d_X509_NAME, X509_get_issuer_name(certificate));
  const Bytes serial = openssl::to_der(i2d_ASN1_INTEGER, X509_get0_serialNumber(certificate));
  return der::sequence({issuer, serial});
}

Bytes wrap(ByteView signed_data) {
  return der::sequence({der::oid(kSignedData), der::value(der::context(0), {signed_data})});
}

// The pieces of SignedData as they stand in the text, so that a timestamp can be added and nothing else moves.
struct Pieces {
  der::Value version;
  der::Value digest_algorithms;
  std::string content_type;
  der::Value content_info;
  ByteView content;  // DER inside eContent [0]
  der::Value certificates;
  ByteView lists;  // [1], passed over
  der::Value signer_version;
  der::Value signer_id;
  der::Value digest_algorithm;
  der::Value signed_attributes;
  der::Value signature_algorithm;
  der::Value signature;
  ByteView unsigned_attributes;  // the attributes one behind the other
};

Result<void> split_content(Pieces& pieces) {
  der::Reader reader(pieces.content_info.content);
  LATCHKEY_TRY(type, reader.next_oid());
  pieces.content_type = type;
  if (reader.at_end()) return {};
  LATCHKEY_TRY(embedded, reader.next(der::context(0)));
  der::Reader inner(embedded.content);
  LATCHKEY_TRY(content, inner.next());
  if (!inner.at_end() || !reader.at_end()) return fail(Status::kMalformed);
  pieces.content = content.whole;
  return {};
}

Result<void> split_signer(ByteView signer_infos, Pieces& pieces) {
  der::Reader infos(signer_infos);
  LATCHKEY_TRY(info, infos.next(der::kSequence));
  if (!infos.at_end()) return fail(Status::kUnsupported);
  der::Reader reader(info.content);
  LATCHKEY_TRY(version, reader.next(der::kInteger));
  LATCHKEY_TRY(id, reader.next());
  LATCHKEY_TRY(digest_algorithm, reader.next(der::kSequence));
  if (!reader.next_is(der::context(0))) return fail(Status::kUnsupported);  // no signed attributes
  LATCHKEY_TRY(signed_attributes, reader.next());
  LATCHKEY_TRY(signature_algorithm, reader.next(der::kSequence));
  LATCHKEY_TRY(signature, reader.next(der::kOctetString));
  if (reader.next_is(der::context(1))) {
    LATCHKEY_TRY(attributes, reader.next());
    pieces.unsigned_attributes = attributes.content;
  }
  if (!reader.at_end()) return fail(Status::kMalformed);
  pieces.signer_version = version;
  pieces.signer_id = id;
  pieces.digest_algorithm = digest_algorithm;
  pieces.signed_attributes = signed_attributes;
  pieces.signature_algorithm = signature_algorithm;
  pieces.signature = signature;
  return {};
}

Result<Pieces> split(ByteView text) {
  Pieces pieces;
  der::Reader file(text);
  LATCHKEY_TRY(outer, file.next(der::kSequence));
  der::Reader info(outer.content);
  LATCHKEY_TRY(type, info.next_oid());
  LATCHKEY_TRY(wrapped, info.next(der::context(0)));
  if (type != kSignedData || !info.at_end() || !file.at_end()) return fail(Status::kMalformed);
  der::Reader inner(wrapped.content);
  LATCHKEY_TRY(signed_data, inner.next(der::kSequence));
  if (!inner.at_end()) return fail(Status::kMalformed);
  der::Reader reader(signed_data.content);
  LATCHKEY_TRY(version, reader.next(der::kInteger));
  LATCHKEY_TRY(algorithms, reader.next(der::kSet));
  LATCHKEY_TRY(content_info, reader.next(der::kSequence));
  LATCHKEY_TRY(certificates, reader.next(der::context(0)));
  if (reader.next_is(der::context(1))) {
    LATCHKEY_TRY(lists, reader.next());
    pieces.lists = lists.whole;
  }
  LATCHKEY_TRY(signer_infos, reader.next(der::kSet));
  if (!reader.at_end()) return fail(Status::kMalformed);
  pieces.version = version;
  pieces.digest_algorithms = algorithms;
  pieces.content_info = content_info;
  pieces.certificates = certificates;
  LATCHKEY_TRY_VOID(split_content(pieces));
  LATCHKEY_TRY_VOID(split_signer(signer_infos.content, pieces));
  return pieces;
}

Bytes join(const Pieces& pieces, ByteView unsigned_attributes) {
  const Bytes behind = unsigned_attributes.empty() ? Bytes() : der::value(der::context(1), {unsigned_attributes});
  const Bytes signer =
      der::sequence({pieces.signer_version.whole, pieces.signer_id.whole, pieces.digest_algorithm.whole,
                     pieces.signed_attributes.whole, pieces.signature_algorithm.whole, pieces.signature.whole, behind});
  return wrap(der::sequence({pieces.version.whole, pieces.digest_algorithms.whole, pieces.content_info.whole,
                             pieces.certificates.whole, pieces.lists, der::value(der::kSet, {signer})}));
}

Outcome<Pieces> split_file(ByteView text) {
  if (text.size() > kSignatureMax) return refuse(Status::kTooLarge, "a signature of over 128 KiB");
  auto pieces = split(text);
  if (pieces) return std::move(*pieces);
  if (pieces.error() == Status::kUnsupported) {
    return refuse(Status::kUnsupported, "signatures have one signer and signed attributes");
  }
  return refuse(Status::kMalformed, "not a CMS signature with its certificates");
}

Outcome<std::vector<X509Ptr>> read_certificates(ByteView text) {
  std::vector<X509Ptr> read;
  for (der::Reader reader(text); !reader.at_end();) {
    const auto value = reader.next(der::kSequence);
    X509Ptr certificate = value ? certificate_from_der(value->whole) : nullptr;
    if (!certificate) return refuse(Status::kMalformed, "a damaged certificate");
    if (read.size() == kCertificatesMax) return refuse(Status::kTooLarge, "more than eight certificates");
    read.push_back(std::move(certificate));
  }
  return read;
}

bool is_named(const X509* certificate, const der::Value& signer_id) {
  if (signer_id.tag == der::kSequence) return signer_id.whole == ByteView(issuer_and_serial(certificate));
  const ASN1_OCTET_STRING* key_id = X509_get0_subject_key_id(const_cast<X509*>(certificate));  // NOLINT: fills a cache
  return signer_id.tag == 0x80 && key_id != nullptr &&
         signer_id.content ==
             ByteView(ASN1_STRING_get0_data(key_id), static_cast<std::size_t>(ASN1_STRING_length(key_id)));
}

// The one value of the one attribute of that type; nothing when there is none. Several are kMalformed.
Result<std::optional<der::Value>> find_attribute(ByteView attributes, std::string_view type) {
  std::optional<der::Value> found;
  for (der::Reader reader(attributes); !reader.at_end();) {
    LATCHKEY_TRY(one, reader.next(der::kSequence));
    der::Reader inner(one.content);
    LATCHKEY_TRY(named, inner.next_oid());
    LATCHKEY_TRY(values, inner.next(der::kSet));
    if (!inner.at_end()) return fail(Status::kMalformed);
    if (named != type) continue;
    der::Reader set(values.content);
    LATCHKEY_TRY(value, set.next());
    if (found || !set.at_end()) return fail(Status::kMalformed);
    found = value;
  }
  return found;
}

Outcome<void> read_signed_attributes(const Pieces& pieces, SignedData& into) {
  const auto type = find_attribute(pieces.signed_attributes.content, kContentType);
  const auto digest = find_attribute(pieces.signed_attributes.content, kMessageDigest);
  const bool there = type && *type && digest && *digest && (*digest)->tag == der::kOctetString;
  if (!there || (*type)->whole != ByteView(der::oid(pieces.content_type))) {
    return refuse(Status::kMalformed, "the signed attributes lack content type or digest, or name another type");
  }
  into.message_digest = copy_of((*digest)->content);
  // Signed as a SET, sent under another tag (RFC 5652 section 5.4).
  into.evidence.digest = digest_of(into.hash, der::value(der::kSet, {pieces.signed_attributes.content}));
  return {};
}

Outcome<void> read_timestamp(ByteView attributes, Evidence& evidence) {
  for (const std::string_view type : {kCmsTimestamp, kAuthenticodeTimestamp}) {
    const auto token = find_attribute(attributes, type);
    if (!token || (*token && !evidence.token.empty())) return refuse(Status::kMalformed, "damaged unsigned attributes");
    if (*token) evidence.token = copy_of((*token)->whole);
  }
  return {};
}

}  // namespace

Bytes attribute(std::string_view type, ByteView value) {
  return der::sequence({der::oid(type), der::value(der::kSet, {value})});
}

Draft::Draft(SignedContent content, Algorithm algorithm, std::vector<Bytes> attributes)
    : content_(std::move(content)), algorithm_(algorithm) {
  attributes.push_back(attribute(kContentType, der::oid(content_.type)));
  attributes.push_back(attribute(kMessageDigest, der::octet_string(content_.digest)));
  attributes_ = der::set_of(std::move(attributes));
  digest_ = digest_of(facts_of(algorithm_).hash, attributes_);
}

Outcome<Bytes> Draft::finish(ByteView signature, const std::vector<X509*>& certificates) const {
  const Hash hash = facts_of(algorithm_).hash;
  if (content_.digest.size() != digest_size(hash)) {
    return refuse(Status::kInvalidArgument, "the content's digest is not one by " + std::string(name_of(hash)));
  }
  if (certificates.empty() || certificates.size() > kCertificatesMax) {
    return refuse(Status::kInvalidArgument, "a signature carries one to eight certificates");
  }
  if (!verify_digest(X509_get0_pubkey(certificates[0]), algorithm_, digest_, signature)) {
    return refuse(Status::kMismatch, "the signature is not one over this digest by the certificate's key");
  }
  Bytes chain;
  for (const X509* certificate : certificates) append(chain, certificate_der(certificate));
  const Bytes embedded = content_.embedded.empty() ? Bytes() : der::value(der::context(0), {content_.embedded});
  der::Reader attributes(attributes_);
  const auto set = attributes.next(der::kSet);
  if (!set) return refuse(Status::kInternal, "no signed attributes");
  const Bytes digest_algorithm = cms_digest_identifier(hash);
  const Bytes signer = der::sequence({der::integer(1), issuer_and_serial(certificates[0]), digest_algorithm,
                                      der::value(der::context(0), {set->content}), cms_signature_identifier(algorithm_),
                                      der::octet_string(signature)});
  return wrap(der::sequence({der::integer(1), der::value(der::kSet, {digest_algorithm}),
                             der::sequence({der::oid(content_.type), embedded}), der::value(der::context(0), {chain}),
                             der::value(der::kSet, {signer})}));
}

Outcome<SignedData> read_signed_data(ByteView der) {
  LATCHKEY_TRY(pieces, split_file(der));
  SignedData read;
  Evidence& evidence = read.evidence;
  LATCHKEY_TRY(hash, hash_of_cms(pieces.digest_algorithm.whole));
  LATCHKEY_TRY(certificates, read_certificates(pieces.certificates.content));
  for (X509Ptr& certificate : certificates) {
    const bool is_signer = !evidence.signer && is_named(certificate.get(), pieces.signer_id);
    if (is_signer) evidence.signer = std::move(certificate);
    if (!is_signer) evidence.others.push_back(std::move(certificate));
  }
  if (!evidence.signer) return refuse(Status::kMalformed, "the signer's certificate did not come along");
  read.hash = hash;
  read.content_type = pieces.content_type;
  read.content = copy_of(pieces.content);
  LATCHKEY_TRY(algorithm,
               algorithm_of_cms(pieces.signature_algorithm.whole, hash, X509_get0_pubkey(evidence.signer.get())));
  evidence.algorithm = algorithm;
  evidence.signature = copy_of(pieces.signature.content);
  evidence.stamped = evidence.signature;
  LATCHKEY_TRY_VOID(read_signed_attributes(pieces, read));
  LATCHKEY_TRY_VOID(read_timestamp(pieces.unsigned_attributes, evidence));
  return read;
}

Outcome<Bytes> with_timestamp(ByteView der, std::string_view attribute_type, ByteView token) {
  LATCHKEY_TRY(pieces, split_file(der));
  Evidence existing;
  LATCHKEY_TRY_VOID(read_timestamp(pieces.unsigned_attributes, existing));
  if (!existing.token.empty()) return refuse(Status::kRefused, "the signature has a timestamp already");
  std::vector<Bytes> attributes = {attribute(attribute_type, token)};
  for (der::Reader reader(pieces.unsigned_attributes); !reader.at_end();) {
    const auto one = reader.next();
    if (!one) return refuse(Status::kMalformed, "damaged unsigned attributes");
    attributes.push_back(copy_of(one->whole));
  }
  const Bytes set = der::set_of(std::move(attributes));
  der::Reader reader(set);
  const auto sorted = reader.next();
  return join(pieces, sorted ? sorted->content : ByteView());
}

}  // namespace latchkey::hub::signing
