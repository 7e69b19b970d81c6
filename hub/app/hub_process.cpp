// SPDX-License-Identifier: Apache-2.0
#include "hub/app/hub_process.h"

#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <utility>

#include "hub/app/bootstrap.h"
#include "hub/app/certificates.h"
#include "hub/app/data_folder.h"
#include "hub/app/enforcement.h"
#include "hub/app/gate.h"
#include "hub/app/hub_clock.h"
#include "hub/app/insight.h"
#include "hub/app/workers.h"
#include "hub/brokers/files.h"
#include "hub/brokers/server_certificate.h"
#include "hub/ca/file_key_provider.h"
#include "hub/management/server.h"
#include "hub/provisioning/provisioning.h"
#include "hub/session/session.h"

namespace latchkey::hub::app {
namespace {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;
using wire::Bytes;

constexpr std::size_t kLanes = 16;
constexpr int kReadyMs = 30'000;
constexpr int kClockMs = 2'000;

Bytes copy(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

// A program of ours as it can be pasted, wherever this one was started from.
std::string beside_us(const std::string& program) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? program : (self.parent_path() / program).string();
}

// Port 0: the addresses of the last run while a broker of it holds them or nobody does, else free ones.
Outcome<Endpoints> choose_endpoints(Endpoints wanted, const DataFolder& folder) {
  const auto last =
      nlohmann::json::parse(brokers::read_file(folder.path() / "endpoints.json").value_or(""), nullptr, false);
  const auto choose = [&last, &folder](Address address, brokers::Endpoint endpoint) -> Outcome<Address> {
    const std::string name(brokers::to_string(endpoint));
    if (address.port == 0 && last.is_object() && last.value(name, nlohmann::json()).is_string()) {
      if (auto before = parse_address(last[name].get<std::string>()); before && before->host == address.host) {
        if (is_free(*before) || brokers::Broker::left_behind(Gate::pid_file(folder, endpoint), folder.nonce()))
          return *before;
      }
    }
    return choose_port(std::move(address));
  };
  LATCHKEY_TRY(dps, choose(wanted.dps, brokers::Endpoint::kDps));
  LATCHKEY_TRY(hub, choose(wanted.hub, brokers::Endpoint::kHub));
  return Endpoints{dps, hub};
}

}  // namespace

struct HubProcess::Parts {
  Parts(UpOptions up_options, DataFolder data)
      : options(std::move(up_options)), folder(std::move(data)), clock(options.clock) {}
  ~Parts();

  Outcome<Nothing> open_registry();
  Outcome<Nothing> make_gates();
  void make_rooms();
  Outcome<Nothing> open_gates();
  Outcome<Nothing> open_management();
  Outcome<Nothing> tell_endpoints() const;
  void dps_inbox(std::string_view topic, ByteView payload);
  void hub_inbox(std::string_view topic, ByteView payload);
  void provision(wire::ConnectionId connection, const std::string& topic, const Bytes& payload);

  UpOptions options;
  DataFolder folder;
  HubClock clock;
  brokers::ServerCertificateFiles server;
  DecisionLog decisions;

  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<ca::FileKeyProvider> keys;
  std::unique_ptr<ca::Authority> authority;
  std::unique_ptr<ca::Issuance> issuance;
  std::unique_ptr<ca::CrlPublisher> crls;
  std::unique_ptr<ProvisioningIssuer> provisioning_issuer;
  std::unique_ptr<SessionIssuer> session_issuer;
  Verifier verifier;
  std::unique_ptr<CaMaker> ca_maker;

