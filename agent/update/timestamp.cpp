// SPDX-License-Identifier: Apache-2.0
#include "agent/update/timestamp.h"

#include "platform/crypto/civil_time.h"
#include "platform/crypto/der.h"
#include "platform/crypto/signature.h"

namespace latchkey::agent {
namespace {

using crypto::DerReader;
using crypto::DerValue;

// Contents of object identifiers.
constexpr std::uint8_t kSignedData[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02};
constexpr std::uint8_t kTstInfo[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x01, 0x04};
constexpr std::uint8_t kContentType[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x03};
constexpr std::uint8_t kMessageDigest[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x04};
constexpr std::uint8_t kSigningCertificateV2[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x02, 0x2F};
constexpr std::uint8_t kTimeStamping[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08};
// 2.16.840.1.101.3.4.2.x: 1 SHA-256, 2 SHA-384, 3 SHA-512.
constexpr std::uint8_t kSha2Arc[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02};
// rsaEncryption and shaNNNWithRSAEncryption are 1.2.840.113549.1.1.x.
constexpr std::uint8_t kPkcs1Arc[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01};
// ecdsa-with-SHA2: 1.2.840.10045.4.3.x.
constexpr std::uint8_t kEcdsaArc[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03};

constexpr std::uint8_t kContext0 = 0xA0;  // constructed
constexpr std::uint8_t kContext1 = 0xA1;
constexpr std::uint8_t kPrimitive0 = 0x80;
constexpr std::uint8_t kPrimitive1 = 0x81;
constexpr std::uint64_t kAccuracyMaxS = 24 * 60 * 60;
constexpr std::size_t kCertificatesMax = 8;

template <std::size_t N>
ByteView view(const std::uint8_t (&bytes)[N]) {
  return {bytes, N};
}
template <std::size_t N>
bool starts_with(ByteView text, const std::uint8_t (&arc)[N]) {
  return text.size() == N + 1 && text.subview(0, N) == view(arc);
}

Result<void> expect_oid(DerReader& reader, ByteView oid) {
  LATCHKEY_TRY(read, reader.next(crypto::kDerOid));
  if (read.content != oid) return fail(Status::kMalformed);
  return {};
}

// AlgorithmIdentifier of a hash; parameters are left out or NULL (RFC 5754 section 2).
Result<crypto::Hash> next_hash(DerReader& reader) {
  LATCHKEY_TRY(identifier, reader.enter(crypto::kDerSequence));
  LATCHKEY_TRY(oid, identifier.next(crypto::kDerOid));
  if (!identifier.at_end()) LATCHKEY_TRY_VOID(identifier.next(crypto::kDerNull));
  if (!starts_with(oid.content, kSha2Arc)) return fail(Status::kUnsupported);
  switch (oid.content[oid.content.size() - 1]) {
    case 1: return crypto::Hash::kSha256;
    case 2: return crypto::Hash::kSha384;
    case 3: return crypto::Hash::kSha512;
    default: return fail(Status::kUnsupported);
  }
}

Result<void> expect_version(DerReader& reader, std::uint64_t version) {
  LATCHKEY_TRY(read, reader.next_number(crypto::kDerInteger, version));
  if (read != version) return fail(Status::kMalformed);
  return {};
}

Result<bool> is_digest_of(crypto::Hash hash, ByteView said, ByteView text) {
  crypto::HashValue digest;
  LATCHKEY_TRY_VOID(crypto::hash_of(hash, &text, 1, digest));
  return said == digest.view();
}

// ---- What the token says (RFC 3161 section 2.4.2)

bool two_digits(std::string_view text, std::size_t at, int& out) {
  if (text[at] < '0' || text[at] > '9' || text[at + 1] < '0' || text[at + 1] > '9') return false;
  out = (text[at] - '0') * 10 + (text[at + 1] - '0');
  return true;
}

// Milliseconds of ".123456": three digits, and one more for whatever lies behind them.
Result<UnixMs> fraction_ms(std::string_view digits) {
  UnixMs whole = 0;
  bool more = false;
  for (std::size_t i = 0; i < 3 || i < digits.size(); ++i) {
    const char c = i < digits.size() ? digits[i] : '0';
    if (c < '0' || c > '9') return fail(Status::kMalformed);
    if (i < 3) whole = whole * 10 + (c - '0');
    more = more || (i >= 3 && c != '0');
  }
  return whole + (more ? 1 : 0);
}

// YYYYMMDDhhmmss[.f...]Z
Result<UnixMs> read_time(std::string_view text) {
  constexpr std::size_t kWhole = 14;
  if (text.size() < kWhole + 1 || text.size() > 32 || text.back() != 'Z') return fail(Status::kMalformed);
  int century = 0;
  int year = 0;
  crypto::CivilTime time;
  const bool numbers = two_digits(text, 0, century) && two_digits(text, 2, year) && two_digits(text, 4, time.month) &&
                       two_digits(text, 6, time.day) && two_digits(text, 8, time.hour) &&
                       two_digits(text, 10, time.minute) && two_digits(text, 12, time.second);
  if (!numbers || time.month < 1 || time.month > 12 || time.day < 1 || time.day > 31 || time.hour > 23 ||
      time.minute > 59 || time.second > 59) {
    return fail(Status::kMalformed);
  }
  time.year = century * 100 + year;
  const UnixMs whole = crypto::unix_ms_of(time);
  if (whole <= 0) return fail(Status::kMalformed);
  if (text.size() == kWhole + 1) return whole;
  if (text[kWhole] != '.' || text.size() == kWhole + 2) return fail(Status::kMalformed);
  LATCHKEY_TRY(part, fraction_ms(text.substr(kWhole + 1, text.size() - kWhole - 2)));
  return whole + part;
}

// Accuracy ::= SEQUENCE { seconds INTEGER, millis [0], micros [1], all OPTIONAL }
Result<UnixMs> read_accuracy(DerReader reader) {
  std::uint64_t seconds = 0;
  std::uint64_t millis = 0;
  std::uint64_t micros = 0;
  if (reader.next_is(crypto::kDerInteger)) {
    LATCHKEY_TRY(read, reader.next_number(crypto::kDerInteger, kAccuracyMaxS));
    seconds = read;
  }
  if (reader.next_is(kPrimitive0)) {
    LATCHKEY_TRY(read, reader.next_number(kPrimitive0, 999));
    millis = read;
  }
  if (reader.next_is(kPrimitive1)) {
    LATCHKEY_TRY(read, reader.next_number(kPrimitive1, 999));
    micros = read;
  }
  if (!reader.at_end()) return fail(Status::kMalformed);
  return static_cast<UnixMs>(seconds * 1000 + millis + (micros > 0 ? 1 : 0));
}

Result<void> check_imprint(DerReader imprint, ByteView stamped) {
  LATCHKEY_TRY(hash, next_hash(imprint));
  LATCHKEY_TRY(said, imprint.next(crypto::kDerOctetString));
  LATCHKEY_TRY(same, is_digest_of(hash, said.content, stamped));
  if (!imprint.at_end() || !same) return fail(same ? Status::kMalformed : Status::kMismatch);
  return {};
}

// TSTInfo. Ordering, nonce and name are passed over: they say nothing that counts here.
Result<Stamp> read_info(ByteView text, ByteView stamped) {
  DerReader outer(text);
  LATCHKEY_TRY(info, outer.enter(crypto::kDerSequence));
  LATCHKEY_TRY_VOID(expect_version(info, 1));
  LATCHKEY_TRY_VOID(info.next(crypto::kDerOid));  // policy
  LATCHKEY_TRY(imprint, info.enter(crypto::kDerSequence));
  LATCHKEY_TRY_VOID(check_imprint(imprint, stamped));
  LATCHKEY_TRY_VOID(info.next(crypto::kDerInteger));  // serial
  LATCHKEY_TRY(time, info.next(crypto::kDerGeneralizedTime));
  Stamp stamp;
  LATCHKEY_TRY(at, read_time(time.content.text()));
  stamp.at = stamp.latest = at;
  if (info.next_is(crypto::kDerSequence)) {
    LATCHKEY_TRY(accuracy, info.enter(crypto::kDerSequence));
    LATCHKEY_TRY(accuracy_ms, read_accuracy(accuracy));
    stamp.latest += accuracy_ms;
  }
  if (info.next_is(crypto::kDerBoolean)) LATCHKEY_TRY_VOID(info.next());
  if (info.next_is(crypto::kDerInteger)) LATCHKEY_TRY_VOID(info.next());
  if (info.next_is(kContext0)) LATCHKEY_TRY_VOID(info.next());
  if (info.next_is(kContext1)) return fail(Status::kUnsupported);
  if (!info.at_end() || !outer.at_end()) return fail(Status::kMalformed);
  return stamp;
}

// ---- Who says it (RFC 5652 section 5)

// The parts of SignedData and of its one SignerInfo.
struct SignedParts {
  ByteView info;          // DER of TSTInfo
  ByteView certificates;  // one behind the other
  ByteView issuer;        // of the signer's certificate
  ByteView serial;
  crypto::Hash hash = crypto::Hash::kSha256;
  ByteView attributes;  // one behind the other
  ByteView attributes_whole;
  ByteView signature_algorithm;  // object identifier
  ByteView signature;
};

Result<void> read_signer(DerReader signer, SignedParts& parts) {
  LATCHKEY_TRY_VOID(expect_version(signer, 1));  // its certificate is named by issuer and serial
  LATCHKEY_TRY(who, signer.enter(crypto::kDerSequence));
  LATCHKEY_TRY(issuer, who.next(crypto::kDerSequence));
  LATCHKEY_TRY(serial, who.next_magnitude());
  LATCHKEY_TRY(hash, next_hash(signer));
  LATCHKEY_TRY(attributes, signer.next(kContext0));
  LATCHKEY_TRY(algorithm, signer.enter(crypto::kDerSequence));
  LATCHKEY_TRY(oid, algorithm.next(crypto::kDerOid));
  LATCHKEY_TRY(signature, signer.next(crypto::kDerOctetString));
  parts.issuer = issuer.whole;
  parts.serial = serial;
  parts.hash = hash;
  parts.attributes = attributes.content;
  parts.attributes_whole = attributes.whole;
  parts.signature_algorithm = oid.content;
  parts.signature = signature.content;
  if (signer.next_is(kContext1)) LATCHKEY_TRY_VOID(signer.next());  // unsigned attributes
  if (!who.at_end() || !signer.at_end()) return fail(Status::kMalformed);
  return {};
}

// The hashes that a reader has to have at hand; the signer's is one of them.
Result<bool> announces(DerReader hashes, crypto::Hash hash) {
  bool found = false;
  while (!hashes.at_end()) {
    LATCHKEY_TRY(one, next_hash(hashes));
    found = found || one == hash;
  }
  return found;
}

Result<SignedParts> read_token(ByteView token) {
  SignedParts parts;
  DerReader outer(token);
  LATCHKEY_TRY(content, outer.enter(crypto::kDerSequence));
  LATCHKEY_TRY_VOID(expect_oid(content, view(kSignedData)));
  LATCHKEY_TRY(wrapped, content.enter(kContext0));
  LATCHKEY_TRY(data, wrapped.enter(crypto::kDerSequence));
  LATCHKEY_TRY_VOID(expect_version(data, 3));
  LATCHKEY_TRY(hashes, data.enter(crypto::kDerSet));
  LATCHKEY_TRY(inner, data.enter(crypto::kDerSequence));
  LATCHKEY_TRY_VOID(expect_oid(inner, view(kTstInfo)));
  LATCHKEY_TRY(inner_wrapped, inner.enter(kContext0));
  LATCHKEY_TRY(info, inner_wrapped.next(crypto::kDerOctetString));
  LATCHKEY_TRY(certificates, data.next(kContext0));
  if (data.next_is(kContext1)) LATCHKEY_TRY_VOID(data.next());  // revocation lists: ours come otherwise
  LATCHKEY_TRY(signers, data.enter(crypto::kDerSet));
  LATCHKEY_TRY(signer, signers.enter(crypto::kDerSequence));
  if (!outer.at_end() || !content.at_end() || !wrapped.at_end() || !data.at_end() || !inner.at_end() ||
      !inner_wrapped.at_end() || !signers.at_end()) {
    return fail(Status::kMalformed);
  }
  parts.info = info.content;
  parts.certificates = certificates.content;
  LATCHKEY_TRY_VOID(read_signer(signer, parts));
  LATCHKEY_TRY(announced, announces(hashes, parts.hash));
  if (!announced) return fail(Status::kMalformed);
  return parts;
}

// The one value of the attribute of that type; kMalformed when it is not there just once with just one.
Result<DerValue> attribute(ByteView attributes, ByteView type) {
  DerReader reader(attributes);
  std::optional<DerValue> found;
  while (!reader.at_end()) {
    LATCHKEY_TRY(one, reader.enter(crypto::kDerSequence));
    LATCHKEY_TRY(oid, one.next(crypto::kDerOid));
    LATCHKEY_TRY(values, one.enter(crypto::kDerSet));
    if (oid.content != type) continue;
    LATCHKEY_TRY(value, values.next());
    if (found || !values.at_end()) return fail(Status::kMalformed);
    found = value;
  }
  if (!found) return fail(Status::kMalformed);
  return *found;
}

// SigningCertificateV2 (RFC 5035): its first entry is the signer's certificate. SHA-256 is the default and the only
// hash that is taken.
Result<bool> names_certificate(const DerValue& value, ByteView certificate) {
  DerReader outer(value.whole);
  LATCHKEY_TRY(attribute_value, outer.enter(crypto::kDerSequence));
  LATCHKEY_TRY(list, attribute_value.enter(crypto::kDerSequence));
  LATCHKEY_TRY(first, list.enter(crypto::kDerSequence));
  if (first.next_is(crypto::kDerSequence)) {
    LATCHKEY_TRY(hash, next_hash(first));
    if (hash != crypto::Hash::kSha256) return fail(Status::kUnsupported);
  }
  LATCHKEY_TRY(said, first.next(crypto::kDerOctetString));
  return is_digest_of(crypto::Hash::kSha256, said.content, certificate);
}

Result<void> check_attributes(const SignedParts& parts, ByteView certificate) {
  LATCHKEY_TRY(type, attribute(parts.attributes, view(kContentType)));
  LATCHKEY_TRY(digest, attribute(parts.attributes, view(kMessageDigest)));
  LATCHKEY_TRY(named, attribute(parts.attributes, view(kSigningCertificateV2)));
  LATCHKEY_TRY(over_info, is_digest_of(parts.hash, digest.content, parts.info));
  LATCHKEY_TRY(its_own, names_certificate(named, certificate));
  const bool of_type = type.tag == crypto::kDerOid && type.content == view(kTstInfo);
  if (!of_type || digest.tag != crypto::kDerOctetString || !over_info || !its_own) return fail(Status::kNotTrusted);
  return {};
}

// The signature is over the attributes as a SET, whatever tag they have in their place (RFC 5652 section 5.4).
Result<void> check_signature(const SignedParts& parts, ByteView spki) {
  const ByteView pieces[] = {ByteView(&crypto::kDerSet, 1),
                             parts.attributes_whole.subview(1, parts.attributes_whole.size())};
  crypto::HashValue digest;
  LATCHKEY_TRY_VOID(crypto::hash_of(parts.hash, pieces, 2, digest));
  crypto::SignatureKind kind;
  kind.hash = parts.hash;
  ByteView signature = parts.signature;
  std::array<std::uint8_t, crypto::kMaxEcdsaSize> raw;
  if (starts_with(parts.signature_algorithm, kEcdsaArc)) {
    LATCHKEY_TRY(numbers, crypto::ecdsa_raw_from_der(parts.signature, crypto::ecdsa_number_size(spki), raw));
    signature = numbers;
  } else if (starts_with(parts.signature_algorithm, kPkcs1Arc) && parts.signature_algorithm[sizeof kPkcs1Arc] != 10) {
    kind.scheme = crypto::Scheme::kPkcs1;
  } else {
    return fail(Status::kUnsupported);
  }
  if (!crypto::verify_digest(spki, kind, digest.view(), signature)) return fail(Status::kNotTrusted);
  return {};
}

// ---- The authority's certificates

struct Sent {
  std::array<ByteView, kCertificatesMax> ders{};
  std::size_t size = 0;
};
Result<Sent> split(ByteView certificates) {
  Sent sent;
  DerReader reader(certificates);
  while (!reader.at_end()) {
    LATCHKEY_TRY(certificate, reader.next(crypto::kDerSequence));
    if (sent.size == sent.ders.size()) return fail(Status::kMalformed);
    sent.ders[sent.size++] = certificate.whole;
  }
  return sent;
}

// Certificates come as a set, in no order that means anything: each is put behind the one that it certifies.
struct Chain {
  std::array<ByteView, crypto::kMaxChain> ders{};
  std::size_t size = 0;
};
Chain order(const Sent& sent, ByteView leaf, ByteView issuer) {
  Chain chain;
  chain.ders[chain.size++] = leaf;
  for (bool found = true; found && chain.size < chain.ders.size();) {
    found = false;
    for (std::size_t i = 0; i < sent.size && !found; ++i) {
      const auto facts = crypto::inspect_signer(sent.ders[i]);
      if (!facts || facts->subject != issuer || facts->subject == facts->issuer) continue;
      chain.ders[chain.size++] = sent.ders[i];
      issuer = facts->issuer;
      found = true;
    }
  }
  return chain;
}

bool is_timestamper(const crypto::SignerFacts& facts) {
  DerReader usages(facts.extended_key_usage);
  const auto first = usages.next(crypto::kDerOid);
  return first && usages.at_end() && first->content == view(kTimeStamping) && facts.extended_key_usage_critical &&
         facts.may_sign && !facts.is_ca;
}

Result<void> check_authority(const SignedParts& parts, const ByteView* roots, std::size_t root_count, Stamp& stamp) {
  LATCHKEY_TRY(sent, split(parts.certificates));
  for (std::size_t i = 0; i < sent.size; ++i) {
    const auto facts = crypto::inspect_signer(sent.ders[i]);
    if (!facts || facts->issuer != parts.issuer || facts->serial != parts.serial) continue;
    LATCHKEY_TRY_VOID(check_attributes(parts, sent.ders[i]));
    LATCHKEY_TRY_VOID(check_signature(parts, facts->spki));
    if (!is_timestamper(*facts)) return fail(Status::kNotTrusted);
    const Chain chain = order(sent, sent.ders[i], facts->issuer);
    LATCHKEY_TRY(path, crypto::check_path(chain.ders.data(), chain.size, roots, root_count));
    const bool valid_then = stamp.at >= facts->not_before && stamp.at <= facts->not_after &&
                            stamp.at >= path.authorities_begin && stamp.at <= path.authorities_end;
    if (!valid_then) return fail(Status::kNotTrusted);
    stamp.path = PathIds{path.certificates, path.size};
    return {};
  }
  return fail(Status::kNotTrusted);
}

}  // namespace

Result<Stamp> read_stamp(ByteView token, ByteView stamped, const ByteView* roots, std::size_t root_count) {
  LATCHKEY_TRY(parts, read_token(token));
  LATCHKEY_TRY(stamp, read_info(parts.info, stamped));
  LATCHKEY_TRY_VOID(check_authority(parts, roots, root_count, stamp));
  return stamp;
}

}  // namespace latchkey::agent
