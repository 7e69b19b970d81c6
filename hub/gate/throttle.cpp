// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/throttle.h"

#include <array>
#include <cstdio>
#include <ctime>

#include "agent/protocol/dps.h"
#include "agent/protocol/hub.h"
#include "hub/wire/firmware.h"
#include "registry/model/refusal.h"

namespace latchkey::hub::gate {
namespace {

constexpr std::uint16_t kStatus = 429;
constexpr std::uint32_t kRetryAfterS = 5;

std::string timestamp(UnixMs now) {
  const std::time_t seconds = static_cast<std::time_t>(now / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return std::string(text, size);
}

std::string body(int error_code, bool with_retry_after, std::uint64_t tracking, UnixMs now) {
  char text[320];
  const std::string retry_after = with_retry_after ? ",\"retryAfter\":" + std::to_string(kRetryAfterS) : "";
  std::snprintf(text, sizeof text,
                "{\"errorCode\":%d,\"trackingId\":\"%016llx\",\"message\":\"Too many requests. Try again later.\","
                "\"timestampUtc\":\"%s\"%s}",
                error_code, static_cast<unsigned long long>(tracking), timestamp(now).c_str(), retry_after.c_str());
  return text;
}

}  // namespace

Answer429 too_many_requests(const PublishTopic& request, std::uint64_t tracking, UnixMs now) {
  if (request.kind == Publish::kFirmwarePiece) {
    return {wire::piece_answer_topic(kStatus, request.request_id, kRetryAfterS), {}};
  }
  std::array<std::uint8_t, 512> buffer{};
  const auto topic_of = [&]() -> Result<std::string_view> {
    if (request.kind == Publish::kIssue) {
      return agent::hub::write_credential_response_topic(kStatus, request.request_id, buffer);
    }
    if (request.kind == Publish::kTwin) {
      return agent::hub::write_twin_response_topic(kStatus, request.request_id, std::nullopt, buffer);
    }
    return agent::dps::write_response_topic(kStatus, request.request_id, kRetryAfterS, buffer);
  };
  const bool hub = request.kind == Publish::kIssue || request.kind == Publish::kTwin;
  const auto& faces = registry::faces(registry::Reason::kThrottled);
  const auto topic = topic_of();
  Answer429 answer;
  if (!topic) return answer;  // a request id that long was refused when it was parsed
  answer.topic = *topic;
  answer.body = body(hub ? faces.hub_error : faces.dps_error, hub, tracking, now);
  return answer;
}

}  // namespace latchkey::hub::gate
