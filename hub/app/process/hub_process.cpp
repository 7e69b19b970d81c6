// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/hub_process.h"

#include <unistd.h>

#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "hub/app/base/data_folder.h"
#include "hub/app/base/every_second.h"
#include "hub/app/base/health.h"
#include "hub/app/base/https_listener.h"
#include "hub/app/base/hub_clock.h"
#include "hub/app/base/workers.h"
#include "hub/app/endpoints/device_twins.h"
#include "hub/app/endpoints/dps_endpoint.h"
#include "hub/app/endpoints/enforcement.h"
#include "hub/app/endpoints/hub_fleet.h"
#include "hub/app/nodes/node.h"
#include "hub/app/nodes/node_status.h"
#include "hub/app/nodes/server_authority.h"
#include "hub/app/process/announcement.h"
#include "hub/app/process/bootstrap.h"
#include "hub/app/process/certificates.h"
#include "hub/app/process/crl_splits.h"
#include "hub/app/process/firmware.h"
#include "hub/app/process/fleet_watch.h"
#include "hub/app/process/gate_plan.h"
#include "hub/app/process/insight.h"
#include "hub/app/process/key_providers.h"
#include "hub/app/process/node_key_act.h"
#include "hub/app/process/own_root_watch.h"
#include "hub/app/process/rehearsal.h"
#include "hub/app/process/revocation_status.h"
#include "hub/app/process/shared_statement_key.h"
#include "hub/app/signing/signing_service.h"
#include "hub/app/signing/signing_watch.h"
#include "hub/management/server.h"
#include "hub/memory/spare_memory.h"
#include "hub/throttle/renewal_windows.h"
#include "platform/openssl/digest.h"
#include "registry/operations/status_lists.h"
#include "registry/signing/standing.h"

namespace latchkey::hub::app {
namespace {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr std::size_t kLanes = 16;
constexpr std::size_t kSigners = 4;
// Messages of live sessions that wait: more than pass by at any moment.
constexpr std::size_t kBusyLanes = 4 * kLanes;
constexpr int kReadyMs = 30'000;

}  // namespace

struct HubProcess::Parts {
  Parts(UpOptions up_options, DataFolder data)
      : options(std::move(up_options)), folder(std::move(data)), clock(options.clock), rehearsal(folder) {}
  ~Parts();

  // The steps of a start, in order.
  Outcome<Nothing> open_registry();
  Outcome<Nothing> open_status();
  Outcome<Nothing> open_rooms();
  Outcome<Nothing> join(const std::stop_token& end);
  Outcome<Nothing> start_lists();
  // Whether this process does what one of several nodes is to do for all. Behind join().
  bool on_duty() const { return !node || node->on_duty(); }
  Outcome<Nothing> make_endpoints();
  Outcome<Nothing> start_gates();
  Outcome<Nothing> wait_for_gates(const std::stop_token& end);
  Outcome<Nothing> open_management();
  Outcome<Nothing> open_rehearsal();
  Outcome<Nothing> open_signing();
  rehearsal::Snapshots::Signing signing_state();
  std::string not_ready() const;
  Outcome<Nothing> open_health();
  Outcome<Nothing> tell_endpoints() const { return write_endpoints(announcement()); }

  Outcome<std::shared_ptr<HubEndpoint>> make_hub(const registry::Hub& hub);
  Outcome<std::string> namespace_of(const registry::Hub& hub) const;
  std::string place(const registry::Registration& registration) const;
  // A request to management, from whatever listener.
  management::Response handled(const management::Request& request) {
    if (NodeKeyAct::serves(request)) return node_key_act->handle(request);
    const auto usual = [this](const management::Request& given) {
      return rehearsal.handle(given, [this](const management::Request& asked) { return management->handle(asked); });
    };
    return node ? node_status.handle(request, usual) : usual(request);
  }
  throttle::RenewalHint renewal_hint() {
    if (!options.renewal_windows) return {};
    return [this](UnixMs not_before, UnixMs not_after) { return renewal_windows.give(not_before, not_after); };
  }
  Announcement announcement() const {
    return {options, folder, gate_plan->server().ca_certificate, hubs.all(), keys->told()};
  }

