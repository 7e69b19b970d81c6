// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/several_hubs.h"

#include <signal.h>

namespace latchkey::tests {

using nlohmann::json;

namespace {

// The whole record: numbers begin anew with each broker.
json newest_decision(Hub& hub, const std::string& name, const std::string& id) {
  for (auto& decision : rows(hub.json({"decisions", "list", "--device", id, "--limit", "20"}))) {
    if (decision.at("endpoint") == name) return std::move(decision);
  }
  return json::object();
}

}  // namespace

json gate_of(Hub& hub, const std::string& name) {
  const auto status = hub.json({"status"});
  for (const auto& gate : status.at("gates")) {
    if (gate.at("endpoint") == name) return gate;
  }
  return json::object();
}

pid_t broker_of(Hub& hub, const std::string& name) { return gate_of(hub, name).value("brokerPid", -1); }

std::string address_of(Hub& hub, const std::string& name) {
  return hub.json({"hub", "show", "-n", name}).at("properties").at("listen");
}

DeviceClient::Options options_at(Hub& hub, const std::string& name, const std::string& id, const Identity& identity) {
  auto options = hub.hub_options(id, identity);
  const auto address = address_of(hub, name);
  const auto colon = address.rfind(':');
  options.host = address.substr(0, colon);
  options.port = std::stoi(address.substr(colon + 1));
  return options;
}

std::string seen_at(Hub& hub, const std::string& name, const std::string& id, const Identity& identity) {
  const auto before = newest_decision(hub, name, id);
  const auto seen = DeviceClient(options_at(hub, name, id, identity)).connect();
  std::string reason = "nothing on record";
  eventually([&] {
    const auto newest = newest_decision(hub, name, id);
    if (newest != before) reason = newest.at("reason");
    return newest != before;
  });
  const bool fits = seen.seen == (reason == "accepted" ? Seen::kAccepted : Seen::kRefused);
  return fits ? reason : reason + ", but the device saw " + seen.text();
}

std::unique_ptr<DeviceClient> session_at(Hub& hub, const std::string& name, const std::string& id,
                                         const Identity& identity) {
  auto client = std::make_unique<DeviceClient>(options_at(hub, name, id, identity));
  if (const auto seen = client->connect(); seen.seen != Seen::kAccepted) throw std::runtime_error(seen.text());
  return client;
}

std::vector<std::string> certificates_at(Hub& hub, const std::string& name, const std::string& subject) {
  std::vector<std::string> names;
  for (const auto& one : rows(hub.json({"hub", "certificate", "list", "--hub", name}))) {
    if (one.at("properties").at("subject") == subject) names.push_back(one.at("name"));
  }
  return names;
}

bool pause_process(pid_t process) { return process > 1 && ::kill(process, SIGSTOP) == 0; }

}  // namespace latchkey::tests
