// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/sas.h"

#include "tests/fuzz/target.h"

namespace latchkey::fuzz {

LATCHKEY_FUZZ_TARGET(sas) {
  const auto token = agent::sas::parse(input.text());
  if (!token) return;
  for (const auto part : {token->resource, token->signature, token->policy_name, token->expiry_text}) {
    require_inside(part, input);
  }
  std::array<std::uint8_t, 2 * agent::sas::kMaxToken> room;
  require(agent::sas::write_text_to_sign(token->resource, token->expiry_text, room).has_value(),
          "the text to sign is no longer than the token");
  std::array<std::uint8_t, agent::sas::kSignatureSize> signature;
  if (!agent::sas::decode_signature(token->signature, signature)) return;
  const auto written = agent::sas::write(token->resource, signature, token->policy_name, token->expiry_s, room);
  if (!written || written->size() > agent::sas::kMaxToken) return;
  const auto again = agent::sas::parse(*written);
  require(again && again->resource == token->resource && again->expiry_s == token->expiry_s,
          "a token reads back the same");
  std::array<std::uint8_t, agent::sas::kSignatureSize> back;
  require(agent::sas::decode_signature(again->signature, back) && back == signature, "with the same signature");
  note_good();
}

}  // namespace latchkey::fuzz
