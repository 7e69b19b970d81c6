// SPDX-License-Identifier: Apache-2.0
#include "hub/app/endpoints/hub_endpoints.h"

#include <algorithm>
#include <utility>

namespace latchkey::hub::app {

HubEndpoints::List HubEndpoints::all() const {
  const std::lock_guard lock(mutex_);
  return list_;
}

std::shared_ptr<HubEndpoint> HubEndpoints::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(list_.begin(), list_.end(), [&](const auto& hub) { return hub->name() == name; });
  return found == list_.end() ? nullptr : *found;
}

std::shared_ptr<HubEndpoint> HubEndpoints::led_by(const std::string& broker) const {
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(list_.begin(), list_.end(), [&](const auto& hub) { return hub->gates().front()->name() == broker; });
  return found == list_.end() ? nullptr : *found;
}

void HubEndpoints::add(std::shared_ptr<HubEndpoint> hub) {
  const std::lock_guard lock(mutex_);
  for (const auto& gate : hub->gates()) {
    gate->feeder().set_clock(clock_);
    if (by_leases_) gate->feeder().need_lease();
    if (granted_.second != 0) gate->feeder().grant(granted_.first, granted_.second);
  }
  list_.push_back(std::move(hub));
}

void HubEndpoints::remove(const HubEndpoint& hub) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(list_.begin(), list_.end(), [&](const auto& one) { return one.get() == &hub; });
  if (found == list_.end()) return;
  retired_.push_back(std::move(*found));
  list_.erase(found);
}

bool HubEndpoints::adopted() const {
  const std::lock_guard lock(mutex_);
  return std::any_of(list_.begin(), list_.end(), [](const auto& hub) {
    return std::any_of(hub->gates().begin(), hub->gates().end(), [](const auto& gate) { return gate->adopted(); });
  });
}

void HubEndpoints::committed(registry::Sequence newest) const {
  const std::lock_guard lock(mutex_);
  for (const auto& hub : list_) {
    for (const auto& gate : hub->gates()) gate->feeder().committed(newest);
  }
}

void HubEndpoints::set_clock(const wire::ClockSet& clock) {
  const std::lock_guard lock(mutex_);
  clock_ = clock;
  for (const auto& hub : list_) {
    for (const auto& gate : hub->gates()) gate->feeder().set_clock(clock);
  }
}

void HubEndpoints::need_leases() {
  const std::lock_guard lock(mutex_);
  by_leases_ = true;
}

void HubEndpoints::grant(registry::Sequence sequence, std::uint64_t until_boot_ms) {
  const std::lock_guard lock(mutex_);
  granted_ = {sequence, until_boot_ms};
  for (const auto& hub : list_) {
    for (const auto& gate : hub->gates()) gate->feeder().grant(sequence, until_boot_ms);
  }
}

void HubEndpoints::drop_grants() {
  const std::lock_guard lock(mutex_);
  granted_ = {};
  for (const auto& hub : list_) {
    for (const auto& gate : hub->gates()) gate->feeder().drop_grants();
  }
}

}  // namespace latchkey::hub::app
