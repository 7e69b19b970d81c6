// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/dps_answer.h"

#include "tests/fuzz/target.h"

namespace latchkey::fuzz {

LATCHKEY_FUZZ_TARGET(dps_answer) {
  const auto answer = agent::dps::parse_answer(input.text());
  const auto with_more = agent::dps::parse_answer(std::string(input.text()) + " x");
  require(!with_more, "nothing may stand behind an answer");
  if (!answer) return;
  for (const auto& text : {answer->operation_id, answer->assigned_hub, answer->device_id, answer->message}) {
    require_inside(text.raw, input);
  }
  require(answer->chain.count <= agent::CertificateList::kMax, "three certificates at most");
  for (std::size_t i = 0; i < answer->chain.count; ++i) require_inside(answer->chain.base64[i].raw, input);
  const agent::RenewalWindow window = answer->renewal_window;
  require((window.start_s == 0) == (window.end_s == 0), "a window has both ends or none");
  if (answer->chain.count != 0 && window.end_s != 0) note_good();
}

}  // namespace latchkey::fuzz