  std::unique_ptr<Workers> workers;
  std::unique_ptr<Gate> dps;
  std::unique_ptr<Gate> hub;
  std::unique_ptr<Enforcement> enforcement;
  std::unique_ptr<Outbox> outbox;
  std::unique_ptr<provisioning::Provisioning> provisioning;
  std::unique_ptr<session::Sessions> sessions;
  std::unique_ptr<Insight> insight;
  std::unique_ptr<Messages> messages;
  std::unique_ptr<management::Management> management;
  std::unique_ptr<management::Server> server_socket;
};

HubProcess::Parts::~Parts() {
  server_socket.reset();
  clock.stop();
  if (registry) registry->set_commit_listener({});
  if (dps) dps->stop();
  if (hub) hub->stop();
  if (workers) workers->stop();
  if (crls) crls->stop();
  if (registry) registry->close();
}

Outcome<Nothing> HubProcess::Parts::open_registry() {
  LATCHKEY_TRY(opened, registry::Registry::open({folder.database().string(), 256, folder.rehearsal()}));
  registry = std::move(opened);
  LATCHKEY_TRY(provider, ca::FileKeyProvider::open(folder.keys()));
  keys = std::move(provider);
  authority = std::make_unique<ca::Authority>(*keys, ca::Authority::Options{});
  issuance = std::make_unique<ca::Issuance>(*registry, *authority);
  crls = std::make_unique<ca::CrlPublisher>(
      *registry, *authority, [this] { return clock.now(); }, ca::CrlPublisher::Options{.folder = folder.crl()},
      [](const registry::Refusal& refusal) {
        (void)::dprintf(STDERR_FILENO, "latchkey: a CRL could not be published: %s\n", refusal.detail.c_str());
      });
  provisioning_issuer = std::make_unique<ProvisioningIssuer>(*authority, *issuance);
  session_issuer = std::make_unique<SessionIssuer>(*authority, *issuance);
  ca_maker = std::make_unique<CaMaker>(*registry, *authority, *keys, *crls);

  LATCHKEY_TRY(cas, registry->list_cas());
  std::set<std::string> named;
  for (const auto& ca : cas) named.insert(ca.key_ref);
  LATCHKEY_TRY(removed, keys->destroy_unnamed(named));
  (void)removed;
  LATCHKEY_TRY_VOID(bootstrap(*registry, *authority, folder, options.endpoints.hub, options.key_profile, clock.now()));
  LATCHKEY_TRY_VOID(crls->start());
  return Nothing{};
}

Outcome<Nothing> HubProcess::Parts::make_gates() {
  const brokers::ServerNames names{{"localhost"}, {options.endpoints.dps.host, options.endpoints.hub.host}};
  LATCHKEY_TRY(files, brokers::ensure_server_certificate(folder.tls(), names));
  server = files;
  Gate::Options gate;
  gate.mosquitto = options.mosquitto;
  gate.plugin = options.plugin;
  gate.adopt_timeout_ms = options.confirm_timeout_ms;
  gate.certificate = server.certificate;
  gate.key = server.key;
  gate.endpoint = brokers::Endpoint::kDps;
  gate.address = options.endpoints.dps;
  gate.inbox = [this](std::string_view topic, ByteView payload) { dps_inbox(topic, payload); };
  dps = std::make_unique<Gate>(folder, gate);
  gate.endpoint = brokers::Endpoint::kHub;
  gate.address = options.endpoints.hub;
  gate.registry = registry.get();
  gate.hub_name = kHubName;
  gate.inbox = [this](std::string_view topic, ByteView payload) { hub_inbox(topic, payload); };
  hub = std::make_unique<Gate>(folder, gate);
  return Nothing{};
}

void HubProcess::Parts::make_rooms() {
  enforcement = std::make_unique<Enforcement>(*hub, options.confirm_timeout_ms);
  outbox = std::make_unique<Outbox>(*hub);
  provisioning::Options provisioning_options;
  provisioning_options.id_scope = folder.id_scope();
  provisioning_options.now = [this] { return clock.now(); };
  provisioning_options.retry_after_s = options.retry_after_s;
  provisioning = std::make_unique<provisioning::Provisioning>(*registry, *provisioning_issuer, verifier, *enforcement,
                                                              provisioning_options);
  session::Options session_options;
  session_options.namespace_name = kDefaultNamespace;
  session_options.now = [this] { return clock.now(); };
  sessions = std::make_unique<session::Sessions>(*registry, *session_issuer, *enforcement, *outbox, session_options);
  workers = std::make_unique<Workers>(kLanes);
}

Outcome<Nothing> HubProcess::Parts::open_gates() {
  registry->set_commit_listener([this](registry::Sequence newest) { hub->feeder().committed(newest); });
  // the hub's gate first: a certificate that DPS gives out is awaited there only once its process is known
  const std::array<Gate*, 2> gates{hub.get(), dps.get()};
  for (Gate* gate : gates) gate->feeder().set_clock(clock.setting());
  for (Gate* gate : gates) LATCHKEY_TRY_VOID(gate->start());
  for (Gate* gate : gates) LATCHKEY_TRY_VOID(gate->wait_ready(kReadyMs));
  clock.follow([gates](const wire::ClockSet& setting) {
    for (Gate* gate : gates) gate->feeder().set_clock(setting);
    for (Gate* gate : gates) gate->feeder().wait_clock(kClockMs);
  });
  return Nothing{};
}

Outcome<Nothing> HubProcess::Parts::open_management() {
  insight = std::make_unique<Insight>(folder, options, clock, *registry, decisions, *dps, *hub, *sessions);
  messages = std::make_unique<Messages>(*sessions);
  management = std::make_unique<management::Management>(
      management::Parts{*registry, clock, *ca_maker, *enforcement, *insight, *messages});
  management::ServerOptions server_options;
  server_options.socket_path = folder.management_socket().string();
  server_options.owner_uid = ::geteuid();
  LATCHKEY_TRY(opened,
               management::Server::start(
                   server_options, [this](const management::Request& request) { return management->handle(request); },
                   [this](const management::Caller& caller) { management->peer_refused(caller); }));
  server_socket = std::move(opened);
  return Nothing{};
}

Outcome<Nothing> HubProcess::Parts::tell_endpoints() const {
  const nlohmann::json json{
      {"dps", options.endpoints.dps.text()}, {"hub", options.endpoints.hub.text()},
      {"idScope", folder.id_scope()},        {"caFile", server.ca_certificate.string()},
      {"enrollmentGroup", kDefaultGroup},    {"enrollmentKeyFile", folder.enrollment_key().string()},
      {"data", folder.path().string()},      {"pid", ::getpid()}};
  const auto text = json.dump(2) + "\n";
  for (const auto& file : {folder.path() / "endpoints.json", options.endpoints_file}) {
    if (!file.empty() && !brokers::write_file(file, text, 0644)) {
      return refuse(Reason::kStorage, file.string() + " cannot be written");
    }
  }
  return Nothing{};
}

void HubProcess::Parts::provision(wire::ConnectionId connection, const std::string& topic, const Bytes& payload) {
  provisioning->request(connection, topic, payload, [&](std::string_view reply_topic, std::string_view reply) {
    dps->deliver({connection, std::string(reply_topic), Bytes(reply.begin(), reply.end()), 1});
  });
}

// On the link's thread: decodes and hands over; what may block runs in the connection's lane.
void HubProcess::Parts::dps_inbox(std::string_view topic, ByteView payload) {
  if (topic == wire::kOpenedTopic) {
    if (auto opened = wire::decode_opened(payload)) {
      workers->post(opened->connection, [this, one = std::move(*opened)] {
        dps->attest({one.connection, provisioning->opened(one)});
      });
    }
  } else if (topic == wire::kClosedTopic) {
    if (auto closed = wire::decode_closed(payload)) {
      workers->post(closed->connection, [this, id = closed->connection] { provisioning->closed(id); });
    }
  } else if (topic == wire::kDecisionsTopic) {
    if (auto decoded = wire::decode_decisions(payload)) decisions.add("dps", std::move(*decoded));
  } else if (const auto request = wire::parse_request_topic(topic)) {
    workers->post(request->connection,
                  [this, id = request->connection, device_topic = std::string(request->device_topic),
                   body = copy(payload)] { provision(id, device_topic, body); });
  }
}

void HubProcess::Parts::hub_inbox(std::string_view topic, ByteView payload) {
  if (topic == wire::kOpenedTopic) {
    if (auto opened = wire::decode_opened(payload)) {
      workers->post(opened->connection, [this, one = std::move(*opened)] { sessions->opened(one); });
    }
  } else if (topic == wire::kClosedTopic) {
    if (auto closed = wire::decode_closed(payload)) {
      workers->post(closed->connection, [this, id = closed->connection] { sessions->closed(id); });
    }
  } else if (topic == wire::kSubscribedTopic) {
    if (auto subscribed = wire::decode_subscribed(payload)) {
      workers->post(subscribed->connection,
                    [this, one = std::move(*subscribed)] { sessions->subscribed(one.connection, one.filter); });
    }
  } else if (topic == wire::kDecisionsTopic) {
    if (auto decoded = wire::decode_decisions(payload)) decisions.add("hub", std::move(*decoded));
  } else if (const auto request = wire::parse_request_topic(topic)) {
    workers->post(request->connection,
                  [this, id = request->connection, device_topic = std::string(request->device_topic),
                   body = copy(payload)] { sessions->request(id, device_topic, body); });
  }
}

HubProcess::HubProcess(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
HubProcess::~HubProcess() = default;

Outcome<std::unique_ptr<HubProcess>> HubProcess::start(UpOptions options) {
  LATCHKEY_TRY(folder, DataFolder::open(options.data, options.rehearsal));
  if (!options.clock.empty() && !folder.rehearsal()) {
    return refuse(Reason::kInvalidArgument, "--clock needs a data folder that was made with --rehearsal");
  }
  LATCHKEY_TRY(endpoints, choose_endpoints(options.endpoints, folder));
  options.endpoints = endpoints;
  auto parts = std::make_unique<Parts>(std::move(options), std::move(folder));
  LATCHKEY_TRY_VOID(parts->open_registry());
  LATCHKEY_TRY_VOID(parts->make_gates());
  parts->make_rooms();
  LATCHKEY_TRY_VOID(parts->open_gates());
  LATCHKEY_TRY_VOID(parts->open_management());
  LATCHKEY_TRY_VOID(parts->tell_endpoints());
  return std::unique_ptr<HubProcess>(new HubProcess(std::move(parts)));
}

std::string HubProcess::greeting() const {
  const auto& parts = *parts_;
  std::ostringstream out;
  out << "Latchkey hub is up" << (parts.folder.rehearsal() ? " (rehearsal)" : "") << ".\n\n"
      << "  DPS endpoint     " << parts.options.endpoints.dps.text() << "   devices provision here (MQTT over TLS)\n"
      << "  Hub endpoint     " << parts.options.endpoints.hub.text()
      << "   devices connect here, with their certificate\n"
      << "  ID scope         " << parts.folder.id_scope() << "\n"
      << "  Server CA file   " << parts.server.ca_certificate.string() << "\n"
      << "  Enrollment key   " << parts.folder.enrollment_key().string() << "   (group '" << kDefaultGroup << "')\n"
      << "  Data folder      " << parts.folder.path().string() << "\n"
      << "  Key profile      " << registry::to_string(parts.options.key_profile) << "\n\n"
      << "Connect a device:\n"
      << "  " << beside_us("latchkey-agent") << " --registration-id dev-1 --id-scope " << parts.folder.id_scope()
      << " --dps " << parts.options.endpoints.dps.text() << " \\\n    --ca " << parts.server.ca_certificate.string()
      << " --key-file " << parts.folder.enrollment_key().string() << " --group-key --state ./dev-1\n"
      << "Take its trust away:\n"
      << "  " << beside_us("latchkey") << " --data " << parts.folder.path().string() << " device revoke -n dev-1\n\n"
      << "Ctrl-C stops hub and brokers.\n";
  return std::move(out).str();
}

}  // namespace latchkey::hub::app
