// SPDX-License-Identifier: Apache-2.0
// What a request says of a device's identity at a hub.
#pragma once

#include <string>

#include "hub/management/internal/device_body.h"

namespace latchkey::hub::management {

// The namespace that the request asks for; "default" when it says nothing.
std::string namespace_of(const Context& context);

// The body, which speaks of the device that the path names. kMalformedRequest, kInvalidArgument.
Answer<DeviceBody> read_identity(const Context& context);

}  // namespace latchkey::hub::management
