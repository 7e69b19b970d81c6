// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/internal/leaf_form.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <initializer_list>

#include "platform/openssl/certificate_builder.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::ca::internal {
namespace {

using registry::Bytes;
using MdCtxPtr = openssl::Owner<EVP_MD_CTX, EVP_MD_CTX_free>;

constexpr std::uint8_t kInteger = 0x02;
constexpr std::uint8_t kBitString = 0x03;
constexpr std::uint8_t kUtf8String = 0x0c;
constexpr std::uint8_t kUtcTime = 0x17;
constexpr std::uint8_t kGeneralizedTime = 0x18;
constexpr std::uint8_t kSequence = 0x30;
constexpr std::uint8_t kSet = 0x31;
constexpr std::uint8_t kExtensions = 0xa3;                                   // [3], explicit
constexpr std::array<std::uint8_t, 5> kVersion = {0xa0, 3, kInteger, 1, 2};  // [0], explicit: v3
constexpr std::array<std::uint8_t, 5> kCommonName = {0x06, 3, 0x55, 4, 3};   // its OID
constexpr std::size_t kKeyIdSize = 20;                                       // SHA-1

// Tag, length and content, which is what the parts make together (X.690 section 10.1: the shortest form).
Bytes tlv(std::uint8_t tag, std::initializer_list<ByteView> parts) {
  std::size_t size = 0;
  for (const ByteView part : parts) size += part.size();
  Bytes der;
  der.reserve(size + 6);
  der.push_back(tag);
  if (size < 0x80) {
    der.push_back(static_cast<std::uint8_t>(size));
  } else {
    int octets = 1;
    while (size >> (8 * octets) != 0) ++octets;
    der.push_back(static_cast<std::uint8_t>(0x80 | octets));
    for (int i = octets - 1; i >= 0; --i) der.push_back(static_cast<std::uint8_t>(size >> (8 * i)));
  }
  for (const ByteView part : parts) der.insert(der.end(), part.begin(), part.end());
  return der;
}

// A serial is positive: an octet of zeros goes before one that would read as a sign.
Bytes integer(ByteView magnitude) {
  static constexpr std::uint8_t kZero[] = {0};
  const bool looks_negative = !magnitude.empty() && (magnitude[0] & 0x80) != 0;
  return tlv(kInteger, {looks_negative ? ByteView(kZero, 1) : ByteView(), magnitude});
}

// UTCTime before 2050 and GeneralizedTime from then on (RFC 5280 section 4.1.2.5).
Bytes time(UnixMs at) {
  const std::time_t seconds = at / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  const int year = parts.tm_year + 1900;
  std::array<char, 32> text{};
  const bool utc = year >= 1950 && year < 2050;
  std::snprintf(text.data(), text.size(), utc ? "%02d%02d%02d%02d%02d%02dZ" : "%04d%02d%02d%02d%02d%02dZ",
                utc ? year % 100 : year, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return tlv(utc ? kUtcTime : kGeneralizedTime, {ByteView(std::string_view(text.data()))});
}

Bytes name(std::string_view common_name) {
  return tlv(kSequence, {tlv(kSet, {tlv(kSequence, {kCommonName, tlv(kUtf8String, {ByteView(common_name)})})})});
}

const EVP_MD* sha1() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA1", nullptr);  // once, and never freed
  return md;
}

}  // namespace

std::unique_ptr<const LeafForm> LeafForm::of(X509* sample) {
  std::unique_ptr<LeafForm> form(new LeafForm());
  form->algorithm_ = openssl::to_der(i2d_X509_ALGOR, X509_get0_tbs_sigalg(sample));
  form->issuer_ = openssl::to_der(i2d_X509_NAME, X509_get_issuer_name(sample));
  switch (X509_get_signature_nid(sample)) {
    case NID_ecdsa_with_SHA256: form->digest_ = EVP_sha256(); break;
    case NID_ecdsa_with_SHA384: form->digest_ = EVP_sha384(); break;
    default: return nullptr;
  }
  const bool whole = !form->algorithm_.empty() && !form->issuer_.empty() && form->cut_extensions(sample);
  return whole ? std::move(form) : nullptr;
}

// The two that differ end in what differs, and keep their size.
bool LeafForm::cut_extensions(X509* sample) {
  const openssl::Asn1ObjectPtr identifier(OBJ_txt2obj(std::string(kIdentifierOid).c_str(), 1));
  if (!identifier) return false;
  Bytes all;
  std::size_t key_id_end = 0;
  std::size_t identifier_end = 0;
  for (int i = 0; i < X509_get_ext_count(sample); ++i) {
    X509_EXTENSION* extension = X509_get_ext(sample, i);
    const Bytes der = openssl::to_der(i2d_X509_EXTENSION, extension);
    all.insert(all.end(), der.begin(), der.end());
    const ASN1_OBJECT* which = X509_EXTENSION_get_object(extension);
    if (OBJ_obj2nid(which) == NID_subject_key_identifier) key_id_end = all.size();
    if (OBJ_cmp(which, identifier.get()) == 0) identifier_end = all.size();
  }
  if (key_id_end < kKeyIdSize || identifier_end < DeviceIdentifier::kSize) return false;
  extensions_ = tlv(kExtensions, {tlv(kSequence, {all})});
  const std::size_t before = extensions_.size() - all.size();
  key_id_at_ = before + key_id_end - kKeyIdSize;
  identifier_at_ = before + identifier_end - DeviceIdentifier::kSize;
  return true;
}

Bytes LeafForm::to_be_signed(const registry::IssuanceGrant& grant, const Csr& csr) const {
  if (grant.serial.empty() || grant.device_id.empty() || grant.not_after < grant.not_before) return {};
  Bytes extensions = extensions_;
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> key_id;
  unsigned size = 0;
  const ByteView bits = csr.key_bits();  // method 1 of RFC 5280 section 4.2.1.2
  if (sha1() == nullptr || EVP_Digest(bits.data(), bits.size(), key_id.data(), &size, sha1(), nullptr) != 1 ||
      size != kKeyIdSize) {
    return {};
  }
  std::copy_n(key_id.begin(), kKeyIdSize, extensions.begin() + static_cast<std::ptrdiff_t>(key_id_at_));
  const auto identifier = DeviceIdentifier{grant.device, grant.credential_id}.encode();
  std::copy(identifier.begin(), identifier.end(), extensions.begin() + static_cast<std::ptrdiff_t>(identifier_at_));
  return tlv(kSequence, {kVersion, integer(grant.serial), algorithm_, issuer_,
                         tlv(kSequence, {time(grant.not_before), time(grant.not_after)}), name(grant.device_id),
                         csr.key_info(), extensions});
}

Bytes LeafForm::sign(const registry::IssuanceGrant& grant, const Csr& csr, EVP_PKEY* issuer_key) const {
  const Bytes content = to_be_signed(grant, csr);
  const MdCtxPtr context(EVP_MD_CTX_new());
  std::array<std::uint8_t, 256> signature;  // of P-384: at most 104 octets
  std::size_t size = signature.size();
  if (content.empty() || !context || EVP_DigestSignInit(context.get(), nullptr, digest_, nullptr, issuer_key) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, content.data(), content.size()) != 1) {
    return {};
  }
  static constexpr std::uint8_t kNoUnusedBits[] = {0};
  return tlv(kSequence,
             {content, algorithm_, tlv(kBitString, {ByteView(kNoUnusedBits, 1), ByteView(signature.data(), size)})});
}

}  // namespace latchkey::hub::ca::internal
