// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/gate_plan.h"

#include <utility>

#include "hub/app/endpoints/dps_endpoint.h"
#include "hub/app/endpoints/hub_endpoint.h"
#include "hub/app/endpoints/hub_fleet.h"
#include "hub/app/process/bootstrap.h"

namespace latchkey::hub::app {
namespace {

using registry::Outcome;

std::string other_address(const std::string& option) {
  return "choose another address with " + option + " (port 0 takes a free one)";
}

bool is_first(const registry::Hub& hub) { return hub.name == kHubName; }

}  // namespace

Outcome<GatePlan> GatePlan::make(const UpOptions& options, const DataFolder& folder,
                                 const brokers::ServerAuthority* authority) {
  GatePlan plan(options, folder, authority);
  brokers::ServerNames names{{"localhost"}, {options.endpoints.dps.host, options.endpoints.hub.host}};
  for (const auto& address : options.endpoints.more) names.ip.push_back(address.host);
  if (options.https) names.ip.push_back(options.https->host);
  if (options.signing) names.ip.push_back(options.signing->host);
  LATCHKEY_TRY(server, plan.certificate(std::move(names), "server"));
  plan.server_ = std::move(server);
  return plan;
}

// With what devices may call any of the endpoints, behind a balancer too.
Outcome<brokers::ServerCertificateFiles> GatePlan::certificate(brokers::ServerNames names,
                                                               const std::string& stem) const {
  auto more = options_.server_names;
  if (options_.advertise) more.push_back(options_.advertise->host);
  for (auto& name : more) (is_host_name(name) ? names.dns : names.ip).push_back(std::move(name));
  return brokers::ensure_server_certificate(folder_.tls(), names, stem, authority_);
}

Gate::Options GatePlan::gate(brokers::Endpoint endpoint, const Address& address) const {
  Gate::Options gate;
  gate.endpoint = endpoint;
  gate.address = address;
  gate.mosquitto = options_.mosquitto;
  gate.plugin = options_.plugin;
  gate.certificate = server_.certificate;
  gate.key = server_.key;
  gate.keep_sessions = options_.keep_sessions && endpoint == brokers::Endpoint::kHub;
  gate.adopt_timeout_ms = options_.confirm_timeout_ms;
  return gate;
}

Gate::Options GatePlan::dps() const {
  auto gate = this->gate(brokers::Endpoint::kDps, options_.endpoints.dps);
  gate.name = kDpsGate;
  gate.advice = other_address("--dps");
  return gate;
}

Outcome<std::vector<Gate::Options>> GatePlan::hub(const registry::Hub& hub, const Address& address,
                                                  registry::Registry& registry) const {
  auto gate = this->gate(brokers::Endpoint::kHub, address);
  gate.name = gate.hub_name = hub.name;
  gate.registry = &registry;
  gate.files = HubFleet::files_of(hub, kHubName);
  if (is_first(hub)) return of_first_hub(gate);
  LATCHKEY_TRY(own, certificate({{"localhost"}, {address.host}}, gate.files));
  gate.certificate = own.certificate;
  gate.key = own.key;
  gate.advice = "delete the hub and create it again at another address";
  return std::vector{std::move(gate)};
}

// One, or as many as were asked for.
std::vector<Gate::Options> GatePlan::of_first_hub(const Gate::Options& gate) const {
  std::vector<Gate::Options> gates;
  for (std::size_t i = 0; i < options_.hub_brokers; ++i) {
    auto& one = gates.emplace_back(gate);
    one.name = HubEndpoint::broker_name(gate.name, i, options_.hub_brokers);
    one.files = HubEndpoint::broker_files(gate.files, i, options_.hub_brokers);
    one.advice = other_address("--hub");
    one.behind_front = options_.proxied();
    if (i > 0 && !options_.endpoints.more.empty()) one.address = options_.endpoints.more[i - 1];
  }
  return gates;
}

std::optional<Front::Options> GatePlan::front(const registry::Hub& hub, const Address& address) const {
  if (!is_first(hub) || !options_.proxied()) return std::nullopt;
  return Front::Options{address, options_.haproxy, {}, other_address("--hub")};
}

}  // namespace latchkey::hub::app