  UpOptions options;
  DataFolder folder;
  HubClock clock;
  Rehearsal rehearsal;
  std::optional<brokers::ServerAuthority> server_authority;  // of nodes that share it
  std::optional<GatePlan> gate_plan;
  DecisionLog decisions;
  throttle::RenewalWindows renewal_windows;

  watch::StoreWatch store_watch;  // hears of the registry until that is gone
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<KeyProviders> keys;
  std::unique_ptr<NodeKeyAct> node_key_act;
  std::unique_ptr<RevocationStatus> status;
  std::unique_ptr<ca::Authority> authority;
  std::unique_ptr<ca::Issuance> issuance;
  std::vector<ca::CrlSplit> crl_splits;
  std::unique_ptr<registry::StatusLists> shared_lists;  // of nodes
  std::unique_ptr<ca::CrlPublisher> crls;
  std::unique_ptr<Issuer> issuer;
  Verifier verifier;
  std::unique_ptr<CaMaker> ca_maker;
  std::unique_ptr<OwnRootWatch> own_roots;
  std::unique_ptr<SigningWatch> signing_watch;
  std::unique_ptr<SigningService> signing;
  std::unique_ptr<SharedStatementKey> statement_key;
  std::unique_ptr<Firmware> firmware;
  std::unique_ptr<ToldRevocations> told_revocations;

