// SPDX-License-Identifier: Apache-2.0
// hub/ca's OCSP responder as hub/revocation asks for one. Threads: any. The responder outlives it.
#pragma once

#include <utility>

#include "hub/ca/ocsp_responder.h"
#include "hub/revocation/ocsp_face.h"

namespace latchkey::hub::app {

class OcspAnswers final : public revocation::Responder {
 public:
  explicit OcspAnswers(ca::OcspResponder& ocsp) : ocsp_(ocsp) {}
  revocation::OcspReply answer(ByteView request) override {
    auto answer = ocsp_.answer(request);
    return {std::move(answer.der), answer.reusable, answer.this_update, answer.next_update};
  }

 private:
  ca::OcspResponder& ocsp_;
};

}  // namespace latchkey::hub::app
