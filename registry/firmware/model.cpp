// SPDX-License-Identifier: Apache-2.0
#include "registry/firmware/model.h"

#include <algorithm>
#include <array>

namespace latchkey::registry::firmware {
namespace {

constexpr std::array<std::string_view, kEventLimit> kEvents = {"",          "hello",     "fetching",  "refused",
                                                               "ready",     "confirmed", "reverted",  "revoked",
                                                               "goingBack", "noWayBack", "withdrawn", "upToDate"};

// FNV-1a.
std::uint64_t hash(std::uint64_t value, ByteView bytes) {
  for (const std::uint8_t byte : bytes) value = (value ^ byte) * 0x100000001b3;
  return value;
}

// Every bit of the result hangs on every bit of the argument (the finalizer of MurmurHash3).
std::uint64_t stirred(std::uint64_t value) {
  value = (value ^ value >> 33U) * 0xff51afd7ed558ccd;
  value = (value ^ value >> 33U) * 0xc4ceb9fe1a85ec53;
  return value ^ value >> 33U;
}

}  // namespace

std::string_view to_string(CampaignState state) { return state == CampaignState::kActive ? "active" : "withdrawn"; }

int place_in(const Campaign& campaign, std::string_view device_id) {
  const std::uint64_t value = stirred(hash(hash(0xcbf29ce484222325, campaign.bundle), ByteView(device_id)));
  return static_cast<int>((value >> 32U) * 100 >> 32U);
}

bool is_for(const Campaign& campaign, const Device& device) {
  if (campaign.namespace_uuid != device.namespace_uuid) return false;
  if (campaign.policy) return device.policy == campaign.policy;
  return std::find(campaign.devices.begin(), campaign.devices.end(), device.id) != campaign.devices.end();
}

bool reaches(const Campaign& campaign, const Device& device) {
  return is_for(campaign, device) && place_in(campaign, device.id) < campaign.percent;
}

std::string_view to_string(Event event) { return kEvents[static_cast<std::size_t>(event)]; }

std::optional<Event> parse_event(std::string_view text) {
  const auto* found = std::find(kEvents.begin() + 1, kEvents.end(), text);
  if (found == kEvents.end()) return std::nullopt;
  return static_cast<Event>(found - kEvents.begin());
}

}  // namespace latchkey::registry::firmware
