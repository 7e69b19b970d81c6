// SPDX-License-Identifier: Apache-2.0
#include "platform/crypto/certificate_path.h"

#include <algorithm>
#include <cstring>

#include "platform/crypto/compat.h"
#include "platform/crypto/der.h"
#include "platform/crypto/x509_time.h"

namespace latchkey::crypto {
namespace {

constexpr std::uint8_t kExtendedKeyUsageOid[] = {0x55, 0x1D, 0x25};

ByteView view_of(const mbedtls_asn1_buf& buffer) { return {buffer.p, buffer.len}; }

// One certificate, or several as mbedTLS lists them; parsed in place.
struct CertificateList {
  mbedtls_x509_crt crt;
  CertificateList() { mbedtls_x509_crt_init(&crt); }
  ~CertificateList() { mbedtls_x509_crt_free(&crt); }
  CertificateList(const CertificateList&) = delete;
  CertificateList& operator=(const CertificateList&) = delete;

  Result<void> add(ByteView der) {
    // mbedTLS reads the first certificate of the bytes and leaves the rest alone.
    DerReader reader(der);
    LATCHKEY_TRY_VOID(reader.next(kDerSequence));
    if (!reader.at_end() || mbedtls_x509_crt_parse_der_nocopy(&crt, der.data(), der.size()) != 0) {
      return fail(Status::kMalformed);
    }
    return {};
  }
};

Result<ByteView> magnitude_of(const mbedtls_x509_crt& crt) {
  ByteView serial = view_of(crt.serial);
  while (serial.size() > 1 && serial[0] == 0) serial = serial.subview(1, serial.size());
  if (serial.empty() || serial.size() > kMaxSerialSize) return fail(Status::kMalformed);
  return serial;
}

// The extension itself: mbedTLS keeps what is in it, but not whether it is critical.
Result<void> read_extended_key_usage(ByteView extensions, SignerFacts& facts) {
  if (extensions.empty()) return {};
  DerReader outer(extensions);
  LATCHKEY_TRY(list, outer.enter(kDerSequence));
  while (!list.at_end()) {
    LATCHKEY_TRY(extension, list.enter(kDerSequence));
    LATCHKEY_TRY(oid, extension.next(kDerOid));
    if (oid.content != ByteView(kExtendedKeyUsageOid, sizeof kExtendedKeyUsageOid)) continue;
    if (extension.next_is(kDerBoolean)) {
      LATCHKEY_TRY(critical, extension.next());
      facts.extended_key_usage_critical = critical.content.size() == 1 && critical.content[0] != 0;
    }
    LATCHKEY_TRY(value, extension.enter(kDerOctetString));
    LATCHKEY_TRY(usages, value.next(kDerSequence));
    facts.extended_key_usage = usages.content;
  }
  return {};
}

// What mbedTLS went by, from the leaf (0) to the root.
struct Walked {
  std::array<const mbedtls_x509_crt*, kMaxChain + 1> at{};
  std::size_t size = 0;
};

// Called for each certificate of the path. Dates are dropped: they follow the system's clock, which is not the one that
// judges here.
int on_certificate(void* context, mbedtls_x509_crt* crt, int depth, std::uint32_t* flags) {
  auto& walked = *static_cast<Walked*>(context);
  const auto place = static_cast<std::size_t>(depth);
  *flags &= ~static_cast<std::uint32_t>(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
  if (place >= walked.at.size()) {
    *flags |= MBEDTLS_X509_BADCERT_OTHER;
    return 0;
  }
  walked.at[place] = crt;
  walked.size = std::max(walked.size, place + 1);
  return 0;
}

Result<CertificatePath> describe(const Walked& walked) {
  CertificatePath path;
  path.size = walked.size - 1;
  for (std::size_t i = 0; i < path.size; ++i) {
    const mbedtls_x509_crt& issuer = *walked.at[i + 1];
    CertificateId& id = path.certificates[i];
    LATCHKEY_TRY_VOID(sha256(view_of(issuer.pk_raw), id.issuer_key));
    LATCHKEY_TRY(serial, magnitude_of(*walked.at[i]));
    std::memcpy(id.serial_bytes.data(), serial.data(), serial.size());
    id.serial_size = static_cast<std::uint8_t>(serial.size());
    const UnixMs begin = unix_ms(issuer.valid_from);
    const UnixMs end = unix_ms(issuer.valid_to);
    path.authorities_begin = i == 0 ? begin : std::max(path.authorities_begin, begin);
    path.authorities_end = i == 0 ? end : std::min(path.authorities_end, end);
  }
  return path;
}

}  // namespace

Result<SignerFacts> inspect_signer(ByteView der) {
  CertificateList list;
  LATCHKEY_TRY_VOID(list.add(der));
  const mbedtls_x509_crt& crt = list.crt;
  SignerFacts facts;
  LATCHKEY_TRY(serial, magnitude_of(crt));
  facts.serial = serial;
  facts.not_before = unix_ms(crt.valid_from);
  facts.not_after = unix_ms(crt.valid_to);
  facts.issuer = view_of(crt.issuer_raw);
  facts.subject = view_of(crt.subject_raw);
  facts.spki = view_of(crt.pk_raw);
  facts.is_ca = compat::is_ca(crt);
  facts.may_sign = mbedtls_x509_crt_check_key_usage(&crt, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) == 0;
  LATCHKEY_TRY_VOID(read_extended_key_usage(view_of(crt.v3_ext), facts));
  return facts;
}

Result<CertificatePath> check_path(const ByteView* ders, std::size_t count, const ByteView* roots,
                                   std::size_t root_count) {
  if (count == 0 || count > kMaxChain) return fail(Status::kInvalidArgument);
  CertificateList chain;
  CertificateList anchors;
  for (std::size_t i = 0; i < count; ++i) LATCHKEY_TRY_VOID(chain.add(ders[i]));
  for (std::size_t i = 0; i < root_count; ++i) LATCHKEY_TRY_VOID(anchors.add(roots[i]));
  if (root_count == 0) return fail(Status::kNotTrusted);
  Walked walked;
  std::uint32_t flags = 0;
  const int verified =
      mbedtls_x509_crt_verify(&chain.crt, &anchors.crt, nullptr, nullptr, &flags, on_certificate, &walked);
  // A leaf that is a root itself has no path.
  if (verified != 0 || flags != 0 || walked.size < 2) return fail(Status::kNotTrusted);
  return describe(walked);
}

}  // namespace latchkey::crypto
