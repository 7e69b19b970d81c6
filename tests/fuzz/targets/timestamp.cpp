// SPDX-License-Identifier: Apache-2.0
// A timestamp token. Input: what it is over and the root, each with a length of two bytes, then the token.
#include "agent/update/timestamp.h"

#include "tests/fuzz/target.h"

namespace latchkey::fuzz {

LATCHKEY_FUZZ_TARGET(timestamp) {
  require(crypto::init().has_value(), "PSA starts");
  Input parts(input);
  const ByteView stamped = parts.piece();
  const ByteView roots[] = {parts.piece()};
  const ByteView token = parts.rest();
  const auto stamp = agent::read_stamp(token, stamped, roots, 1);
  if (!stamp) return;
  require(stamp->latest >= stamp->at, "accuracy only adds");
  require(!agent::read_stamp(token, stamped, roots, 0), "without a root nothing is believed");
  const std::string other = std::string(stamped.text()) + '\0';
  require(!agent::read_stamp(token, other, roots, 1), "a token is over one thing");
  const std::string longer = std::string(token.text()) + '\0';
  require(!agent::read_stamp(longer, stamped, roots, 1), "nothing may stand behind a token");
  note_good();
}

}  // namespace latchkey::fuzz
