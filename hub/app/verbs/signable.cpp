// SPDX-License-Identifier: Apache-2.0
#include "hub/app/verbs/signable.h"

#include "hub/signing/authenticode/authenticode.h"
#include "hub/signing/signature/detached.h"
#include "hub/signing/timestamp/token.h"

namespace latchkey::hub::app {

using signing::Bytes;
using signing::Outcome;
using signing::refuse;

Outcome<Signable> Signable::make(Wanted wanted, ByteView content) {
  const auto hash = signing::facts_of(wanted.algorithm).hash;
  switch (wanted.form) {
    case SignedForm::kPe: {
      LATCHKEY_TRY(draft, signing::draft_authenticode(content, wanted.algorithm));
      return Signable(wanted.form, content, std::move(draft));
    }
    case SignedForm::kBundle: {
      wanted.manifest.size = content.size();
      wanted.manifest.sha256 = signing::digest_of(signing::Hash::kSha256, content);
      LATCHKEY_TRY(draft, signing::BundleDraft::make(wanted.manifest, wanted.algorithm));
      return Signable(wanted.form, content, std::move(draft));
    }
    case SignedForm::kDetached: break;
  }
  return Signable(SignedForm::kDetached, content,
                  signing::draft_detached(wanted.algorithm, signing::digest_of(hash, content)));
}

const Bytes& Signable::digest() const {
  return std::visit([](const auto& draft) -> const Bytes& { return draft.digest(); }, draft_);
}

Outcome<void> Signable::attach(ByteView signature, const std::vector<X509*>& path) {
  LATCHKEY_TRY(made, std::visit([&](const auto& draft) { return draft.finish(signature, path); }, draft_));
  signature_ = std::move(made);
  return {};
}

Outcome<Bytes> Signable::stamped() const {
  if (form_ == SignedForm::kBundle) return signing::stamped_by(signature_);
  LATCHKEY_TRY(read, signing::read_signed_data(signature_));
  return std::move(read.evidence.stamped);
}

Outcome<void> Signable::stamp(ByteView token) {
  LATCHKEY_TRY(over, stamped());
  // The imprint is looked at before the authority is, and nobody trusts it here: that refusal is as good as it gets.
  const auto checked = signing::check_timestamp(token, over, {}, 0);
  if (!checked && checked.error().status != Status::kNotTrusted) return fail(checked.error());
  auto made = form_ == SignedForm::kBundle ? signing::stamp_envelope(signature_, token)
              : form_ == SignedForm::kPe   ? signing::stamp_authenticode(signature_, token)
                                           : signing::stamp_detached(signature_, token);
  if (!made) return fail(made.error());
  signature_ = std::move(*made);
  return {};
}

Outcome<bool> Signable::holds(ByteView finished) const {
  switch (form_) {
    case SignedForm::kPe: {
      LATCHKEY_TRY(evidence, signing::read_authenticode(finished));
      return evidence.content_matches;
    }
    case SignedForm::kBundle: {
      LATCHKEY_TRY(bundle, signing::read_whole_bundle(finished));
      return bundle.evidence.content_matches;
    }
    case SignedForm::kDetached: break;
  }
  const auto digest = [this](signing::Hash hash) { return signing::digest_of(hash, content_); };
  LATCHKEY_TRY(evidence, signing::read_detached(finished, digest));
  return evidence.content_matches;
}

Outcome<Bytes> Signable::finished() const {
  Bytes whole = signature_;
  if (form_ == SignedForm::kPe) {
    LATCHKEY_TRY(with, signing::attach_authenticode(content_, signature_));
    whole = std::move(with);
  } else if (form_ == SignedForm::kBundle) {
    whole = signing::join_bundle(signature_, content_);
  }
  LATCHKEY_TRY(good, holds(whole));
  if (!good) return refuse(Status::kMismatch, "what was signed is not what was read");
  return whole;
}

}  // namespace latchkey::hub::app