  std::unique_ptr<Workers> workers;  // for live sessions
  std::unique_ptr<Workers> dps_workers;
  std::unique_ptr<Workers> signers;
  std::unique_ptr<Enforcement> enforcement;
  HubEndpoints hubs;
  std::unique_ptr<Node> node;  // nullptr: it is alone
  NodeStatus node_status{[this] { return NodeStatus::Seen{node->name(), node->state(), Node::boot_ms()}; }};
  std::unique_ptr<HubFleet> fleet;
  std::unique_ptr<DpsEndpoint> dps;
  std::unique_ptr<Insight> insight;
  std::unique_ptr<Messages> messages;
  std::unique_ptr<DeviceTwins> device_twins;
  std::unique_ptr<FleetWatch> fleet_watch;
  std::unique_ptr<management::Management> management;
  std::unique_ptr<management::Server> server_socket;
  std::unique_ptr<HttpsListener> https;
  std::unique_ptr<Health> health;
  memory::SpareMemory spare_memory{std::size_t{1} << 20};
  EverySecond thrift{[this]() -> Outcome<void> {
                       spare_memory.on_tick(clock.monotonic());
                       return {};
                     },
                     {}};
};

HubProcess::Parts::~Parts() {
  thrift.stop();
  if (fleet) fleet->stop();
  for (const auto& hub : hubs.all()) hub->stop_waiting();
  if (node) node->stop_waiting();
  health.reset();
  server_socket.reset();
  https.reset();
  rehearsal.stop();
  if (fleet_watch) fleet_watch->stop();
  clock.stop();
  if (registry) registry->set_commit_listener({});
  if (dps) dps->gate().stop();  // before the hubs': no request comes in any more that would wait for them
  if (node) node->stop();
  if (firmware) firmware->stop();
  for (const auto& hub : hubs.all()) hub->stop();
  if (own_roots) own_roots->stop();
  if (signing_watch) signing_watch->stop();
  if (crls) crls->stop();
  if (node) node->leave();  // its brokers are gone, and another node may take its duties over
  if (workers) workers->stop();
  if (dps_workers) dps_workers->stop();
  if (dps) dps->stop_admission();
  if (signers) signers->stop();
  if (signing) signing->stop();
  if (status) status->stop();
  if (registry) registry->close();
}

Outcome<Nothing> HubProcess::Parts::open_registry() {
  LATCHKEY_TRY(store, folder.store(options.store));
  LATCHKEY_TRY(opened,
               registry::Registry::open({store, 256, folder.rehearsal(), rehearsal.store_faults(), options.limits},
                                        openssl::host_digest()));
  registry = std::move(opened);
  LATCHKEY_TRY(id, registry->setting(std::string(registry::kSubscriptionSetting)));
  LATCHKEY_TRY_VOID(folder.note_store(options.store, id.value_or("")));  // before keys go that no CA here names
  registry->set_observer(&store_watch);
  LATCHKEY_TRY(providers, KeyProviders::open(options.keys, folder, *registry));
  keys = std::move(providers);
  node_key_act = std::make_unique<NodeKeyAct>(*keys, *registry, [this] { return clock.now(); });
  LATCHKEY_TRY_VOID(keys->check_cas());  // before anything is made, listened on or signed
  LATCHKEY_TRY_VOID(open_status());
  issuance = std::make_unique<ca::Issuance>(*registry, *authority);
  ca::CrlPublisher::Options publishing;
  publishing.folder = folder.crl();
  publishing.splits = crl_splits;
  publishing.before_end = [this](const registry::CaCertificate& ca) { return status->prepare_end(ca); };
  publishing.spoil = rehearsal.list_faults();
  if (!options.node.empty()) {
    shared_lists = std::make_unique<registry::StatusLists>(registry::rows_of(*registry));
    publishing.shared = shared_lists.get();
    publishing.on_duty = [this] { return on_duty(); };
  }
  crls = std::make_unique<ca::CrlPublisher>(
      *registry, *authority, [this] { return clock.now(); }, publishing,
      [](const registry::Refusal& refusal) {
        (void)::dprintf(STDERR_FILENO, "latchkey: a CRL could not be published: %s\n", refusal.detail.c_str());
      });
  issuer = std::make_unique<Issuer>(*authority, *issuance);
  ca_maker = std::make_unique<CaMaker>(*registry, *authority, keys->cas(), *crls);
  own_roots = std::make_unique<OwnRootWatch>(
      *registry, keys->cas(), [this] { return clock.now(); },
      [](const registry::Refusal& refusal) {
        (void)::dprintf(STDERR_FILENO, "latchkey: no CSR for the next issuing CA: %s\n", refusal.detail.c_str());
      },
      [this] { return on_duty(); });

  LATCHKEY_TRY(cas, registry->list_cas());
  std::set<std::string> named;
  for (const auto& ca : cas) named.insert(ca.key_ref);
  LATCHKEY_TRY(removed, keys->cas().destroy_unnamed(named));
  (void)removed;
  LATCHKEY_TRY_VOID(bootstrap(*registry, *authority, folder, options.advertise.value_or(options.endpoints.hub),
                              options.key_profile, clock.now()));
  return options.node.empty() ? Nothing{} : bring_group_key(*registry, folder);
}

// Behind join(): by then it is known whether others do it.
Outcome<Nothing> HubProcess::Parts::start_lists() {
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
    addresses.crl_shards = options.status.crl_shards;
  }
  LATCHKEY_TRY(splits, remember_split(*registry, options.status.crl_shards, addresses.crl_url));
  crl_splits = std::move(splits);
  addresses.p384_alone = options.p384_alone;
  authority = std::make_unique<ca::Authority>(keys->cas(), addresses);
  return Nothing{};
}

