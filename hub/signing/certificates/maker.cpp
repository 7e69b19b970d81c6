// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/certificates/maker.h"

#include <ctime>

#include "hub/signing/base/der.h"
#include "platform/openssl/certificate_builder.h"

namespace latchkey::hub::signing {
namespace {

using openssl::CertificateBuilder;
using openssl::Critical;
using openssl::X509Ptr;

constexpr std::string_view kExtendedKeyUsage = "2.5.29.37";
constexpr std::string_view kTimeStamping = "1.3.6.1.5.5.7.3.8";
constexpr std::size_t kSerialMax = 20;

Bytes usages_der(const std::vector<std::string>& usages) {
  Bytes inside;
  for (const std::string& usage : usages) append(inside, der::oid(usage));
  return der::sequence({inside});
}

Outcome<void> check_frame(ByteView serial, Window window, const X509* issuer) {
  if (serial.empty() || serial.size() > kSerialMax || serial[0] == 0 || serial[0] >= 0x80) {
    return refuse(Status::kInvalidArgument, "a serial is positive and has at most 20 octets");
  }
  if (window.not_before >= window.not_after)
    return refuse(Status::kInvalidArgument, "the validity ends before it begins");
  if (issuer == nullptr) return {};
  const Window outer = window_of(issuer);
  if (window.not_before < outer.not_before || window.not_after > outer.not_after) {
    return refuse(Status::kInvalidArgument, "the validity reaches beyond the issuer's");
  }
  return {};
}

Outcome<X509Ptr> signed_by(CertificateBuilder& builder, EVP_PKEY* key) {
  X509Ptr made = builder.sign(key);
  if (!made) return refuse(Status::kInternal, "making a certificate: " + openssl::take_error());
  return made;
}

std::string test_name(std::string_view what, TrustKind kind) {
  return "Latchkey Test " + std::string(what) + " - " + std::string(name_of(kind)) + " - Not For Production";
}

void write_subject(CertificateBuilder& builder, const Subject& subject) {
  const std::pair<int, const std::string&> parts[] = {{NID_countryName, subject.country},
                                                      {NID_stateOrProvinceName, subject.state},
                                                      {NID_localityName, subject.city},
                                                      {NID_streetAddress, subject.street},
                                                      {NID_postalCode, subject.postal_code},
                                                      {NID_organizationName, subject.organization},
                                                      {NID_organizationalUnitName, subject.organizational_unit},
                                                      {NID_commonName, subject.common_name}};
  for (const auto& [nid, value] : parts) {
    if (!value.empty()) builder.subject_part(nid, value);
  }
}

void write_addresses(CertificateBuilder& builder, const Addresses& addresses) {
  if (!addresses.list.empty()) builder.crl_address(addresses.list);
  builder.authority_addresses(addresses.issuer, addresses.ocsp);
}

}  // namespace

Outcome<X509Ptr> make_root(TrustKind kind, EVP_PKEY* key, ByteView serial, Window window) {
  LATCHKEY_TRY_VOID(check_frame(serial, window, nullptr));
  CertificateBuilder builder;
  builder.serial(serial)
      .subject_part(NID_organizationName, "Latchkey Test")
      .subject_part(NID_commonName, test_name("Root", kind))
      .issuer_is_subject()
      .validity(window.not_before, window.not_after)
      .public_key(key)
      .authority(-1)
      .key_usage(KU_KEY_CERT_SIGN | KU_CRL_SIGN);
  return signed_by(builder, key);
}

Outcome<X509Ptr> make_issuing(TrustKind kind, Issuer root, EVP_PKEY* key, ByteView serial, Window window,
                              const Addresses& addresses) {
  LATCHKEY_TRY_VOID(check_frame(serial, window, root.certificate));
  CertificateBuilder builder;
  builder.serial(serial)
      .subject_part(NID_organizationName, "Latchkey Test")
      .subject_part(NID_commonName, test_name("Issuing CA", kind))
      .issuer(root.certificate)
      .validity(window.not_before, window.not_after)
      .public_key(key)
      .authority(0)
      .key_usage(KU_KEY_CERT_SIGN | KU_CRL_SIGN);
  write_addresses(builder, addresses);
  return signed_by(builder, root.key);
}

Outcome<X509Ptr> make_leaf(const LeafRequest& request, Issuer issuer) {
  LATCHKEY_TRY_VOID(check_frame(request.serial, request.window, issuer.certificate));
  LATCHKEY_TRY_VOID(check_subject(request.subject));
  if (!is_durable_eku_of(request.type, request.durable_eku)) {
    return refuse(Status::kInvalidArgument, "no durable EKU of a profile of this type");
  }
  CertificateBuilder builder;
  builder.serial(request.serial);
  write_subject(builder, request.subject);
  builder.issuer(issuer.certificate)
      .validity(request.window.not_before, request.window.not_after)
      .public_key(request.key)
      .end_entity()
      .key_usage(KU_DIGITAL_SIGNATURE)
      .extension(kExtendedKeyUsage, Critical::kNo, usages_der(extended_key_usages(request.type, request.durable_eku)));
  write_addresses(builder, request.addresses);
  return signed_by(builder, issuer.key);
}

Outcome<X509Ptr> make_timestamper(std::string_view common_name, EVP_PKEY* key, ByteView serial, Window window,
                                  Issuer issuer, const Addresses& addresses) {
  LATCHKEY_TRY_VOID(check_frame(serial, window, issuer.certificate));
  CertificateBuilder builder;
  builder.serial(serial)
      .subject_part(NID_organizationName, "Latchkey Test")
      .subject_part(NID_commonName, common_name)
      .issuer(issuer.certificate)
      .validity(window.not_before, window.not_after)
      .public_key(key)
      .end_entity()
      .key_usage(KU_DIGITAL_SIGNATURE)
      .extension(kExtendedKeyUsage, Critical::kYes, usages_der({std::string(kTimeStamping)}));
  write_addresses(builder, addresses);
  return signed_by(builder, issuer.key);
}

UnixMs unix_ms(const ASN1_TIME* time) {
  std::tm parts{};
  return time != nullptr && ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<UnixMs>(::timegm(&parts)) * 1000 : 0;
}

Window window_of(const X509* certificate) {
  return {unix_ms(X509_get0_notBefore(certificate)), unix_ms(X509_get0_notAfter(certificate))};
}

Bytes certificate_der(const X509* certificate) { return openssl::to_der(i2d_X509, certificate); }

X509Ptr certificate_from_der(ByteView der) {
  const std::uint8_t* end = der.data();
  X509Ptr read(d2i_X509(nullptr, &end, static_cast<long>(der.size())));
  if (!read || end != der.end()) {
    openssl::take_error();
    return nullptr;
  }
  return read;
}

std::vector<std::string> ekus_of(const X509* certificate) {
  using UsagePtr = openssl::Owner<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free>;
  const UsagePtr usage(
      static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(certificate, NID_ext_key_usage, nullptr, nullptr)));
  std::vector<std::string> dotted;
  for (int i = 0; usage && i < sk_ASN1_OBJECT_num(usage.get()); ++i) {
    char text[160];
    if (OBJ_obj2txt(text, sizeof text, sk_ASN1_OBJECT_value(usage.get(), i), 1) > 0) dotted.emplace_back(text);
  }
  return dotted;
}

std::string subject_of(const X509* certificate) {
  const openssl::BioPtr text(BIO_new(BIO_s_mem()));
  // Control characters of a hostile name come out escaped.
  if (!text || X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0,
                                  XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB)) < 0) {
    return "?";
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  constexpr long kShown = 256;
  return {data, static_cast<std::size_t>(size > kShown ? kShown : size)};
}

Bytes serial_of(const X509* certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  ByteView octets(ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial)));
  while (octets.size() > 1 && octets[0] == 0) octets = octets.subview(1, octets.size());
  return copy_of(octets);
}

}  // namespace latchkey::hub::signing
