// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/service/profile_certificates.h"

#include <openssl/pkcs7.h>

#include "hub/signing/base/algorithm.h"

namespace latchkey::hub::signing {
namespace {

using registry::Nothing;
using registry::Reason;
using registry::refuse;
using registry::signing::Certificate;
using registry::signing::CertificateRows;
using registry::signing::RevocationStatus;

using Pkcs7Ptr = openssl::Owner<PKCS7, PKCS7_free>;

Bytes sha1_of(ByteView der) {
  Bytes digest(20);
  unsigned size = 0;
  if (EVP_Digest(der.data(), der.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1) digest.clear();
  return digest;
}

// SignedData without content and signers: what `openssl crl2pkcs7 -nocrl` makes.
Bytes certificates_only(const std::vector<X509*>& certificates) {
  const Pkcs7Ptr collection(PKCS7_new());
  bool made = collection && PKCS7_set_type(collection.get(), NID_pkcs7_signed) == 1 &&
              PKCS7_content_new(collection.get(), NID_pkcs7_data) == 1 && PKCS7_set_detached(collection.get(), 1) == 1;
  for (X509* one : certificates) made = made && PKCS7_add_certificate(collection.get(), one) == 1;
  if (!made) {
    openssl::take_error();
    return {};
  }
  return openssl::to_der(i2d_PKCS7, collection.get());
}

bool is_revoked(const Certificate& row) {
  return row.revocation.status == RevocationStatus::kSucceeded ||
         row.revocation.status == RevocationStatus::kInProgress;
}

registry::Call service_call(UnixMs now) { return {"signing service", now}; }

}  // namespace

Answer<Nothing> check_may_sign(const ProfileFacts& profile) {
  if (profile.account_standing != Standing::kActive) return refuse(Reason::kUnauthorized, "the account is suspended");
  if (profile.profile_standing != Standing::kActive) {
    return refuse(Reason::kUnauthorized, "the certificate profile is not Active");
  }
  if (profile.validation == ValidationStanding::kNotCompleted) {
    return refuse(Reason::kUnauthorized, "the profile's identity validation is not Completed");
  }
  return Nothing{};
}

bool may_renew(const ProfileFacts& profile) {
  return check_may_sign(profile) && profile.validation == ValidationStanding::kCompleted;
}

std::shared_ptr<ProfileCertificates::Slot> ProfileCertificates::slot_of(const Uuid& profile) {
  const std::lock_guard lock(mutex_);
  auto& slot = slots_[profile];
  if (!slot) slot = std::make_shared<Slot>();
  return slot;
}

void ProfileCertificates::forget(const Uuid& profile) {
  const auto slot = slot_of(profile);
  const std::lock_guard lock(slot->mutex);
  slot->signer.reset();
}

bool ProfileCertificates::is_due(const Signer& signer, UnixMs now) const {
  // Before its begin: the clock was set back.
  return now < signer.not_before || now - signer.not_before >= options_.renew_after_ms || now > signer.not_after;
}

Answer<std::shared_ptr<const Signer>> ProfileCertificates::current(const ProfileFacts& profile) {
  LATCHKEY_TRY_VOID(check_may_sign(profile));
  const auto slot = slot_of(profile.profile);
  const std::lock_guard lock(slot->mutex);
  if (slot->signer && !is_due(*slot->signer, clock_())) return slot->signer;
  LATCHKEY_TRY(signer, read_or_issue(profile));
  slot->signer = signer;
  return signer;
}

bool ProfileCertificates::ready(const Uuid& profile) {
  const auto slot = slot_of(profile);
  const std::unique_lock lock(slot->mutex, std::try_to_lock);
  return lock.owns_lock() && slot->signer && !is_due(*slot->signer, clock_());
}

Answer<Nothing> ProfileCertificates::renew(const ProfileFacts& profile) {
  if (!may_renew(profile)) return Nothing{};
  const auto done = current(profile);
  if (!done && done.error().reason != Reason::kUnauthorized) return fail(done.error());
  return Nothing{};
}

// The newest row as long as it may sign; a new one when it is due and may be renewed.
Answer<std::shared_ptr<const Signer>> ProfileCertificates::read_or_issue(const ProfileFacts& profile) {
  using Found = std::shared_ptr<const Signer>;
  const UnixMs now = clock_();
  LATCHKEY_TRY(newest, rows_.newest_of(profile.profile, now));
  if (newest && is_revoked(*newest) && !options_.reissue_after_revocation) {
    return refuse(Reason::kUnauthorized, "the profile's current certificate was revoked; it signs no more");
  }
  Answer<Found> usable = refuse(Reason::kUnauthorized, "the profile has no certificate, and gets none now");
  if (newest && !is_revoked(*newest) && now >= newest->not_before && now <= newest->not_after &&
      !newest->key_ref.empty()) {
    usable = signer_of(*newest);
    if (usable && !is_due(**usable, now)) return usable;
  }
  if (!may_renew(profile)) return usable;
  auto issued = issue(profile);
  // Yesterday's is better than none; the next one who asks tries again.
  return issued || !usable ? issued : usable;
}

Bytes ProfileCertificates::collection_of(const Certificate& row) const {
  const openssl::X509Ptr leaf = certificate_from_der(row.der);
  if (!leaf) return {};
  const Authorities::Ca* const ca = authorities_.find(row.authority);
  if (ca == nullptr) return {};
  return certificates_only({leaf.get(), ca->certificate.get(), authorities_.root(ca->trust).certificate.get()});
}

Answer<std::shared_ptr<const Signer>> ProfileCertificates::signer_of(const Certificate& row) const {
  LATCHKEY_TRY(key, keys_.load(row.key_ref));
  auto signer = std::make_shared<Signer>();
  signer->serial = row.serial;
  signer->certificate = certificate_from_der(row.der);
  signer->key = std::make_unique<const DigestSigner>(std::move(key));
  signer->not_before = row.not_before;
  signer->not_after = row.not_after;
  signer->collection = collection_of(row);
  if (!signer->certificate || signer->collection.empty()) {
    return refuse(Reason::kStorage, "a certificate of the profile is damaged");
  }
  return std::shared_ptr<const Signer>(std::move(signer));
}

// Key, certificate, row: what a crash leaves before the row is a key without a name, which the next start erases.
Answer<std::shared_ptr<const Signer>> ProfileCertificates::issue(const ProfileFacts& profile) {
  LATCHKEY_TRY(kept, keys_.make(profile.key));

  const Authorities::Ca& ca = authorities_.issuing(trust_kind_of(profile.type));
  const UnixMs begin = clock_() / 1000 * 1000;
  const Bytes serial = random_serial();
  LeafRequest request{profile.type,
                      profile.subject,
                      profile.durable_eku,
                      kept.key.get(),
                      serial,
                      {begin, begin + kLeafLifetimeMs},
                      authorities_.addresses_below(ca)};
  auto made = make_leaf(request, ca.issuer());
  if (!made) return fail(refusal_of(made.error()));

  Certificate row;
  row.serial = serial;
  row.account = profile.account;
  row.profile = profile.profile;
  row.authority = ca.id;
  row.der = certificate_der(made->get());
  row.thumbprint = sha1_of(row.der);
  row.subject = subject_text(profile.subject);
  row.eku = profile.durable_eku;
  row.key_ref = kept.key_ref;
  row.not_before = request.window.not_before;
  row.not_after = request.window.not_after;
  LATCHKEY_TRY_VOID(rows_.add(service_call(clock_()), profile.resource(), row));
  return signer_of(row);
}

Answer<Nothing> ProfileCertificates::erase_idle_keys() {
  LATCHKEY_TRY(idle, rows_.with_idle_key(clock_()));
  Answer<Nothing> answer = Nothing{};
  for (const Certificate& row : idle) {
    auto erased = keys_.erase(row.key_ref);
    if (erased) erased = rows_.forget_key(row.serial);
    if (!erased && answer) answer = std::move(erased);
  }
  return answer;
}

}  // namespace latchkey::hub::signing
