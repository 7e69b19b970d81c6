// SPDX-License-Identifier: Apache-2.0
#include "hub/wire/firmware.h"

namespace latchkey::hub::wire {
namespace {

constexpr std::string_view kPiece = "$iothub/latchkey/firmware/GET/?";
constexpr std::string_view kAnswer = "$iothub/latchkey/firmware/res/";

}  // namespace

std::optional<std::string_view> piece_query(std::string_view topic) {
  if (topic.substr(0, kPiece.size()) != kPiece) return std::nullopt;
  return topic.substr(kPiece.size());
}

std::string piece_answer_topic(int status, std::string_view request_id, std::uint32_t retry_after_s) {
  std::string topic(kAnswer);
  topic += std::to_string(status) + "/?$rid=";
  topic += request_id;
  if (retry_after_s > 0) topic += "&retry-after=" + std::to_string(retry_after_s);
  return topic;
}

bool is_piece_answer(std::string_view topic) { return topic.substr(0, kAnswer.size()) == kAnswer; }

}  // namespace latchkey::hub::wire
