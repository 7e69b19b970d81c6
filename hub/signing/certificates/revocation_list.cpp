// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/certificates/revocation_list.h"

#include <openssl/x509_vfy.h>

#include <array>

#include "platform/openssl/certificate_builder.h"

namespace latchkey::hub::signing {
namespace {

using openssl::X509CrlPtr;
using Asn1EnumeratedPtr = openssl::Owner<ASN1_ENUMERATED, ASN1_ENUMERATED_free>;
using AuthorityKeyIdPtr = openssl::Owner<AUTHORITY_KEYID, AUTHORITY_KEYID_free>;

struct ReasonName {
  RevocationReason reason;
  std::string_view name;
};
constexpr std::array<ReasonName, 7> kReasons = {{
    {RevocationReason::kUnspecified, "Unspecified"},
    {RevocationReason::kKeyCompromise, "KeyCompromised"},
    {RevocationReason::kAffiliationChanged, "AffiliationChanged"},
    {RevocationReason::kSuperseded, "Superseded"},
    {RevocationReason::kCessationOfOperation, "CessationOfOperation"},
    {RevocationReason::kPrivilegeWithdrawn, "PrivilegeWithdrawn"},
    {RevocationReason::kCaCompromise, "CACompromised"},  // ours alone: no caller revokes a CA
}};
constexpr std::size_t kForCallers = 6;

openssl::Asn1TimePtr make_time(UnixMs at) { return openssl::Asn1TimePtr(ASN1_TIME_set(nullptr, at / 1000)); }

bool add_reason(X509_REVOKED* entry, const std::optional<RevocationReason>& reason) {
  if (!reason) return true;
  const Asn1EnumeratedPtr code(ASN1_ENUMERATED_new());
  return code && ASN1_ENUMERATED_set(code.get(), static_cast<long>(*reason)) == 1 &&
         X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, code.get(), 0, 0) == 1;
}

bool add_entry(X509_CRL* list, const RevokedCertificate& certificate) {
  const openssl::BignumPtr number(
      BN_bin2bn(certificate.serial.data(), static_cast<int>(certificate.serial.size()), nullptr));
  const openssl::Asn1IntegerPtr serial(number ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr);
  const openssl::Asn1TimePtr date = make_time(certificate.revocation.effective_at);
  openssl::X509RevokedPtr entry(X509_REVOKED_new());
  if (!serial || !date || !entry || X509_REVOKED_set_serialNumber(entry.get(), serial.get()) != 1 ||
      X509_REVOKED_set_revocationDate(entry.get(), date.get()) != 1 ||
      !add_reason(entry.get(), certificate.revocation.reason) || X509_CRL_add0_revoked(list, entry.get()) != 1) {
    return false;
  }
  entry.release();  // NOLINT: the list owns it now
  return true;
}

bool write_frame(X509_CRL* list, X509* issuer, const ListFrame& frame) {
  const openssl::Asn1TimePtr begin = make_time(frame.this_update);
  const openssl::Asn1TimePtr end = make_time(frame.next_update);
  const openssl::Asn1IntegerPtr number(ASN1_INTEGER_new());
  const AuthorityKeyIdPtr authority(AUTHORITY_KEYID_new());
  const ASN1_OCTET_STRING* key_id = X509_get0_subject_key_id(issuer);
  if (!begin || !end || !number || !authority || key_id == nullptr) return false;
  authority->keyid = ASN1_OCTET_STRING_dup(key_id);
  return X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1 &&
         X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer)) == 1 &&
         X509_CRL_set1_lastUpdate(list, begin.get()) == 1 && X509_CRL_set1_nextUpdate(list, end.get()) == 1 &&
         authority->keyid != nullptr && ASN1_INTEGER_set_uint64(number.get(), frame.number) == 1 &&
         X509_CRL_add1_ext_i2d(list, NID_authority_key_identifier, authority.get(), 0, 0) == 1 &&
         X509_CRL_add1_ext_i2d(list, NID_crl_number, number.get(), 0, 0) == 1;
}

Revocation read_entry(const X509_REVOKED* entry) {
  Revocation read;
  read.effective_at = unix_ms(X509_REVOKED_get0_revocationDate(entry));
  const Asn1EnumeratedPtr code(
      static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, nullptr, nullptr)));
  if (code) read.reason = static_cast<RevocationReason>(ASN1_ENUMERATED_get(code.get()));
  return read;
}

std::uint64_t number_of(const X509_CRL* list) {
  const openssl::Asn1IntegerPtr number(
      static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(list, NID_crl_number, nullptr, nullptr)));
  std::uint64_t value = 0;
  return number && ASN1_INTEGER_get_uint64(&value, number.get()) == 1 ? value : 0;
}

