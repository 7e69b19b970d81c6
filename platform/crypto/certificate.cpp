// SPDX-License-Identifier: Apache-2.0
#include "platform/crypto/certificate.h"

#include <cstring>

#include "platform/crypto/compat.h"
#include "platform/crypto/x509_time.h"

namespace latchkey::crypto {
namespace {

// Content bytes of kIdentifierOid and kAzureIdentifierOid (X.690 section 8.19). The first one's last arc has 128 bits,
// more than mbedTLS can print, so object identifiers are compared as bytes.
constexpr std::uint8_t kIdentifierOidBytes[] = {0x69, 0x81, 0xF5, 0xB3, 0xE0, 0xFD, 0x8B, 0xD0, 0xF2, 0xB1,
                                                0xA5, 0x9B, 0x8F, 0x8B, 0xED, 0xA8, 0xEC, 0xC3, 0x88, 0x17};
constexpr std::uint8_t kAzureOidBytes[] = {0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x81, 0x05, 0x01, 0x01, 0x01};
constexpr std::uint8_t kCommonNameOidBytes[] = {0x55, 0x04, 0x03};

// SubjectPublicKeyInfo (RFC 5480) up to the uncompressed point.
constexpr std::uint8_t kSpkiHead256[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01,
                                         0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
constexpr std::uint8_t kSpkiHead384[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02,
                                         0x01, 0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00};

ByteView view_of(const mbedtls_asn1_buf& buffer) { return {buffer.p, buffer.len}; }

// What the extension callback finds while mbedTLS parses.
struct Extensions {
  std::optional<DeviceIdentifier> identifier;
  bool azure = false;
  bool malformed = false;  // a refusal inside a non-critical extension would only be skipped
};

// extnValue holds the 32 bytes bare, or in an OCTET STRING of their own, as the real service's does.
Result<DeviceIdentifier> decode_identifier(ByteView value) {
  if (value.size() == DeviceIdentifier::kSize + 2 && value[0] == MBEDTLS_ASN1_OCTET_STRING &&
      value[1] == DeviceIdentifier::kSize) {
    return DeviceIdentifier::decode(value.subview(2, DeviceIdentifier::kSize));
  }
  return DeviceIdentifier::decode(value);
}

// Called for extensions that mbedTLS does not know. Not zero refuses: fatal if critical, else skipped.
int on_extension(void* context, const mbedtls_x509_crt*, const mbedtls_x509_buf* oid, int, const unsigned char* begin,
                 const unsigned char* end) {
  auto& found = *static_cast<Extensions*>(context);
  const ByteView name = view_of(*oid);
  const ByteView value(begin, static_cast<std::size_t>(end - begin));
  if (name == ByteView(kAzureOidBytes, sizeof kAzureOidBytes)) {
    found.azure = true;
    return 0;
  }
  if (name != ByteView(kIdentifierOidBytes, sizeof kIdentifierOidBytes)) return MBEDTLS_ERR_X509_UNKNOWN_OID;
  const auto identifier = decode_identifier(value);
  if (!identifier || found.identifier.has_value()) {
    found.malformed = true;
    return MBEDTLS_ERR_X509_INVALID_EXTENSIONS;
  }
  found.identifier = *identifier;
  return 0;
}

// One certificate, parsed in place: the bytes have to outlive it.
struct Certificate {
  mbedtls_x509_crt crt;
  Extensions extensions;

  Certificate() { mbedtls_x509_crt_init(&crt); }
  ~Certificate() { mbedtls_x509_crt_free(&crt); }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  Result<void> parse(ByteView der) {
    constexpr int kInPlace = 0;
    const int parsed =
        mbedtls_x509_crt_parse_der_with_ext_cb(&crt, der.data(), der.size(), kInPlace, on_extension, &extensions);
    // mbedTLS reads the first certificate of the bytes and leaves the rest alone.
    if (parsed != 0 || extensions.malformed || crt.raw.len != der.size()) return fail(Status::kMalformed);
    return {};
  }
};

bool read_common_name(const mbedtls_x509_name& subject, LeafInfo& info) {
  const mbedtls_x509_name* found = nullptr;
  for (const mbedtls_x509_name* part = &subject; part != nullptr; part = part->next) {
    if (view_of(part->oid) != ByteView(kCommonNameOidBytes, sizeof kCommonNameOidBytes)) continue;
    if (found != nullptr) return false;
    found = part;
  }
  if (found == nullptr || found->val.len > info.common_name_bytes.size()) return false;
  std::memcpy(info.common_name_bytes.data(), found->val.p, found->val.len);
  info.common_name_size = found->val.len;
  return true;
}

bool certifies(const mbedtls_x509_crt& crt, const DeviceKey& key) {
  const ByteView head = key.curve == Curve::kP256 ? ByteView(kSpkiHead256, sizeof kSpkiHead256)
                                                  : ByteView(kSpkiHead384, sizeof kSpkiHead384);
  const ByteView spki = view_of(crt.pk_raw);
  return !key.empty() && spki.size() == head.size() + key.point().size() && spki.subview(0, head.size()) == head &&
         spki.subview(head.size(), key.point().size()) == key.point();
}

Result<LeafInfo> describe(const Certificate& leaf, const DeviceKey* key) {
  LeafInfo info;
  const ByteView serial = view_of(leaf.crt.serial);
  // A sign byte of zero may stand before 20 bytes; serials are compared and printed without it.
  const ByteView magnitude = serial.size() > 1 && serial[0] == 0 ? serial.subview(1, serial.size()) : serial;
  if (magnitude.size() > info.serial_bytes.size() || !read_common_name(leaf.crt.subject, info)) {
    return fail(Status::kMalformed);
  }
  std::memcpy(info.serial_bytes.data(), magnitude.data(), magnitude.size());
  info.serial_size = magnitude.size();
  info.not_before = unix_ms(leaf.crt.valid_from);
  info.not_after = unix_ms(leaf.crt.valid_to);
  info.identifier = leaf.extensions.identifier;
  info.has_azure_identifier = leaf.extensions.azure;
  info.key_matches = key != nullptr && certifies(leaf.crt, *key);
  return info;
}

// Name, CA flag, key usage and signature, by mbedTLS's own verification with the issuer as the only trust anchor. The
// date verdicts are dropped: they follow the system's clock, which is not the one that judges here.
bool issued_by(ByteView subject_der, ByteView issuer_der) {
  Certificate subject;
  Certificate issuer;
  if (!subject.parse(subject_der) || !issuer.parse(issuer_der)) return false;
  constexpr std::uint32_t kDates = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
  std::uint32_t flags = 0;
  const int verified = mbedtls_x509_crt_verify(&subject.crt, &issuer.crt, nullptr, nullptr, &flags, nullptr, nullptr);
  if (verified == 0) return true;
  return verified == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED && (flags & ~kDates) == 0;
}

Result<void> parses(ByteView der) {
  Certificate certificate;
  return certificate.parse(der);
}

IssuanceCheck g_issuance_check = nullptr;

// Of certificates that parse. One variable, returned: it is the caller's own, and no copy lies on the stack below the
// signatures' verification.
Result<LeafInfo> judge(const ByteView* ders, std::size_t count, const DeviceKey& key, std::string_view expected_cn) {
  Result<LeafInfo> info = inspect_leaf(ders[0], &key);
  if (info && (!info->key_matches || info->common_name() != expected_cn)) info = fail(Status::kMismatch);
  const IssuanceCheck issued = g_issuance_check != nullptr ? g_issuance_check : issued_by;
  for (std::size_t i = 0; info && i + 1 < count; ++i) {
    if (!issued(ders[i], ders[i + 1])) info = fail(Status::kNotTrusted);
  }
  return info;
}

}  // namespace

void use_issuance_check(IssuanceCheck check) { g_issuance_check = check; }

Result<LeafInfo> inspect_leaf(ByteView der, const DeviceKey* key) {
  Certificate leaf;
  LATCHKEY_TRY_VOID(leaf.parse(der));
  return describe(leaf, key);
}

Result<LeafInfo> check_chain(const ByteView* ders, std::size_t count, const DeviceKey& key,
                             std::string_view expected_cn) {
  if (count == 0 || count > kMaxChain || key.empty()) return fail(Status::kInvalidArgument);
  // Certificates are parsed again for each question: two parsed ones at a time are what a small device's stack has room
  // for, and parsing costs nothing beside a signature.
  for (std::size_t i = 1; i < count; ++i) LATCHKEY_TRY_VOID(parses(ders[i]));
  return judge(ders, count, key, expected_cn);
}

}  // namespace latchkey::crypto
