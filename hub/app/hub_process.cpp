// SPDX-License-Identifier: Apache-2.0
#include "hub/app/hub_process.h"

#include <unistd.h>

#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "hub/app/announcement.h"
#include "hub/app/bootstrap.h"
#include "hub/app/certificates.h"
#include "hub/app/data_folder.h"
#include "hub/app/device_twins.h"
#include "hub/app/dps_endpoint.h"
#include "hub/app/enforcement.h"
#include "hub/app/hub_clock.h"
#include "hub/app/hub_endpoint.h"
#include "hub/app/insight.h"
#include "hub/app/own_root_watch.h"
#include "hub/app/revocation_status.h"
#include "hub/app/workers.h"
#include "hub/brokers/server_certificate.h"
#include "hub/ca/file_key_provider.h"
#include "hub/management/server.h"
#include "platform/openssl/digest.h"

namespace latchkey::hub::app {
namespace {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr std::size_t kLanes = 16;
constexpr std::size_t kSigners = 4;
constexpr int kReadyMs = 30'000;
constexpr int kClockMs = 2'000;

}  // namespace

struct HubProcess::Parts {
  Parts(UpOptions up_options, DataFolder data)
      : options(std::move(up_options)), folder(std::move(data)), clock(options.clock) {}
  ~Parts();

  // The steps of a start, in order.
  Outcome<Nothing> open_registry();
  Outcome<Nothing> open_status();
  Outcome<Nothing> make_endpoints();
  Outcome<Nothing> open_rooms();
  Outcome<Nothing> start_gates();
  Outcome<Nothing> wait_for_gates(const std::stop_token& end);
  Outcome<Nothing> open_management();
  Outcome<Nothing> tell_endpoints() const { return write_endpoints(announcement()); }

  Gate::Options gate_options(brokers::Endpoint endpoint, std::string name, const Address& address) const;
  std::vector<Gate*> hub_gates() const;
  std::vector<Gate*> all_gates() const;
  Announcement announcement() const { return {options, folder, server.ca_certificate}; }

  UpOptions options;
  DataFolder folder;
  HubClock clock;
  brokers::ServerCertificateFiles server;
  DecisionLog decisions;

  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<ca::FileKeyProvider> keys;
  std::unique_ptr<RevocationStatus> status;
  std::unique_ptr<ca::Authority> authority;
  std::unique_ptr<ca::Issuance> issuance;
  std::unique_ptr<ca::CrlPublisher> crls;
  std::unique_ptr<ProvisioningIssuer> provisioning_issuer;
  std::unique_ptr<SessionIssuer> session_issuer;
  Verifier verifier;
  std::unique_ptr<CaMaker> ca_maker;
  std::unique_ptr<OwnRootWatch> own_roots;

