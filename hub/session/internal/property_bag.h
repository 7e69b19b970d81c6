// SPDX-License-Identifier: Apache-2.0
// The properties of a cloud-to-device message as they end its topic: key=value, joined by &, url-encoded (RFC 3986
// section 2.1); system properties are named "$.mid" and the like.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace latchkey::hub::session {

std::string devicebound_topic(std::string_view device_id, std::string_view bag);
// The filter that covers a device's messages.
std::string devicebound_filter(std::string_view device_id);
std::string property_bag(const std::map<std::string, std::string>& properties);

}  // namespace latchkey::hub::session
