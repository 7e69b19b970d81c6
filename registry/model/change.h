// SPDX-License-Identifier: Apache-2.0
// The change feed: what gates, other hub nodes and the web page follow. Every committed mutation that matters to a
// verdict has a number; numbers follow commit order and have no gaps for a follower that reads in order.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "registry/model/resources.h"

namespace latchkey::registry {

using Sequence = std::uint64_t;

// A device as the gate has to know it.
struct DeviceState {
  Uuid namespace_uuid;
  std::string id;
  Uuid uuid;
  CredentialId credential_id;
  bool enabled = true;
  std::uint16_t policy_number = 0;  // 0: none
};

struct DeviceGone {
  Uuid namespace_uuid;
  std::string id;
};

// A hub trusts this CA from now on.
struct AnchorAdded {
  Uuid hub;
  Uuid ca;
  Bytes der;
};

struct AnchorGone {
  Uuid hub;
  Uuid ca;
};

using ChangeBody = std::variant<DeviceState, DeviceGone, AnchorAdded, AnchorGone>;

struct Change {
  Sequence sequence = 0;
  ChangeBody body;
};

}  // namespace latchkey::registry
