// SPDX-License-Identifier: Apache-2.0
// Topics and usernames of the hub: what was read, written again, reads the same.
#include "agent/protocol/hub.h"
#include "tests/fuzz/target.h"

namespace latchkey::fuzz {
namespace {

using namespace agent::hub;

std::array<std::uint8_t, 4096> g_room;
constexpr std::string_view kDevice = "pump-17";

void check_credential_response(ByteView input) {
  const auto read = parse_credential_response_topic(input.text());
  if (!read) return;
  require_inside(read->request_id, input);
  const auto written = write_credential_response_topic(read->status, read->request_id, g_room);
  if (!written) return;
  const auto again = parse_credential_response_topic(*written);
  require(again && again->status == read->status && again->request_id == read->request_id,
          "a renewal's response topic reads back the same");
  note_good();
}

void check_devicebound(ByteView input) {
  const auto bag = parse_devicebound_topic(input.text(), kDevice);
  if (!bag) return;
  require_inside(*bag, input);
  const auto written = write_devicebound_topic(kDevice, *bag, g_room);
  if (!written) return;
  const auto again = parse_devicebound_topic(*written, kDevice);
  require(again && *again == *bag, "a message's topic reads back the same");
}

void check_request(ByteView input) {
  const auto read = parse_request_topic(input.text());
  if (!read) return;
  for (const auto part : {read->device_id, read->bag, read->request_id}) require_inside(part, input);
  if (read->kind != RequestKind::kTelemetry && read->kind != RequestKind::kIssueCertificate) return;
  const auto written = read->kind == RequestKind::kTelemetry ? write_telemetry_topic(read->device_id, read->bag, g_room)
                                                             : write_issue_topic(read->request_id, g_room);
  if (!written) return;
  const auto again = parse_request_topic(*written);
  require(again && again->kind == read->kind && again->device_id == read->device_id && again->bag == read->bag &&
              again->request_id == read->request_id,
          "a request topic reads back the same");
}

void check_username(ByteView input) {
  const auto read = parse_username(input.text());
  if (!read) return;
  for (const auto part : {read->host, read->device_id, read->module_id, read->api_version, read->client_type}) {
    require_inside(part, input);
  }
}

}  // namespace

LATCHKEY_FUZZ_TARGET(hub_topics) {
  check_credential_response(input);
  check_devicebound(input);
  check_request(input);
  check_username(input);
  (void)valid_issue_request_id(input.text());
  (void)valid_request_id(input.text());
  (void)valid_method_name(input.text());
}

}  // namespace latchkey::fuzz