Outcome<Nothing> HubProcess::Parts::open_rooms() {
  workers = std::make_unique<Workers>(kLanes);
  dps_workers = std::make_unique<Workers>(kLanes);
  signers = std::make_unique<Workers>(kSigners);
  Enforcement::Others others;
  if (!options.node.empty()) {
    others = [this](registry::Sequence sequence, link::Progress progress) { return node->wait(sequence, progress); };
  }
  enforcement = std::make_unique<Enforcement>(hubs, options.confirm_timeout_ms, std::move(others));
  const auto firmware_folder = folder.path() / "firmware";
  SharedStatementKey::Agree agree;
  if (!options.node.empty()) {
    agree = [this](const std::string& setting, const std::string& ours) { return node->agree(setting, ours); };
  }
  statement_key = std::make_unique<SharedStatementKey>(*registry, *keys, firmware_folder, std::move(agree));
  LATCHKEY_TRY(opened, Firmware::open(*registry, hubs, firmware_folder, *statement_key,
                                      options.node.empty() ? Firmware::Nodes::kOne : Firmware::Nodes::kSeveral));
  firmware = std::move(opened);
  registry->set_commit_listener([this](registry::Sequence newest) { hubs.committed(newest); });
  return Nothing{};
}

// Before any gate is fed: the row is there before the state that they get is read.
Outcome<Nothing> HubProcess::Parts::join(const std::stop_token& end) {
  if (options.node.empty()) return Nothing{};
  hubs.need_leases();
  Node::Options node_options;
  node_options.name = options.node;
  LATCHKEY_TRY(store, folder.store(options.store));
  node_options.store = std::move(store);
  node_options.address = host_and_port(options.advertise.value_or(options.endpoints.hub));
  node_options.lease_ms = options.lease_ms;
  node_options.note = folder.path() / "node.json";
  node_options.news_place = folder.path() / "node.news";
  // A node that lives may have to fence its brokers first.
  node_options.patience_ms = 2 * options.confirm_timeout_ms + static_cast<int>(2 * options.lease_ms);
  node_options.changed = [this] { firmware->others_changed(); };
  node = std::make_unique<Node>(std::move(node_options), *registry, hubs,
                                [this](registry::Sequence sequence, link::Progress progress) {
                                  return enforcement->wait_here(sequence, progress);
                                });
  LATCHKEY_TRY_VOID(node->start(end));
  LATCHKEY_TRY_VOID(statement_key->settle());
  LATCHKEY_TRY_VOID(firmware->join());
  LATCHKEY_TRY(scope, node->agree("id scope", folder.id_scope()));
  folder.set_id_scope(std::move(scope));
  if (!keys->in_files()) {
    LATCHKEY_TRY(provider, keys->shared());
    LATCHKEY_TRY(shared, agree_on_server_authority(*registry, *node, *provider));
    server_authority = std::move(shared);
  }
  return Nothing{};
}

Outcome<Nothing> HubProcess::Parts::make_endpoints() {
  LATCHKEY_TRY(plan, GatePlan::make(options, folder, server_authority ? &*server_authority : nullptr));
  gate_plan.emplace(std::move(plan));
  dps = std::make_unique<DpsEndpoint>(folder, gate_plan->dps());
  provisioning::Options provisioning;
  provisioning.id_scope = folder.id_scope();
  provisioning.now = [this] { return clock.now(); };
  provisioning.retry_after_s = options.retry_after_s;
  provisioning.registrations_per_minute = options.registrations_per_minute;
  provisioning.operations_per_minute = options.polls_per_minute;
  provisioning.faults = rehearsal.dps_faults();
  provisioning.renewal_window = renewal_hint();
  provisioning.placed = [this](const registry::Registration& registration) { return place(registration); };
  const auto live_waits = [this] { return signers->waiting() > 0 || workers->waiting() >= kBusyLanes; };
  dps->open_provisioning(
      {*registry, *issuer, verifier, *enforcement, *dps_workers, decisions, live_waits, options.registrations_waiting},
      provisioning);

  HubFleet::Options hub_options;
  hub_options.first = kHubName;
  hub_options.brokers = options.hub_brokers;
  hub_options.front = options.proxied();
  hub_options.dps = options.endpoints.dps;
  hub_options.told = [this] { (void)tell_endpoints(); };
  hub_options.ready_timeout_ms = kReadyMs;
  fleet = std::make_unique<HubFleet>(
      *registry, folder, hubs, [this](const registry::Hub& hub) { return make_hub(hub); }, std::move(hub_options));
  return fleet->make_all();
}