bool has_critical_extension(const X509_CRL* list) {
  for (int i = 0; i < X509_CRL_get_ext_count(list); ++i) {
    if (X509_EXTENSION_get_critical(X509_CRL_get_ext(list, i)) != 0) return true;
  }
  return false;
}

bool signed_by(X509_CRL* list, X509* issuer) {
  if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(issuer)) != 0) return false;
  const bool good = X509_CRL_verify(list, X509_get0_pubkey(issuer)) == 1;
  if (!good) openssl::take_error();
  return good;
}

}  // namespace

std::optional<RevocationReason> revocation_reason_by_name(std::string_view name) {
  for (std::size_t i = 0; i < kForCallers; ++i) {
    if (kReasons[i].name == name) return kReasons[i].reason;
  }
  return std::nullopt;
}

std::string_view name_of(RevocationReason reason) {
  for (const ReasonName& known : kReasons) {
    if (known.reason == reason) return known.name;
  }
  return "another reason";
}

Outcome<Bytes> make_revocation_list(Issuer issuer, const ListFrame& frame,
                                    const std::vector<RevokedCertificate>& entries) {
  const X509CrlPtr list(X509_CRL_new());
  bool worked = list && write_frame(list.get(), issuer.certificate, frame);
  for (const RevokedCertificate& entry : entries) {
    if (entry.revocation.effective_at % 1000 != 0) {
      return refuse(Status::kInvalidArgument, "a revocation list has whole seconds");
    }
    worked = worked && add_entry(list.get(), entry);
  }
  if (!worked || X509_CRL_sort(list.get()) != 1 ||
      X509_CRL_sign(list.get(), issuer.key, openssl::digest_for(issuer.key)) <= 0) {
    return refuse(Status::kInternal, "making a revocation list: " + openssl::take_error());
  }
  return openssl::to_der(i2d_X509_CRL, list.get());
}

Outcome<void> RevocationLists::add(ByteView der) {
  if (der.size() > kListMax) return refuse(Status::kTooLarge, "a revocation list of over 64 MiB");
  const std::uint8_t* end = der.data();
  X509CrlPtr list(d2i_X509_CRL(nullptr, &end, static_cast<long>(der.size())));
  if (!list || end != der.end()) {
    openssl::take_error();
    return refuse(Status::kMalformed, "not a revocation list");
  }
  if (has_critical_extension(list.get())) {
    return refuse(Status::kUnsupported, "a revocation list with a critical extension");
  }
  lists_.push_back(std::move(list));
  return {};
}

RevocationLists::Answer RevocationLists::ask(X509* certificate, X509* issuer, UnixMs now) const {
  X509_CRL* newest = nullptr;
  bool lapsed = false;
  for (const X509CrlPtr& list : lists_) {
    if (unix_ms(X509_CRL_get0_lastUpdate(list.get())) > now || !signed_by(list.get(), issuer)) continue;
    if (unix_ms(X509_CRL_get0_nextUpdate(list.get())) < now) {
      lapsed = true;
    } else if (newest == nullptr || number_of(list.get()) > number_of(newest)) {
      newest = list.get();
    }
  }
  if (newest == nullptr) {
    return {Standing::kUnknown,
            {},
            lapsed ? "the revocation list has lapsed" : "there is no revocation list of its issuer"};
  }
  X509_REVOKED* entry = nullptr;
  if (X509_CRL_get0_by_serial(newest, &entry, X509_get_serialNumber(certificate)) == 0)
    return {Standing::kGood, {}, {}};
  return {Standing::kRevoked, read_entry(entry), {}};
}

Outcome<openssl::X509StackPtr> build_path(X509* leaf, const std::vector<X509*>& others, const std::vector<X509*>& roots,
                                          UnixMs at) {
  const openssl::X509StorePtr store(X509_STORE_new());
  const openssl::X509StoreCtxPtr context(X509_STORE_CTX_new());
  // Owns none of the certificates.
  const openssl::Owner<STACK_OF(X509), [](STACK_OF(X509) * stack) { sk_X509_free(stack); }> untrusted(
      sk_X509_new_null());
  if (!store || !context || !untrusted) return refuse(Status::kInternal, openssl::take_error());
  for (X509* root : roots) X509_STORE_add_cert(store.get(), root);
  for (X509* other : others) sk_X509_push(untrusted.get(), other);
  if (X509_STORE_CTX_init(context.get(), store.get(), leaf, untrusted.get()) != 1) {
    return refuse(Status::kInternal, openssl::take_error());
  }
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(rules, at / 1000);
  X509_VERIFY_PARAM_set_depth(rules, 4);
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_X509_STRICT);
  if (X509_verify_cert(context.get()) != 1) {
    openssl::take_error();
    return refuse(Status::kNotTrusted, X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
  }
  return openssl::X509StackPtr(X509_STORE_CTX_get1_chain(context.get()));
}

}  // namespace latchkey::hub::signing
