// SPDX-License-Identifier: Apache-2.0
// Messages between gate and hub: every one that is accepted has exactly one encoding.
#include "hub/wire/decision.h"
#include "hub/wire/envelope.h"
#include "hub/wire/feed.h"
#include "hub/wire/hold.h"
#include "tests/fuzz/target.h"

namespace latchkey::fuzz {
namespace {

using namespace latchkey::hub::wire;

template <class Decode>
int check(ByteView input, Decode decode) {
  const auto message = decode(input);
  if (!message) return 0;
  require(ByteView(encode(*message)) == input, "a message has one encoding");
  return 1;
}

}  // namespace

LATCHKEY_FUZZ_TARGET(wire) {
  const int read = check(input, decode_batch) + check(input, decode_ack) + check(input, decode_decisions) +
                   check(input, decode_hold) + check(input, decode_opened) + check(input, decode_closed) +
                   check(input, decode_subscribed) + check(input, decode_resumed) + check(input, decode_attest) +
                   check(input, decode_deliver) + check(input, decode_end) + check(input, decode_delivered);
  require(read <= 1, "a message is of one kind");
  if (read == 1) note_good();
  const auto topic = parse_request_topic(input.text());
  if (!topic) return;
  require_inside(topic->device_topic, input);
  require(request_topic(topic->connection, topic->device_topic) == input.text(), "a topic has one form");
}

}  // namespace latchkey::fuzz