Outcome<std::string> HubProcess::Parts::namespace_of(const registry::Hub& hub) const {
  LATCHKEY_TRY(namespaces, registry->list_namespaces());
  for (auto& one : namespaces) {
    if (one.uuid == hub.namespace_uuid) return std::move(one.name);
  }
  return refuse(Reason::kInternal, "hub '" + hub.name + "' is linked to no namespace");
}

Outcome<std::shared_ptr<HubEndpoint>> HubProcess::Parts::make_hub(const registry::Hub& hub) {
  // The row of the first hub is all nodes', its address this one's.
  const bool shared = node && hub.name == kHubName;
  LATCHKEY_TRY(address, shared ? Outcome<Address>(options.endpoints.hub) : parse_address(hub.listen));
  LATCHKEY_TRY(ns, namespace_of(hub));
  LATCHKEY_TRY(gates, gate_plan->hub(hub, address, *registry));
  HubEndpoint::Options hub_options{hub.name, HubFleet::files_of(hub, kHubName), ns, address, std::move(gates)};
  hub_options.front = gate_plan->front(hub, address);
  if (node) hub_options.claims = &node->claims();
  auto endpoint = std::make_shared<HubEndpoint>(folder, std::move(hub_options));
  endpoint->open_sessions({*registry, *issuer, *enforcement, *workers, *signers, decisions, renewal_hint(),
                           firmware->statements(), firmware->bundles(), node ? &node->others() : nullptr},
                          [this] { return clock.now(); });
  return endpoint;
}

// A device that was assigned to another hub has nothing to seek at those before: its sessions there end. It is told
// which of its hub's addresses is its own.
std::string HubProcess::Parts::place(const registry::Registration& registration) const {
  using registry::Substatus;
  const auto assigned = hubs.find(registration.hub_name);
  const bool moved =
      registration.substatus == Substatus::kDeviceDataMigrated || registration.substatus == Substatus::kDeviceDataReset;
  if (moved && assigned) {
    for (const auto& hub : hubs.all()) {
      if (hub == assigned || hub->namespace_name() != assigned->namespace_name()) continue;
      hub->end_session(registration.device_id);
    }
  }
  if (!assigned || assigned->gates().size() == 1 || assigned->front() != nullptr) return registration.hub;
  return assigned->address_for(registration.device_id).device_text();
}

// The hubs' gates first: a certificate that DPS gives out is awaited there only once their processes are known.
Outcome<Nothing> HubProcess::Parts::start_gates() {
  hubs.set_clock(clock.setting());
  dps->gate().feeder().set_clock(clock.setting());
  LATCHKEY_TRY_VOID(fleet->start());
  if (node) node->serve();  // every broker that an earlier process left is adopted or ended
  return dps->start();
}

Outcome<Nothing> HubProcess::Parts::wait_for_gates(const std::stop_token& end) {
  LATCHKEY_TRY_VOID(fleet->wait_ready(end));
  if (node && !end.stop_requested()) node->all_told();
  LATCHKEY_TRY_VOID(dps->gate().wait_ready(kReadyMs, end));
  if (end.stop_requested()) return Nothing{};
  if (node) node->follow(hubs.adopted() ? NodeNews::Sessions::kLeft : NodeNews::Sessions::kNew);
  clock.follow([this](const wire::ClockSet& setting, const std::stop_token& ending) {
    hubs.set_clock(setting);
    dps->gate().feeder().set_clock(setting);
    return enforcement->wait_clock(dps->gate(), ending) && !ending.stop_requested();
  });
  return Nothing{};
}

