// SPDX-License-Identifier: Apache-2.0
// The answer that the gate itself gives to a request that the hub process cannot take now: 429, in the form of the
// service that was asked.
#pragma once

#include <cstdint>
#include <string>

#include "hub/gate/topics.h"
#include "platform/base/ids.h"

namespace latchkey::hub::gate {

struct Answer429 {
  std::string topic;
  std::string body;
};
// `request` is kRegister, kPoll, kIssue, kTwin or kFirmwarePiece, whose answer has no body. `tracking` goes into the
// body, to be found again in a log.
Answer429 too_many_requests(const PublishTopic& request, std::uint64_t tracking, UnixMs now);

}  // namespace latchkey::hub::gate
