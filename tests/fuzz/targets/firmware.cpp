// SPDX-License-Identifier: Apache-2.0
// Topics and bodies of firmware over MQTT, both ways: what was read, written again, reads the same.
#include "agent/protocol/firmware.h"
#include "tests/fuzz/target.h"

namespace latchkey::fuzz {
namespace {

using namespace agent::firmware;

std::array<std::uint8_t, 4096> g_room;

void check_fetch(ByteView input) {
  const auto read = parse_fetch_topic(input.text());
  if (!read) return;
  require(kind_of(input.text()) == TopicKind::kFetch, "a request is one by its topic");
  require_inside(read->request_id, input);
  if (!read->piece) return;
  require(read->piece->length >= 1 && read->piece->length <= kPieceMax, "a piece has its bounds");
  const auto written = write_fetch_topic(read->request_id, *read->piece, g_room);
  require(written && written->size() <= kTopicMax, "what was read can be written");
  const auto again = parse_fetch_topic(*written);
  require(again && again->piece && again->request_id == read->request_id && again->piece->id == read->piece->id &&
              again->piece->at == read->piece->at && again->piece->length == read->piece->length,
          "a request reads back the same");
}

void check_answer(ByteView input) {
  const auto read = parse_answer_topic(input.text());
  if (!read) return;
  require(kind_of(input.text()) == TopicKind::kAnswer, "an answer is one by its topic");
  require_inside(read->request_id, input);
  const auto written = write_answer_topic(*read, g_room);
  require(written.has_value(), "what was read can be written");
  const auto again = parse_answer_topic(*written);
  require(again && again->status == read->status && again->request_id == read->request_id &&
              again->retry_after_s == read->retry_after_s,
          "an answer's topic reads back the same");
}

void check_offer(ByteView input) {
  if (const auto read = parse_offer(input.text())) {
    const auto written = write_offer(*read, g_room);
    require(written.has_value(), "what was read can be written");
    const auto again = parse_offer(*written);
    require(again && again->id == read->id && again->size == read->size, "an offer reads back the same");
  }
  if (const auto read = parse_withdrawal(input.text())) {
    const auto written = write_withdrawal(*read, g_room);
    require(written.has_value(), "what was read can be written");
    const auto again = parse_withdrawal(*written);
    require(again && *again == *read, "a withdrawal reads back the same");
  }
}

void check_report(ByteView input) {
  const auto read = parse_report(input.text());
  if (!read) return;
  for (const auto part : {read->report, read->reason, read->version, read->board}) require_inside(part, input);
  const auto written = write_report(*read, g_room);
  require(written && written->size() <= kReportMax, "what was read can be written");
  const auto again = parse_report(*written);
  require(again && again->report == read->report && again->reason == read->reason && again->version == read->version &&
              again->board == read->board && again->pins == read->pins && again->revocations == read->revocations &&
              again->id == read->id && again->image == read->image,
          "a report reads back the same");
  note_good();
}

}  // namespace

LATCHKEY_FUZZ_TARGET(firmware) {
  check_fetch(input);
  check_answer(input);
  check_offer(input);
  check_report(input);
}

}  // namespace latchkey::fuzz
