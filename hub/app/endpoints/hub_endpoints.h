// SPDX-License-Identifier: Apache-2.0
// The hub endpoints of this process. Hubs come and go while others look at them, so whoever looks takes a list, and
// what is on it stays whole for as long as the list is held.
//
// Threads: all functions from any thread; none blocks.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "hub/app/endpoints/hub_endpoint.h"

namespace latchkey::hub::app {

class HubEndpoints {
 public:
  using List = std::vector<std::shared_ptr<HubEndpoint>>;

  // In the order in which they were added.
  List all() const;
  std::shared_ptr<HubEndpoint> find(const std::string& name) const;  // nullptr: none of that name

  // The hub whose first broker goes by that name: numbers of a hub that are told by broker stand with that one.
  std::shared_ptr<HubEndpoint> led_by(const std::string& broker) const;

  // Before it is started: from here on it hears what is committed, goes by the clock, and is waited for.
  void add(std::shared_ptr<HubEndpoint> hub);
  // Nobody finds it any more. Jobs of its devices may be queued still: it lives until the last endpoint does.
  void remove(const HubEndpoint& hub);

  // Whether any broker has been there since before this process.
  bool adopted() const;

  void committed(registry::Sequence newest) const;
  void set_clock(const wire::ClockSet& clock);  // also of those that are added later

  // Before any is added: gates serve by leases alone (link::Feeder::need_lease).
  void need_leases();
  // For all gates, and those that are added later.
  void grant(registry::Sequence sequence, std::uint64_t until_boot_ms);
  void drop_grants();

 private:
  mutable std::mutex mutex_;  // guards the rest
  List list_;
  List retired_;
  wire::ClockSet clock_;
  bool by_leases_ = false;
  std::pair<registry::Sequence, std::uint64_t> granted_{};  // last; nothing behind a drop
};

}  // namespace latchkey::hub::app
