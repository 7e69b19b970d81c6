// SPDX-License-Identifier: Apache-2.0
// A file on its way to being signed, whichever form its signature takes: the draft, what the service has to sign, and
// what is written in the end.
//
//   auto file = Signable::make({SignedForm::kDetached, Algorithm::kRs256, {}}, content);
//   file->attach(signature over file->digest(), path);
//   file->stamp(token over *file->stamped());          // or not
//   Bytes written = *file->finished();
//
// The content outlives it. Threads: one at a time.
#pragma once

#include <variant>

#include "hub/signing/bundle/bundle.h"
#include "hub/signing/signature/signed_data.h"

namespace latchkey::hub::app {

enum class SignedForm {
  kDetached,  // .p7s beside any file
  kPe,        // Authenticode, within the file
  kBundle,    // docs/firmware-bundle.md; the content is the image
};

class Signable {
 public:
  struct Wanted {
    SignedForm form = SignedForm::kDetached;
    signing::Algorithm algorithm = signing::Algorithm::kRs256;
    signing::BundleManifest manifest = {};  // of a bundle; size and digest are found here
  };
  // As draft_authenticode and BundleDraft::make.
  static signing::Outcome<Signable> make(Wanted wanted, ByteView content);

  const signing::Bytes& digest() const;
  // `path`: the signer's certificate first. As Draft::finish and BundleDraft::finish.
  signing::Outcome<void> attach(ByteView signature, const std::vector<X509*>& path);
  // What a timestamp is over.
  signing::Outcome<signing::Bytes> stamped() const;
  // Also kMismatch when the token is over something else. Whether its authority is to be trusted is for verifiers.
  signing::Outcome<void> stamp(ByteView token);
  // Read back before it is handed out: kMismatch when it does not hold the content.
  signing::Outcome<signing::Bytes> finished() const;

 private:
  using Drafted = std::variant<signing::Draft, signing::BundleDraft>;
  Signable(SignedForm form, ByteView content, Drafted draft)
      : form_(form), content_(content), draft_(std::move(draft)) {}
  signing::Outcome<bool> holds(ByteView finished) const;

  SignedForm form_;
  ByteView content_;
  Drafted draft_;
  signing::Bytes signature_;  // CMS or the bundle's envelope
};

}  // namespace latchkey::hub::app
