// SPDX-License-Identifier: Apache-2.0
#include "hub/app/endpoints/hub_fleet.h"

#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "hub/app/base/status_options.h"
#include "hub/app/endpoints/dps_endpoint.h"

namespace latchkey::hub::app {
namespace {

using registry::Hub;
using registry::NewHub;
using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

// Device SDKs know port 8883 only, so a hub needs an address of its own: 127.0.0.1 is the DPS endpoint's and 127.0.0.2
// the first hub's by default.
Outcome<Address> free_loopback(const std::set<std::string>& taken) {
  for (int last = 3; last < 255; ++last) {
    const Address address{"127.0.0." + std::to_string(last)};
    if (taken.count(address.host) == 0 && is_free(address)) return address;
  }
  return refuse(Reason::kInvalidArgument, "no loopback address has port 8883 free: give one with a port to listen at");
}

Outcome<Address> free_at(const std::string& listen) {
  LATCHKEY_TRY(wanted, parse_address(listen));
  LATCHKEY_TRY(address, choose_port(std::move(wanted)));
  if (is_free(address)) return address;
  return refuse(Reason::kInvalidArgument, "the address " + address.text() + " is in use, or not ours to use");
}

bool same_name(const std::string& a, const std::string& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

std::string HubFleet::files_of(const Hub& hub, const std::string& first) {
  constexpr std::size_t kDigits = 8;
  return hub.name == first ? first : "hub-" + std::string(view(to_text(hub.uuid)).substr(0, kDigits));
}

Outcome<Nothing> HubFleet::make_all() {
  LATCHKEY_TRY(hubs, registry_.list_hubs());
  end_strangers(hubs);
  // The first hub first: its endpoint is the one without which nothing goes on.
  std::stable_partition(hubs.begin(), hubs.end(), [&](const Hub& hub) { return hub.name == options_.first; });
  for (const auto& hub : hubs) {
    LATCHKEY_TRY(endpoint, maker_(hub));
    hubs_.add(std::move(endpoint));
  }
  return Nothing{};
}

// Brokers outlive a hub process that dies, also one that dies between a hub's deletion and the end of its broker.
void HubFleet::end_strangers(const std::vector<Hub>& known) const {
  std::set<std::string> files{kDpsGate};
  for (const auto& hub : known) {
    const auto count = hub.name == options_.first ? options_.brokers : 1;
    const auto stem = files_of(hub, options_.first);
    for (std::size_t i = 0; i < count; ++i) files.insert(HubEndpoint::broker_files(stem, i, count));
  }
  if (options_.front) files.insert(kFrontFiles);
  std::error_code ignored;
  std::vector<std::string> strangers;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.brokers(), ignored)) {
    const auto stem = entry.path().stem().string();
    if (entry.path().extension() == ".pid" && files.count(stem) == 0) strangers.push_back(stem);
  }
  for (const auto& stranger : strangers) {
    if (stranger == kFrontFiles) {
      Front::end_left_behind(folder_);
    } else {
      Gate::end_left_behind(folder_, stranger);
    }
    remove_files(stranger);
  }
}

// Nothing is kept of a hub that is gone: its broker's folder holds a private key.
void HubFleet::remove_files(const std::string& files) const {
  std::error_code ignored;
  for (const auto* suffix : {".pid", ".conf", ".log", ".log.1"}) {
    std::filesystem::remove(folder_.brokers() / (files + suffix), ignored);
  }
  for (const auto* suffix : {".pem", ".key"}) std::filesystem::remove(folder_.tls() / (files + suffix), ignored);
  std::filesystem::remove_all(folder_.brokers() / files, ignored);
}

Outcome<Nothing> HubFleet::go_on_without(const HubEndpoint& hub, const Outcome<Nothing>& outcome) const {
  if (outcome || hub.name() == options_.first) return outcome;
  (void)::dprintf(STDERR_FILENO, "latchkey: hub '%s' is not served: %s\n", hub.name().c_str(),
                  outcome.error().detail.c_str());
  return Nothing{};
}

Outcome<Nothing> HubFleet::start() {
  for (const auto& hub : hubs_.all()) LATCHKEY_TRY_VOID(go_on_without(*hub, hub->start()));
  return Nothing{};
}

Outcome<Nothing> HubFleet::wait_ready(const std::stop_token& end) {
  for (const auto& hub : hubs_.all()) {
    LATCHKEY_TRY_VOID(go_on_without(*hub, hub->wait_ready(options_.ready_timeout_ms, end)));
  }
  return Nothing{};
}

Outcome<Nothing> HubFleet::choose_address(NewHub& hub) const {
  LATCHKEY_TRY(present, registry_.list_hubs());
  std::set<std::string> hosts{options_.dps.host};
  for (const auto& one : present) {
    if (const auto address = parse_address(one.listen)) hosts.insert(address->host);
  }
  LATCHKEY_TRY(address, hub.listen.empty() ? free_loopback(hosts) : free_at(hub.listen));
  hub.listen = host_and_port(address);
  hub.host = address.device_text();
  const auto taken =
      std::find_if(present.begin(), present.end(), [&](const Hub& one) { return one.listen == hub.listen; });
  if (taken == present.end()) return Nothing{};
  return refuse(Reason::kInvalidArgument, "hub '" + taken->name + "' listens at " + hub.listen);
}

Outcome<Hub> HubFleet::create(const registry::Call& call, NewHub hub) {
  if (same_name(hub.name, kDpsGate)) {
    return refuse(Reason::kInvalidName, "'" + hub.name + "' is what the provisioning endpoint goes by");
  }
  const std::lock_guard lock(acts_);
  LATCHKEY_TRY_VOID(choose_address(hub));
  LATCHKEY_TRY(created, registry_.create_hub(call, hub));
  const auto up = bring_up(created.value);
  if (ending_.stop_requested()) {
    return refuse(Reason::kShuttingDown, "the hub was created, and will be served from the next start on");
  }
  if (!up) {
    (void)registry_.delete_hub(call, hub.name);  // else it is tried again at each start
    return fail(up.error());
  }
  if (options_.told) options_.told();
  return created.value;
}

Outcome<Nothing> HubFleet::bring_up(const Hub& hub) {
  LATCHKEY_TRY(endpoint, maker_(hub));
  hubs_.add(endpoint);
  auto up = endpoint->start();
  if (up) up = endpoint->wait_ready(options_.ready_timeout_ms, ending_.get_token());
  if (!up) take_down(*endpoint);
  return up;
}

Outcome<Nothing> HubFleet::remove(const registry::Call& call, const std::string& name) {
  const std::lock_guard lock(acts_);
  if (same_name(name, options_.first)) {
    return refuse(Reason::kPreconditionFailed,
                  "hub '" + name + "' is the one that every start brings up: it cannot be deleted");
  }
  LATCHKEY_TRY(hub, registry_.find_hub(name));
  LATCHKEY_TRY_VOID(registry_.delete_hub(call, name));
  if (const auto endpoint = hubs_.find(hub.name)) take_down(*endpoint);
  if (options_.told) options_.told();
  return Nothing{};
}

Outcome<Nothing> HubFleet::reconcile() {
  const std::lock_guard lock(acts_);
  LATCHKEY_TRY(rows, registry_.list_hubs());
  // One that was deleted and created again is another: its files go by another name.
  const auto is_of = [this](const HubEndpoint& hub, const Hub& row) {
    return hub.name() == row.name && hub.files() == files_of(row, options_.first);
  };
  for (const auto& hub : hubs_.all()) {
    if (std::none_of(rows.begin(), rows.end(), [&](const Hub& row) { return is_of(*hub, row); })) take_down(*hub);
  }
  for (const auto& row : rows) {
    if (hubs_.find(row.name) != nullptr) continue;
    LATCHKEY_TRY(hub, maker_(row));
    hubs_.add(hub);
    auto up = hub->start();
    if (up) up = hub->wait_ready(options_.ready_timeout_ms, ending_.get_token());
    LATCHKEY_TRY_VOID(go_on_without(*hub, up));
  }
  if (options_.told) options_.told();
  return Nothing{};
}

// Its sessions end with its broker, and nobody waits for it any more.
void HubFleet::take_down(HubEndpoint& hub) {
  hub.stop_waiting();
  hub.end();
  hubs_.remove(hub);
  for (const auto& gate : hub.gates()) remove_files(gate->files());
  remove_files(hub.files());  // its certificate is not its brokers', when there are several
}

}  // namespace latchkey::hub::app
