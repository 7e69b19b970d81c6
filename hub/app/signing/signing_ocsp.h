// SPDX-License-Identifier: Apache-2.0
// OCSP for what the signing service's CAs certified: hub/ca's responder over the service's rows. A certificate that is
// revoked is so from its effective date on, which revocationTime says; one whose revocation is held is good yet, as it
// stands on no list either. What a root certified cannot be revoked.
//
// Threads: handle() from any.
#pragma once

#include <functional>
#include <memory>

#include "hub/app/signing/ocsp_answers.h"
#include "registry/operations/rows.h"

namespace latchkey::hub::app {

class SigningOcsp {
 public:
  using Clock = std::function<UnixMs()>;
  // Rows and keys outlive it; the keys are those that the rows name. kStorage.
  static registry::Outcome<std::unique_ptr<SigningOcsp>> open(registry::RowKeeper& rows, ca::KeyProvider& keys,
                                                              Clock clock);

  static bool serves(std::string_view path) { return revocation::OcspFace::serves(path); }
  http::Response handle(const http::Request& request) { return face_->handle(request); }

 private:
  SigningOcsp() = default;

  std::unique_ptr<ca::OcspCredentials> credentials_;
  std::unique_ptr<ca::OcspResponder> responder_;
  std::unique_ptr<OcspAnswers> answers_;
  std::unique_ptr<revocation::OcspFace> face_;
};

}  // namespace latchkey::hub::app
