// SPDX-License-Identifier: Apache-2.0
#include "hub/app/endpoints/inbox.h"

#include <utility>

namespace latchkey::hub::app {

void Inbox::receive(std::string_view topic, ByteView payload) {
  if (topic == wire::kOpenedTopic) {
    auto opened = wire::decode_opened(payload);
    if (!opened || !handlers_.opened) return;
    post(opened->connection, [this, one = std::move(*opened)] { handlers_.opened(one); });
  } else if (topic == wire::kClosedTopic) {
    const auto closed = wire::decode_closed(payload);
    if (!closed || !handlers_.closed) return;
    for (const auto connection : closed->connections)
      post(connection, [this, connection] { handlers_.closed(connection); });
  } else if (topic == wire::kSubscribedTopic) {
    auto subscribed = wire::decode_subscribed(payload);
    if (!subscribed || !handlers_.subscribed) return;
    post(subscribed->connection, [this, one = std::move(*subscribed)] { handlers_.subscribed(one); });
  } else if (topic == wire::kResumedTopic) {
    auto resumed = wire::decode_resumed(payload);
    if (!resumed || !handlers_.resumed) return;
    post(resumed->connection, [this, one = std::move(*resumed)] { handlers_.resumed(one); });
  } else if (topic == wire::kDeliveredTopic) {
    auto delivered = wire::decode_delivered(payload);
    if (!delivered || !handlers_.delivered) return;
    post(delivered->connection, [this, one = std::move(*delivered)] { handlers_.delivered(one); });
  } else if (topic == wire::kDecisionsTopic) {
    if (auto decided = wire::decode_decisions(payload)) decisions_.add(gate_, std::move(*decided));
  } else if (const auto request = wire::parse_request_topic(topic); request && handlers_.request) {
    post(request->connection,
         [this, id = request->connection, device_topic = std::string(request->device_topic),
          body = wire::Bytes(payload.begin(), payload.end())] { handlers_.request(id, device_topic, body); });
  }
}

}  // namespace latchkey::hub::app