Outcome<Nothing> HubProcess::Parts::open_management() {
  const Elsewhere* const elsewhere = node ? &node->elsewhere() : nullptr;
  insight = std::make_unique<Insight>(folder, options, clock, *registry, decisions, dps->gate(), hubs, elsewhere);
  messages = std::make_unique<Messages>(hubs);
  device_twins = std::make_unique<DeviceTwins>(hubs, [this] {
    if (node) node->hurry();
  });
  std::optional<double> pace;
  if (options.registrations_per_minute > 0) pace = options.registrations_per_minute;
  fleet_watch =
      std::make_unique<FleetWatch>(FleetWatch::Rooms{*registry, *insight, decisions, hubs, clock, store_watch,
                                                     folder.tls(), pace, [this] { return dps->numbers(); }, elsewhere});
  if (options.https) {
    LATCHKEY_TRY(address, HttpsListener::choose(*registry, *options.https));
    options.https = address;
  }
  if (options.metrics) {
    LATCHKEY_TRY(address, fleet_watch->serve_metrics(*options.metrics));
    options.metrics = address;
  }
  LATCHKEY_TRY_VOID(open_signing());
  management::Parts rooms{*registry,
                          clock,
                          *ca_maker,
                          *enforcement,
                          *insight,
                          *messages,
                          device_twins.get(),
                          options.own_root_revoke_rotates,
                          options.role_parity,
                          fleet.get()};
  fleet_watch->lend_to(rooms);
  rooms.pace = rehearsal.operation_faults();
  rooms.quotas = options.quotas;
  rooms.firmware = firmware.get();
  if (signing) {
    told_revocations = std::make_unique<ToldRevocations>(signing->revocations(), *firmware);
    signing->when_authorities_change([this] { firmware->revocations_changed({"signing service", clock.now()}); });
    rooms.revocations = told_revocations.get();
  }
  firmware->revocations_changed({"latchkey up", clock.now()});
  management = std::make_unique<management::Management>(rooms);
  LATCHKEY_TRY_VOID(open_rehearsal());
  management::ServerOptions server_options;
  server_options.socket_path = folder.management_socket().string();
  server_options.owner_uid = ::geteuid();
  LATCHKEY_TRY(opened, management::Server::start(
                           server_options, [this](const management::Request& request) { return handled(request); },
                           [this](const management::Caller& caller) { management->peer_refused(caller); }));
  server_socket = std::move(opened);
  if (options.https) {
    LATCHKEY_TRY(listener,
                 HttpsListener::start(*options.https, gate_plan->server(), *registry, clock,
                                      [this](const management::Request& request) { return handled(request); }));
    https = std::move(listener);
  }
  own_roots->start();
  thrift.start();
  return Nothing{};
}

// Why devices should go elsewhere.
std::string HubProcess::Parts::not_ready() const {
  const auto first = hubs.find(kHubName);
  if (!first) return "no hub";
  for (const auto& gate : first->gates()) {
    if (const auto state = gate->feeder().state(); !state.process_alive || !state.ready) {
      return "broker " + gate->name() + " has no complete state";
    }
  }
  return node ? node->not_ready() : std::string();
}

Outcome<Nothing> HubProcess::Parts::open_health() {
  if (!options.health) return Nothing{};
  LATCHKEY_TRY(listening, Health::listen(*options.health, [this] { return not_ready(); }));
  health = std::move(listening);
  return Nothing{};
}

