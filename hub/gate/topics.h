// SPDX-License-Identifier: Apache-2.0
// Which topics a device may touch: everything else is denied. Pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "hub/gate/options.h"

namespace latchkey::hub::gate {

enum class Publish : std::uint8_t {
  kDenied,     // swallowed
  kClose,      // DPS: any topic but the two requests ends the connection
  kTelemetry,  // goes to the hub process, nothing comes back
  kMethod,     // a direct method's answer: likewise
  kRegister,   // DPS requests: each has one answer
  kPoll,
  kIssue,           // renewal
  kTwin,            // reading the twin, reporting properties
  kFirmwareReport,  // as telemetry: nothing comes back
  kFirmwarePiece,   // a request for a piece of a bundle
};
struct PublishTopic {
  Publish kind = Publish::kDenied;
  std::string_view request_id;  // of requests
};
PublishTopic classify_publish(Endpoint endpoint, std::string_view device_id, std::string_view topic);

// A filter that this device may subscribe to, literally: no wider one, no shared subscription.
bool may_subscribe(Endpoint endpoint, std::string_view device_id, std::string_view filter);
// A topic that the hub process may have sent to this device: what a resumed session may be given again.
bool may_read(Endpoint endpoint, std::string_view device_id, std::string_view topic);

// A cloud-to-device message for that device.
bool is_devicebound(std::string_view device_id, std::string_view topic);

// True for topics on which requests are answered.
bool is_answer(std::string_view topic);

// MQTT 3.1.1 section 4.7. `filter` may end in `/#`; single-level wildcards are never granted, so never matched.
bool matches(std::string_view filter, std::string_view topic);

}  // namespace latchkey::hub::gate
