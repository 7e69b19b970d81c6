// SPDX-License-Identifier: Apache-2.0
#include "hub/session/internal/property_bag.h"

#include "agent/protocol/hub.h"

namespace latchkey::hub::session {
namespace {

std::string url_encoded(std::string_view text) {
  std::string encoded(text.size() * 3, '\0');
  const auto written = agent::TextWriter(MutableBytes(reinterpret_cast<std::uint8_t*>(encoded.data()), encoded.size()))
                           .put_url_encoded(text)
                           .finish();
  return written ? std::string(*written) : std::string();
}

}  // namespace

std::string devicebound_topic(std::string_view device_id, std::string_view bag) {
  return "devices/" + std::string(device_id) + "/messages/devicebound/" + std::string(bag);
}

std::string devicebound_filter(std::string_view device_id) { return devicebound_topic(device_id, "#"); }

std::string property_bag(const std::map<std::string, std::string>& properties) {
  std::string bag;
  for (const auto& [key, value] : properties) {
    if (!bag.empty()) bag += '&';
    bag += url_encoded(key) + '=' + url_encoded(value);
  }
  return bag;
}

}  // namespace latchkey::hub::session
