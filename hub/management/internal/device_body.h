// SPDX-License-Identifier: Apache-2.0
// What a request says of a device of the registry (Microsoft.DeviceRegistry/namespaces/devices).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "hub/management/internal/handlers.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::management {

struct DeviceBody {
  registry::Call call;  // with its labels, less `extra`
  registry::DeviceUpdate update;
  // Properties that mean nothing to the registry (manufacturer, attributes, ...), as far as they are given.
  nlohmann::json extra = nlohmann::json::object();

  bool says_something() const {
    return update.enabled || update.policy_name || !extra.empty() || call.labels->tags || call.labels->location;
  }
};

enum class DeviceAct : std::uint8_t { kPut, kPatch };
Answer<DeviceBody> read_device(const Context& context, DeviceAct act);

// Changes the device, and returns when that is in force. Extra properties are merged with those that are there; whoever
// changes them at the same time is waited for. Refusals as of Registry::update_device.
Answer<registry::Device> change_device(const Context& context, const std::string& ns, const std::string& id,
                                       const DeviceBody& body, DeviceAct act);
// As Registry::labels_of wants it.
std::string device_labels_path(const std::string& ns, const std::string& id);
// What begins so among extra properties is a hub's, not the registry device's.
inline constexpr char kHubsOwn = '$';

// Names of extra properties that are given when a device is made and never change.
bool fixed_property(const std::string& name);

}  // namespace latchkey::hub::management
