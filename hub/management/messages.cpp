// SPDX-License-Identifier: Apache-2.0
// Cloud-to-device messages.
#include <nlohmann/json.hpp>

#include "hub/management/internal/handlers.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/text.h"

namespace latchkey::hub::management {

using registry::Reason;

namespace {

constexpr std::size_t kPayloadLimit = 64 * 1024;  // of the real service, for cloud-to-device messages
constexpr std::size_t kPropertiesLimit = 64;

}  // namespace

Answer<Response> send_message(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  const auto text = root.text("message");
  const auto encoded = root.text("messageBase64");
  const auto properties = root.text_map("properties");
  if (properties.size() > kPropertiesLimit) {
    root.refuse(Reason::kInvalidArgument, "has more than " + std::to_string(kPropertiesLimit) + " members",
                "properties");
  }
  LATCHKEY_TRY_VOID(reader->finish());
  if (text.has_value() == encoded.has_value()) {
    return fault(Reason::kMalformedRequest, "'message' or 'messageBase64' must be given, and not both", "message");
  }
  registry::Bytes payload;
  if (encoded) {
    LATCHKEY_TRY(bytes, from_base64(*encoded, "messageBase64"));
    payload = std::move(bytes);
  } else {
    payload.assign(text->begin(), text->end());
  }
  if (payload.size() > kPayloadLimit) {
    return fault(Reason::kInvalidArgument, "the message is larger than " + std::to_string(kPayloadLimit) + " bytes",
                 "message");
  }
  LATCHKEY_TRY(device, context.registry().find_device(context.names[0], context.names[1]));
  LATCHKEY_TRY_VOID(context.parts.messages.send(context.names[0], device.id, properties, payload));
  return no_content();
}

}  // namespace latchkey::hub::management