  std::unique_ptr<Workers> workers;
  std::unique_ptr<Workers> signers;
  std::unique_ptr<Enforcement> enforcement;
  std::unique_ptr<DpsEndpoint> dps;
  HubEndpoints hubs;
  std::unique_ptr<Insight> insight;
  std::unique_ptr<Messages> messages;
  std::unique_ptr<DeviceTwins> device_twins;
  std::unique_ptr<management::Management> management;
  std::unique_ptr<management::Server> server_socket;
};

HubProcess::Parts::~Parts() {
  for (const auto& hub : hubs) hub->stop_waiting();
  server_socket.reset();
  clock.stop();
  if (registry) registry->set_commit_listener({});
  if (dps) dps->gate().stop();  // before the hubs': no request comes in any more that would wait for them
  for (Gate* gate : hub_gates()) gate->stop();
  if (workers) workers->stop();
  if (signers) signers->stop();
  if (own_roots) own_roots->stop();
  if (crls) crls->stop();
  if (status) status->stop();
  if (registry) registry->close();
}

Outcome<Nothing> HubProcess::Parts::open_registry() {
  LATCHKEY_TRY(opened,
               registry::Registry::open({folder.database().string(), 256, folder.rehearsal()}, openssl::host_digest()));
  registry = std::move(opened);
  LATCHKEY_TRY(provider, ca::FileKeyProvider::open(folder.keys()));
  keys = std::move(provider);
  LATCHKEY_TRY_VOID(open_status());
  issuance = std::make_unique<ca::Issuance>(*registry, *authority);
  ca::CrlPublisher::Options publishing;
  publishing.folder = folder.crl();
  publishing.before_end = [this](const registry::CaCertificate& ca) { return status->prepare_end(ca); };
  crls = std::make_unique<ca::CrlPublisher>(
      *registry, *authority, [this] { return clock.now(); }, publishing,
      [](const registry::Refusal& refusal) {
        (void)::dprintf(STDERR_FILENO, "latchkey: a CRL could not be published: %s\n", refusal.detail.c_str());
      });
  provisioning_issuer = std::make_unique<ProvisioningIssuer>(*authority, *issuance);
  session_issuer = std::make_unique<SessionIssuer>(*authority, *issuance);
  ca_maker = std::make_unique<CaMaker>(*registry, *authority, *keys, *crls);
  own_roots = std::make_unique<OwnRootWatch>(
      *registry, *keys, [this] { return clock.now(); },
      [](const registry::Refusal& refusal) {
        (void)::dprintf(STDERR_FILENO, "latchkey: no CSR for the next issuing CA: %s\n", refusal.detail.c_str());
      });

  LATCHKEY_TRY(cas, registry->list_cas());
  std::set<std::string> named;
  for (const auto& ca : cas) named.insert(ca.key_ref);
  LATCHKEY_TRY(removed, keys->destroy_unnamed(named));
  (void)removed;
  LATCHKEY_TRY_VOID(bootstrap(*registry, *authority, folder, options.endpoints.hub, options.key_profile, clock.now()));
  LATCHKEY_TRY_VOID(crls->start());
  return Nothing{};
}

// Before anything is signed: certificates name where this listens.
Outcome<Nothing> HubProcess::Parts::open_status() {
  LATCHKEY_TRY(opened, RevocationStatus::open(*registry, *keys, folder, [this] { return clock.now(); }));
  status = std::move(opened);
  if (options.status.served) {
    LATCHKEY_TRY(address, status->listen(options.status.address));
    options.status.address = address;
  }
  ca::Authority::Options addresses;
  if (const auto url = status_url(options.status); !url.empty()) {
    addresses.crl_url = url + "/crl";
    addresses.aia_url = url + "/ca";
    addresses.ocsp_url = url + "/ocsp";
  }
  authority = std::make_unique<ca::Authority>(*keys, addresses);
  return Nothing{};
}

Gate::Options HubProcess::Parts::gate_options(brokers::Endpoint endpoint, std::string name,
                                              const Address& address) const {
  Gate::Options gate;
  gate.endpoint = endpoint;
  gate.name = std::move(name);
  gate.address = address;
  gate.mosquitto = options.mosquitto;
  gate.plugin = options.plugin;
  gate.certificate = server.certificate;
  gate.key = server.key;
  gate.adopt_timeout_ms = options.confirm_timeout_ms;
  return gate;
}

Outcome<Nothing> HubProcess::Parts::make_endpoints() {
  const auto& [dps_address, hub_address] = options.endpoints;
  const brokers::ServerNames names{{"localhost"}, {dps_address.host, hub_address.host}};
  LATCHKEY_TRY(files, brokers::ensure_server_certificate(folder.tls(), names));
  server = files;
  dps = std::make_unique<DpsEndpoint>(folder, gate_options(brokers::Endpoint::kDps, kDpsGate, dps_address));
  auto hub = gate_options(brokers::Endpoint::kHub, kHubName, hub_address);
  hub.hub_name = kHubName;
  hub.registry = registry.get();
  hubs.push_back(std::make_unique<HubEndpoint>(folder, std::move(hub), kDefaultNamespace));
  return Nothing{};
}

std::vector<Gate*> HubProcess::Parts::hub_gates() const {
  std::vector<Gate*> gates;
  for (const auto& hub : hubs) gates.push_back(&hub->gate());
  return gates;
}

std::vector<Gate*> HubProcess::Parts::all_gates() const {
  auto gates = hub_gates();
  if (dps) gates.push_back(&dps->gate());
  return gates;
}

Outcome<Nothing> HubProcess::Parts::open_rooms() {
  const auto now = [this] { return clock.now(); };
  workers = std::make_unique<Workers>(kLanes);
  signers = std::make_unique<Workers>(kSigners);
  enforcement = std::make_unique<Enforcement>(hub_gates(), options.confirm_timeout_ms);
  provisioning::Options provisioning;
  provisioning.id_scope = folder.id_scope();
  provisioning.now = now;
  provisioning.retry_after_s = options.retry_after_s;
  dps->open_provisioning({*registry, *provisioning_issuer, verifier, *enforcement, *workers, decisions}, provisioning);
  for (const auto& hub : hubs) {
    hub->open_sessions({*registry, *session_issuer, *enforcement, *workers, *signers, decisions}, now);
  }
  registry->set_commit_listener([gates = hub_gates()](registry::Sequence newest) {
    for (Gate* gate : gates) gate->feeder().committed(newest);
  });
  return Nothing{};
}

// The hubs' gates first: a certificate that DPS gives out is awaited there only once their processes are known.
Outcome<Nothing> HubProcess::Parts::start_gates() {
  for (Gate* gate : all_gates()) gate->feeder().set_clock(clock.setting());
  for (const auto& hub : hubs) LATCHKEY_TRY_VOID(hub->start());
  return dps->start();
}

Outcome<Nothing> HubProcess::Parts::wait_for_gates(const std::stop_token& end) {
  const auto gates = all_gates();
  for (Gate* gate : gates) LATCHKEY_TRY_VOID(gate->wait_ready(kReadyMs, end));
  if (end.stop_requested()) return Nothing{};
  clock.follow([gates](const wire::ClockSet& setting) {
    for (Gate* gate : gates) gate->feeder().set_clock(setting);
    for (Gate* gate : gates) gate->feeder().wait_clock(kClockMs);
  });
  return Nothing{};
}

Outcome<Nothing> HubProcess::Parts::open_management() {
  insight = std::make_unique<Insight>(folder, options, clock, *registry, decisions, dps->gate(), hubs);
  messages = std::make_unique<Messages>(hubs);
  device_twins = std::make_unique<DeviceTwins>(hubs);
  management = std::make_unique<management::Management>(
      management::Parts{*registry, clock, *ca_maker, *enforcement, *insight, *messages, device_twins.get(),
                        options.own_root_revoke_rotates, options.role_parity});
  management::ServerOptions server_options;
  server_options.socket_path = folder.management_socket().string();
  server_options.owner_uid = ::geteuid();
  LATCHKEY_TRY(opened,
               management::Server::start(
                   server_options, [this](const management::Request& request) { return management->handle(request); },
                   [this](const management::Caller& caller) { management->peer_refused(caller); }));
  server_socket = std::move(opened);
  own_roots->start();
  return Nothing{};
}

HubProcess::HubProcess(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
HubProcess::~HubProcess() = default;

Outcome<std::unique_ptr<HubProcess>> HubProcess::start(UpOptions options, const std::stop_token& end) {
  LATCHKEY_TRY(folder, DataFolder::open(options.data, options.rehearsal));
  if (!options.clock.empty() && !folder.rehearsal()) {
    return refuse(Reason::kInvalidArgument, "--clock needs a data folder that was made with --rehearsal");
  }
  LATCHKEY_TRY(endpoints, choose_endpoints(options.endpoints, folder));
  options.endpoints = endpoints;
  auto parts = std::make_unique<Parts>(std::move(options), std::move(folder));
  const std::vector<std::function<Outcome<Nothing>()>> steps{
      [&] { return parts->open_registry(); },     [&] { return parts->make_endpoints(); },
      [&] { return parts->open_rooms(); },        [&] { return parts->start_gates(); },
      [&] { return parts->wait_for_gates(end); }, [&] { return parts->open_management(); },
      [&] { return parts->tell_endpoints(); },
  };
  for (const auto& step : steps) {
    if (end.stop_requested()) return std::unique_ptr<HubProcess>();
    LATCHKEY_TRY_VOID(step());
  }
  return std::unique_ptr<HubProcess>(new HubProcess(std::move(parts)));
}

std::string HubProcess::greeting() const { return app::greeting(parts_->announcement()); }

}  // namespace latchkey::hub::app
