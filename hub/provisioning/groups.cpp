// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/internal/groups.h"

#include <openssl/err.h>

#include <set>

#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::provisioning {

using registry::AttestationKind;
using registry::Bytes;
using registry::Outcome;

namespace {

openssl::X509Ptr parse(const Bytes& der) {
  const std::uint8_t* at = der.data();
  openssl::X509Ptr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!certificate) ERR_clear_error();
  return certificate;
}

// Of the canonical form: names that OpenSSL takes for equal have one hash. Different names may share one, which costs
// a vain verification.
unsigned long hash_of(const X509_NAME* name) { return X509_NAME_hash_ex(name, nullptr, nullptr, nullptr); }

}  // namespace

GroupList::GroupList(registry::EnrollmentGroups groups) : groups_(std::move(groups)) {
  for (std::size_t i = 0; i < groups_.groups.size(); ++i) {
    const auto& group = groups_.groups[i];
    if (group.attestation != AttestationKind::kX509) continue;
    for (const auto* der : {&group.primary, &group.secondary}) {
      if (der->empty()) continue;
      if (const auto certificate = parse(*der)) {
        by_subject_.emplace(hash_of(X509_get_subject_name(certificate.get())), i);
      } else {
        unreadable_.push_back(i);
      }
    }
  }
}

GroupList::~GroupList() {
  for (auto& group : groups_.groups) {
    if (group.attestation != AttestationKind::kSymmetricKey) continue;
    for (auto* key : {&group.primary, &group.secondary}) wipe(MutableBytes(key->data(), key->size()));
  }
}

GroupList::Candidates GroupList::with_symmetric_keys() const {
  Candidates candidates;
  for (const auto& group : groups_.groups) {
    if (group.attestation == AttestationKind::kSymmetricKey) candidates.push_back(&group);
  }
  return candidates;
}

GroupList::Candidates GroupList::that_may_vouch_for(const std::vector<Bytes>& chain) const {
  std::set<std::size_t> found(unreadable_.begin(), unreadable_.end());
  for (const auto& der : chain) {
    const auto certificate = parse(der);
    if (!certificate) continue;
    for (const auto* name : {X509_get_subject_name(certificate.get()), X509_get_issuer_name(certificate.get())}) {
      const auto [first, last] = by_subject_.equal_range(hash_of(name));
      for (auto at = first; at != last; ++at) found.insert(at->second);
    }
  }
  Candidates candidates;
  for (const std::size_t i : found) candidates.push_back(&groups_.groups[i]);
  return candidates;
}

Outcome<std::shared_ptr<const GroupList>> Groups::current() {
  const std::uint64_t edition = edition_ ? edition_() : 0;  // before anything is read
  std::shared_ptr<const GroupList> held;
  {
    const std::lock_guard lock(mutex_);
    held = newest_;
    if (held && edition_ && held_to_ == edition) return held;
  }
  LATCHKEY_TRY(read, read_(held ? std::optional(held->generation()) : std::nullopt));
  auto list = read ? std::make_shared<const GroupList>(std::move(*read)) : held;
  const std::lock_guard lock(mutex_);
  // Several may have read at once: the newest stays.
  if (!newest_ || newest_->generation() < list->generation()) newest_ = list;
  if (newest_ == list && held_to_ < edition) held_to_ = edition;
  return list;
}

}  // namespace latchkey::hub::provisioning