Outcome<Nothing> HubProcess::Parts::open_signing() {
  SigningWatch::Among among;
  if (node) among = {[this] { return on_duty(); }, [this] { return node->mark(); }};
  signing_watch = std::make_unique<SigningWatch>(
      *registry, folder.path() / "outbox", [this] { return clock.now(); },
      [](const registry::Refusal& refusal) {
        (void)::dprintf(STDERR_FILENO, "latchkey: identity validations: %s\n", refusal.detail.c_str());
      },
      options.mail, std::move(among));
  signing_watch->start();
  if (!options.signing) return Nothing{};
  LATCHKEY_TRY(provider, keys->signing());
  SigningService::Options wanted{provider,
                                 folder.path() / "signing",
                                 *options.signing,
                                 options.signing_open,
                                 gate_plan->server(),
                                 options.role_parity,
                                 {}};
  wanted.service.authorities.ca_key = wanted.service.authorities.timestamper_key = options.signing_ca_keys;
  LATCHKEY_TRY(started, SigningService::start(*registry, clock, std::move(wanted)));
  signing = std::move(started);
  options.signing = signing->data();
  options.signing_open = signing->open_to_all();
  return Nothing{};
}

rehearsal::Snapshots::Signing HubProcess::Parts::signing_state() {
  const auto pause = [this]() -> std::shared_ptr<void> {
    if (signing) return signing->pause();
    std::error_code ignored;  // one that never ran has no keys
    if (keys->in_files() && !std::filesystem::exists(keys->signing_folder(), ignored)) return nullptr;
    const auto provider = keys->signing();
    return provider ? sweep_signing_keys(*registry, **provider) : nullptr;
  };
  return {keys->in_files() ? keys->signing_folder() : "", registry::signing::key_refs_in, pause};
}

Outcome<Nothing> HubProcess::Parts::open_rehearsal() {
  LATCHKEY_TRY_VOID(rehearsal.open(
      {*registry, clock, keys->cas(), *crls, hubs, *enforcement, *management, options.clock,
       [this] {
         return bootstrap(*registry, *authority, folder, options.endpoints.hub, options.key_profile, clock.now());
       },
       [this] { return fleet->reconcile(); }, signing_state(), keys->in_files() ? folder.keys() : ""}));
  if (options.admin) {
    LATCHKEY_TRY(address, rehearsal.listen(*options.admin));
    options.admin = address;
  }
  return Nothing{};
}

HubProcess::HubProcess(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
HubProcess::~HubProcess() = default;

Outcome<std::unique_ptr<HubProcess>> HubProcess::start(UpOptions options, const std::stop_token& end) {
  LATCHKEY_TRY(folder, DataFolder::open(options.data, options.rehearsal));
  if (!options.clock.empty() && !folder.rehearsal()) {
    return refuse(Reason::kInvalidArgument, "--clock needs a data folder that was made with --rehearsal");
  }
  if (options.admin && !folder.rehearsal()) {
    return refuse(Reason::kInvalidArgument, "--admin-listen needs a data folder that was made with --rehearsal");
  }
  if (options.clock.empty()) options.clock = Rehearsal::clock_file(folder);
  if (options.proxied()) LATCHKEY_TRY_VOID(Front::check_program(options.haproxy));
  LATCHKEY_TRY(endpoints, choose_endpoints(options, folder));
  options.endpoints = endpoints;
  auto parts = std::make_unique<Parts>(std::move(options), std::move(folder));
  const std::vector<std::function<Outcome<Nothing>()>> steps{
      [&] { return parts->open_registry(); },     [&] { return parts->open_rooms(); },
      [&] { return parts->join(end); },           [&] { return parts->start_lists(); },
      [&] { return parts->make_endpoints(); },    [&] { return parts->start_gates(); },
      [&] { return parts->wait_for_gates(end); }, [&] { return parts->open_management(); },
      [&] { return parts->open_health(); },       [&] { return parts->tell_endpoints(); },
  };
  for (const auto& step : steps) {
    if (end.stop_requested()) return std::unique_ptr<HubProcess>();
    LATCHKEY_TRY_VOID(step());
  }
  return std::unique_ptr<HubProcess>(new HubProcess(std::move(parts)));
}

std::string HubProcess::greeting() const { return app::greeting(parts_->announcement()); }

}  // namespace latchkey::hub::app
