// SPDX-License-Identifier: Apache-2.0
// The part of Authority that signs revocation lists (RFC 5280 section 5).
#include "hub/ca/authority.h"
#include "platform/openssl/certificate_builder.h"

namespace latchkey::hub::ca {
namespace {

using openssl::Asn1IntegerPtr;
using openssl::Asn1TimePtr;
using openssl::X509CrlPtr;
using openssl::X509RevokedPtr;
using registry::Outcome;
using registry::Reason;
using registry::refuse;
using Asn1EnumeratedPtr = openssl::Owner<ASN1_ENUMERATED, ASN1_ENUMERATED_free>;
using AuthorityKeyIdPtr = openssl::Owner<AUTHORITY_KEYID, AUTHORITY_KEYID_free>;
using DistributionPointPtr = openssl::Owner<ISSUING_DIST_POINT, ISSUING_DIST_POINT_free>;
using GeneralNamePtr = openssl::Owner<GENERAL_NAME, GENERAL_NAME_free>;

Asn1TimePtr make_time(UnixMs time) { return Asn1TimePtr(ASN1_TIME_set(nullptr, time / 1000)); }

// Left out when unspecified (RFC 5280 section 5.3.1). Any other makes the entry about 12 octets longer.
bool add_reason(X509_REVOKED* entry, registry::RevocationReason reason) {
  if (reason == registry::RevocationReason::kUnspecified) return true;
  const Asn1EnumeratedPtr value(ASN1_ENUMERATED_new());
  return value && ASN1_ENUMERATED_set(value.get(), static_cast<long>(reason)) == 1 &&
         X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value.get(), 0, 0) == 1;
}

bool add_entry(X509_CRL* crl, const registry::RevokedSerial& entry) {
  const openssl::BignumPtr number(BN_bin2bn(entry.serial.data(), static_cast<int>(entry.serial.size()), nullptr));
  const Asn1IntegerPtr serial(number ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr);
  const Asn1TimePtr date = make_time(entry.revoked_at);
  X509RevokedPtr revoked(X509_REVOKED_new());
  if (!serial || !date || !revoked || X509_REVOKED_set_serialNumber(revoked.get(), serial.get()) != 1 ||
      X509_REVOKED_set_revocationDate(revoked.get(), date.get()) != 1 || !add_reason(revoked.get(), entry.reason) ||
      X509_CRL_add0_revoked(crl, revoked.get()) != 1) {
    return false;
  }
  revoked.release();  // NOLINT: the list owns it now
  return true;
}

bool add_extensions(X509_CRL* crl, X509* issuer, std::uint64_t number) {
  AuthorityKeyIdPtr authority(AUTHORITY_KEYID_new());
  const ASN1_OCTET_STRING* key_id = X509_get0_subject_key_id(issuer);
  if (!authority || key_id == nullptr) return false;
  authority->keyid = ASN1_OCTET_STRING_dup(key_id);
  const Asn1IntegerPtr crl_number(ASN1_INTEGER_new());
  return authority->keyid != nullptr && crl_number && ASN1_INTEGER_set_uint64(crl_number.get(), number) == 1 &&
         X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, authority.get(), 0, 0) == 1 &&
         X509_CRL_add1_ext_i2d(crl, NID_crl_number, crl_number.get(), 0, 0) == 1;
}

bool add_address(GENERAL_NAMES* names, const std::string& address) {
  GeneralNamePtr name(GENERAL_NAME_new());
  ASN1_IA5STRING* text = name ? ASN1_IA5STRING_new() : nullptr;
  if (text == nullptr) return false;
  GENERAL_NAME_set0_value(name.get(), GEN_URI, text);
  if (ASN1_STRING_set(text, address.data(), static_cast<int>(address.size())) != 1 ||
      sk_GENERAL_NAME_push(names, name.get()) <= 0) {
    return false;
  }
  name.release();  // NOLINT: the names own it now
  return true;
}

// Critical, so that nobody takes a shard for the whole list.
bool add_distribution_point(X509_CRL* crl, const std::vector<std::string>& addresses) {
  if (addresses.empty()) return true;
  constexpr int kFullName = 0;
  constexpr ASN1_BOOLEAN kTrue = 0xff;
  const DistributionPointPtr point(ISSUING_DIST_POINT_new());
  if (!point) return false;
  point->onlyuser = kTrue;
  point->distpoint = DIST_POINT_NAME_new();
  if (point->distpoint == nullptr) return false;
  point->distpoint->type = kFullName;
  point->distpoint->name.fullname = GENERAL_NAMES_new();
  if (point->distpoint->name.fullname == nullptr) return false;
  for (const auto& address : addresses) {
    if (!add_address(point->distpoint->name.fullname, address)) return false;
  }
  return X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point, point.get(), 1, 0) == 1;
}

X509CrlPtr build(const registry::CrlOrder& order, X509* issuer, UnixMs this_update, UnixMs next_update) {
  X509CrlPtr crl(X509_CRL_new());
  const Asn1TimePtr last = make_time(this_update);
  const Asn1TimePtr next = make_time(next_update);
  if (!crl || !last || !next || X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) != 1 ||
      X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer)) != 1 ||
      X509_CRL_set1_lastUpdate(crl.get(), last.get()) != 1 || X509_CRL_set1_nextUpdate(crl.get(), next.get()) != 1) {
    return nullptr;
  }
  for (const registry::RevokedSerial& entry : order.revoked) {
    if (!add_entry(crl.get(), entry)) return nullptr;
  }
  if (X509_CRL_sort(crl.get()) != 1 || !add_extensions(crl.get(), issuer, order.number)) return nullptr;
  return crl;
}

}  // namespace

Outcome<registry::Bytes> Authority::sign_crl(const registry::CrlOrder& order, UnixMs this_update, UnixMs next_update,
                                             const std::vector<std::string>& addresses) {
  LATCHKEY_TRY(issuer, parsed(order.ca));
  LATCHKEY_TRY(key, keys_.load(order.ca.key_ref));
  const X509CrlPtr crl = build(order, issuer.get(), this_update, next_update);
  registry::Bytes der;
  if (crl && add_distribution_point(crl.get(), addresses) &&
      X509_CRL_sign(crl.get(), key.get(), openssl::digest_for(key.get())) > 0) {
    der = openssl::to_der(i2d_X509_CRL, crl.get());
  }
  if (der.empty())
    return refuse(Reason::kInternal, "signing the CRL of " + order.ca.subject + ": " + openssl::take_error());
  return der;
}

}  // namespace latchkey::hub::ca
