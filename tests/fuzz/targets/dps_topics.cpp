// SPDX-License-Identifier: Apache-2.0
// Topics and usernames of DPS: what was read, written again, reads the same.
#include "agent/protocol/dps.h"
#include "tests/fuzz/target.h"

namespace latchkey::fuzz {
namespace {

using namespace agent::dps;

std::array<std::uint8_t, 4096> g_room;

void check_response(ByteView input) {
  const auto read = parse_response_topic(input.text());
  if (!read) return;
  require_inside(read->request_id, input);
  const auto written = write_response_topic(read->status, read->request_id, read->retry_after_s, g_room);
  if (!written) return;  // an id that is read, but that we would not have made
  const auto again = parse_response_topic(*written);
  require(again && again->status == read->status && again->request_id == read->request_id &&
              again->retry_after_s == read->retry_after_s,
          "a response topic reads back the same");
  note_good();
}

void check_request(ByteView input) {
  const auto read = parse_request_topic(input.text());
  if (!read) return;
  require_inside(read->request_id, input);
  require_inside(read->operation_id, input);
  require(read->request_id.size() <= kMaxRequestId && read->operation_id.size() <= kMaxOperationId, "ids are bounded");
  const auto written = read->kind == RequestKind::kRegister
                           ? write_register_topic(read->request_id, g_room)
                           : write_poll_topic(read->request_id, read->operation_id, g_room);
  require(written.has_value(), "what a hub reads a device can write");
  const auto again = parse_request_topic(*written);
  require(again && again->kind == read->kind && again->request_id == read->request_id &&
              again->operation_id == read->operation_id,
          "a request topic reads back the same");
}

void check_username(ByteView input) {
  const auto read = parse_username(input.text());
  if (!read) return;
  for (const auto part : {read->id_scope, read->registration_id, read->api_version, read->client_version}) {
    require_inside(part, input);
  }
  (void)version_carries_csr(read->api_version);
  const auto written = write_username(read->id_scope, read->registration_id, g_room);
  if (!written) return;
  const auto again = parse_username(*written);
  require(again && again->id_scope == read->id_scope && again->registration_id == read->registration_id,
          "a username reads back the same");
}

}  // namespace

LATCHKEY_FUZZ_TARGET(dps_topics) {
  check_response(input);
  check_request(input);
  check_username(input);
}

}  // namespace latchkey::fuzz
