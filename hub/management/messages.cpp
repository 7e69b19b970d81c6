// SPDX-License-Identifier: Apache-2.0
// Cloud-to-device messages: sending, and the queue of a device.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "hub/management/internal/handlers.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/shapes.h"
#include "hub/management/internal/text.h"
#include "hub/text/time.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

constexpr std::size_t kPayloadLimit = 64 * 1024;  // of the real service, for cloud-to-device messages
constexpr std::size_t kPropertiesLimit = 64;
constexpr std::size_t kIdLimit = 128;

bool printable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

void read_id(Fields& root, Messages::Outgoing& message) {
  const auto id = root.text("messageId");
  if (!id) return;
  if (id->empty() || id->size() > kIdLimit || !printable(*id)) {
    root.refuse(Reason::kInvalidArgument, "must have 1 to 128 printable ASCII characters and no space", "messageId");
  }
  message.id = *id;
}

void read_life(Fields& root, Messages::Outgoing& message) {
  const auto seconds = root.integer("timeToLiveSeconds");
  if (!seconds) return;
  constexpr std::int64_t kMost = registry::kMostMessageMs / 1000;
  if (*seconds < 1 || *seconds > kMost) {
    return root.refuse(Reason::kInvalidArgument, "must be from 1 to " + std::to_string(kMost), "timeToLiveSeconds");
  }
  message.live_ms = *seconds * 1000;
}

json message_json(const registry::Message& message) {
  return {{"messageId", message.id},
          {"state", message.connection == 0 ? "Enqueued" : "Sent"},
          {"size", message.size},
          {"deliveryCount", message.deliveries},
          {"enqueuedTimeUtc", text::iso8601(message.enqueued)},
          {"expiryTimeUtc", text::iso8601(message.expires)}};
}

}  // namespace

Answer<Response> send_message(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  const auto text = root.text("message");
  const auto encoded = root.text("messageBase64");
  Messages::Outgoing message;
  message.properties = root.text_map("properties");
  if (message.properties.size() > kPropertiesLimit) {
    root.refuse(Reason::kInvalidArgument, "has more than " + std::to_string(kPropertiesLimit) + " members",
                "properties");
  }
  read_id(root, message);
  read_life(root, message);
  LATCHKEY_TRY_VOID(reader->finish());
  if (text.has_value() == encoded.has_value()) {
    return fault(Reason::kMalformedRequest, "'message' or 'messageBase64' must be given, and not both", "message");
  }
  if (encoded) {
    LATCHKEY_TRY(bytes, from_base64(*encoded, "messageBase64"));
    message.payload = std::move(bytes);
  } else {
    message.payload.assign(text->begin(), text->end());
  }
  if (message.payload.size() > kPayloadLimit) {
    return fault(Reason::kInvalidArgument, "the message is larger than " + std::to_string(kPayloadLimit) + " bytes",
                 "message");
  }
  LATCHKEY_TRY(device, context.registry().find_device(context.names[0], context.names[1]));
  LATCHKEY_TRY_VOID(context.parts.messages.send(context.call, context.names[0], device.id, message));
  return no_content();
}

Answer<Response> list_messages(const Context& context) {
  LATCHKEY_TRY(messages, context.registry().list_messages(context.names[0], context.names[1], context.call.now));
  json value = json::array();
  for (const auto& message : messages) value.push_back(message_json(message));
  return answer(200, list_json(std::move(value)));
}

// As the service API answers it.
Answer<Response> purge_messages(const Context& context) {
  LATCHKEY_TRY(purged, context.registry().purge_messages(context.call, context.names[0], context.names[1]));
  return answer(200, {{"deviceId", context.names[1]}, {"totalMessagesPurged", purged.value}});
}

}  // namespace latchkey::hub::management
