// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/renewal_answer.h"

#include "tests/fuzz/target.h"

namespace latchkey::fuzz {

LATCHKEY_FUZZ_TARGET(renewal_answer) {
  const auto answer = agent::hub::parse_renewal_answer(input.text());
  require(!agent::hub::parse_renewal_answer(std::string(input.text()) + " x"), "nothing may stand behind an answer");
  if (!answer) return;
  for (const auto& text :
       {answer->correlation_id, answer->message, answer->pending_request_id, answer->credential_error}) {
    require_inside(text.raw, input);
  }
  for (std::size_t i = 0; i < answer->certificates.count; ++i) {
    require_inside(answer->certificates.base64[i].raw, input);
  }
  if (answer->certificates.count != 0 && answer->renewal_window.end_s != 0) note_good();
  for (const int status : {200, 202, 400, 404, 409, 412, 429, 500, 503, 999}) {
    (void)agent::hub::advise(static_cast<std::uint16_t>(status), answer->error_code);
  }
}

}  // namespace latchkey::fuzz
