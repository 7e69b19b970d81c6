// SPDX-License-Identifier: Apache-2.0
// The hubs of this process as an operator creates and deletes them: each a row of the registry and, for as long as this
// process runs, an endpoint with a broker of its own at an address of its own.
//
// The registry is the truth. A hub is there once its row is; a process that dies in the middle of an act leaves a row
// without a broker, or a broker without a row, and the next start puts either right.
//
// Threads: create(), remove() and reconcile() from any thread, one act at a time. The others belong to whoever starts
// the process.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "hub/app/endpoints/hub_endpoints.h"
#include "hub/management/management.h"

namespace latchkey::hub::app {

class HubFleet final : public management::HubActs {
 public:
  // An endpoint for that hub, ready to be started. kStorage, kInvalidArgument.
  using Maker = std::function<registry::Outcome<std::shared_ptr<HubEndpoint>>(const registry::Hub& hub)>;
  struct Options {
    std::string first;           // the hub that `latchkey up` names by --hub: it cannot be deleted
    std::size_t brokers = 1;     // of the first hub
    bool front = false;          // before those
    Address dps;                 // an address that no hub can have
    std::function<void()> told;  // after each hub that came or went
    int ready_timeout_ms = 30'000;
  };
  // All outlive this object.
  HubFleet(registry::Registry& registry, const DataFolder& folder, HubEndpoints& hubs, Maker maker, Options options)
      : registry_(registry), folder_(folder), hubs_(hubs), maker_(std::move(maker)), options_(std::move(options)) {}

  // Ends brokers of hubs that are gone, and makes an endpoint for every hub.
  registry::Outcome<registry::Nothing> make_all();
  // One that cannot be started is said on standard error, and the others go on: it can be deleted then. Without the
  // first hub there is nothing to go on with.
  registry::Outcome<registry::Nothing> start();
  registry::Outcome<registry::Nothing> wait_ready(const std::stop_token& end);
  // The registry has other hubs now: ends the brokers of those that are gone, and serves those that have come. One that
  // cannot be served is said on standard error, as at a start.
  registry::Outcome<registry::Nothing> reconcile();
  // Ends the wait of a create() that is under way.
  void stop() { ending_.request_stop(); }

  registry::Outcome<registry::Hub> create(const registry::Call& call, registry::NewHub hub) override;
  registry::Outcome<registry::Nothing> remove(const registry::Call& call, const std::string& name) override;

  // What the files of a hub's broker go by: short, because the path of a Unix socket is.
  static std::string files_of(const registry::Hub& hub, const std::string& first);

 private:
  registry::Outcome<registry::Nothing> choose_address(registry::NewHub& hub) const;
  registry::Outcome<registry::Nothing> bring_up(const registry::Hub& hub);
  void take_down(HubEndpoint& hub);
  void end_strangers(const std::vector<registry::Hub>& known) const;
  void remove_files(const std::string& files) const;
  registry::Outcome<registry::Nothing> go_on_without(const HubEndpoint& hub,
                                                     const registry::Outcome<registry::Nothing>& outcome) const;

  registry::Registry& registry_;
  const DataFolder& folder_;
  HubEndpoints& hubs_;
  const Maker maker_;
  const Options options_;
  std::stop_source ending_;
  std::mutex acts_;
};

}  // namespace latchkey::hub::app
