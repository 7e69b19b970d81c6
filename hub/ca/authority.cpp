// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/authority.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "hub/ca/internal/leaf_form.h"
#include "platform/openssl/certificate_builder.h"

namespace latchkey::hub::ca {
namespace {

using openssl::CertificateBuilder;
using openssl::X509Ptr;
using registry::CaCertificate;
using registry::NewCa;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr unsigned kCaUsage = KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN | KU_CRL_SIGN;
constexpr int kRootPathLength = 1;
constexpr int kIssuingPathLength = 0;
constexpr std::uint8_t kDerOctetString = 0x04;

UnixMs whole_seconds(UnixMs time) { return time - time % 1000; }

// RFC 4122 version 4.
Uuid random_uuid() {
  Uuid uuid;
  RAND_bytes(uuid.bytes.data(), static_cast<int>(uuid.bytes.size()));
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
  return uuid;
}

std::string hex(const Uuid& uuid) {
  std::array<std::uint8_t, hex_size(16)> text{};
  return hex_encode(uuid.bytes, text) ? std::string(ByteView(text).text()) : std::string();
}

std::string certificate_address(const std::string& folder, const Uuid& issuer) {
  return folder + (folder.ends_with('/') ? "" : "/") + std::string(view(to_text(issuer))) + ".cer";
}

void add_addresses(CertificateBuilder& builder, const Authority::Options& options, const Uuid& issuer,
                   CrlShard shard = {}) {
  if (!options.crl_url.empty()) builder.crl_address(list_address(options.crl_url, issuer, shard));
  builder.authority_addresses(options.aia_url.empty() ? "" : certificate_address(options.aia_url, issuer),
                              options.ocsp_url);
}

// What a CA certificate is called and how long it lives, before it is signed.
NewCa draft(std::string_view prefix, registry::KeyProfile profile, UnixMs now, UnixMs not_after) {
  NewCa ca;
  ca.id = random_uuid();
  ca.subject = "CN=" + std::string(prefix) + hex(ca.id);
  ca.serial = Authority::new_serial();
  ca.not_before = whole_seconds(now - kBackdateMs);
  ca.not_after = whole_seconds(not_after);
  ca.key_profile = profile;
  return ca;
}

void describe(CertificateBuilder& builder, const NewCa& ca, EVP_PKEY* key, int path_length) {
  builder.serial(ca.serial)
      .subject(std::string_view(ca.subject).substr(3))  // without "CN="
      .validity(ca.not_before, ca.not_after)
      .authority(path_length)
      .key_usage(kCaUsage)
      .public_key(key);
}

// Fills in what signing yields. On failure the new key goes again: nobody knows its name.
Outcome<NewCa> finish(NewCa ca, const X509Ptr& certificate, const GeneratedKey& key, KeyProvider& keys) {
  if (certificate) ca.der = openssl::to_der(i2d_X509, certificate.get());
  if (ca.der.empty()) {
    const std::string why = openssl::take_error();
    if (auto gone = keys.destroy(key.key_ref); !gone) return registry::refuse(gone.error().reason, gone.error().detail);
    return refuse(Reason::kInternal, "signing " + ca.subject + ": " + why);
  }
  ca.key_ref = key.key_ref;
  return ca;
}

void add_identifier(CertificateBuilder& builder, const DeviceIdentifier& identifier) {
  const auto bytes = identifier.encode();
  std::array<std::uint8_t, DeviceIdentifier::kSize + 2> der{kDerOctetString, DeviceIdentifier::kSize};
  std::copy(bytes.begin(), bytes.end(), der.begin() + 2);
  builder.extension(kIdentifierOid, openssl::Critical::kNo, der);
}

}  // namespace

Authority::Authority(KeyProvider& keys, Options options) : keys_(keys), options_(std::move(options)) {}
Authority::~Authority() = default;

Outcome<NewCa> Authority::make_root(registry::KeyProfile profile, UnixMs now) {
  LATCHKEY_TRY(key, keys_.generate(profile));
  NewCa ca = draft("rootca-", profile, now, now + kRootLifetimeMs);
  ca.issuer = ca.id;
  CertificateBuilder builder;
  describe(builder, ca, key.key.get(), kRootPathLength);
  const X509Ptr certificate = builder.issuer_is_subject().sign(key.key.get());
  return finish(std::move(ca), certificate, key, keys_);
}

Outcome<NewCa> Authority::make_issuing(const CaCertificate& root, registry::KeyProfile profile, UnixMs now) {
  if (root.not_after <= now) return refuse(Reason::kPreconditionFailed, root.subject + " has expired");
  LATCHKEY_TRY(root_certificate, parsed(root));
  LATCHKEY_TRY(root_key, keys_.load(root.key_ref));
  LATCHKEY_TRY(key, keys_.generate(profile));
  NewCa ca = draft("ica-", profile, now, std::min(now + kIssuingLifetimeMs, root.not_after));
  ca.issuer = root.id;
  CertificateBuilder builder;
  describe(builder, ca, key.key.get(), kIssuingPathLength);
  builder.extended_key_usage(NID_client_auth).issuer(root_certificate.get());
  add_addresses(builder, options_, root.id);
  const X509Ptr certificate = builder.sign(root_key.get());
  return finish(std::move(ca), certificate, key, keys_);
}

registry::Bytes Authority::new_serial() {
  registry::Bytes serial(16);
  do {
    RAND_bytes(serial.data(), static_cast<int>(serial.size()));
    serial[0] &= 0x7f;
  } while (serial[0] == 0);
  return serial;
}

Outcome<Csr> Authority::read_csr(std::string_view base64, std::optional<std::string_view> expected_cn) const {
  return ca::read_csr(base64, expected_cn, options_.allow_rsa ? RsaKeys::kAllowed : RsaKeys::kRefused,
                      options_.p384_alone ? Curves::kP384Alone : Curves::kP256AndP384);
}

Outcome<registry::Bytes> Authority::sign_leaf(const CaCertificate& issuer, const registry::IssuanceGrant& grant,
                                              const Csr& csr) {
  if (grant.not_after > issuer.not_after) {
    return refuse(Reason::kInternal, "the grant for " + grant.device_id + " outlives " + issuer.subject);
  }
  LATCHKEY_TRY(key, keys_.load(issuer.key_ref));
  LATCHKEY_TRY(form, form_below(issuer, key.get(), shard_of(grant.serial, options_.crl_shards)));
  registry::Bytes der = form->sign(grant, csr, key.get());
  if (der.empty()) return refuse(Reason::kInternal, "signing for " + grant.device_id + ": " + openssl::take_error());
  return der;
}

// Of the first leaf below an issuer, all that the others have in common; device, key, serial and times are anybody's.
Outcome<Authority::FormPtr> Authority::form_below(const CaCertificate& issuer, EVP_PKEY* key, CrlShard shard) {
  const std::pair name(issuer.id, shard.index);
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = forms_.find(name); found != forms_.end()) return found->second;
  }
  LATCHKEY_TRY(issuer_certificate, parsed(issuer));
  CertificateBuilder builder;
  builder.serial(issuer.serial)
      .subject("device")
      .validity(issuer.not_before, issuer.not_after)
      .end_entity()
      .key_usage(KU_DIGITAL_SIGNATURE)
      .extended_key_usage(NID_client_auth)
      .public_key(key)
      .issuer(issuer_certificate.get());
  add_identifier(builder, {});
  add_addresses(builder, options_, issuer.id, shard);
  const X509Ptr sample = builder.sign(key);
  FormPtr form = sample ? internal::LeafForm::of(sample.get()) : nullptr;
  if (!form)
    return refuse(Reason::kInternal, "the form of leaves below " + issuer.subject + ": " + openssl::take_error());
  const std::unique_lock lock(mutex_);
  return forms_[name] = form;
}

Outcome<void> Authority::destroy_key(const CaCertificate& ca) { return keys_.destroy(ca.key_ref); }

Outcome<Authority::ParsedCertificate> Authority::parsed(const CaCertificate& ca) {
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = parsed_.find(ca.id); found != parsed_.end()) return found->second;
  }
  const std::uint8_t* end = ca.der.data();
  ParsedCertificate certificate(d2i_X509(nullptr, &end, static_cast<long>(ca.der.size())), X509_free);
  if (!certificate)
    return refuse(Reason::kInternal, "stored certificate of " + ca.subject + ": " + openssl::take_error());
  const std::unique_lock lock(mutex_);
  return parsed_[ca.id] = certificate;
}

}  // namespace latchkey::hub::ca
