// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/announcement.h"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "hub/app/endpoints/dps_endpoint.h"
#include "hub/app/process/bootstrap.h"
#include "platform/files/file.h"

namespace latchkey::hub::app {
namespace {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr const char* kEndpointsFile = "endpoints.json";
constexpr std::size_t kEndpointsMax = 64 * 1024;
constexpr const char* kBrokersMember = "hubBrokers";  // of a hub whose brokers have addresses of their own: each one's

// A program of ours as it can be pasted, wherever this one was started from.
std::string beside_us(const std::string& program) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? program : (self.parent_path() / program).string();
}

}  // namespace

std::string greeting(const Announcement& about) {
  const auto& options = about.options;
  const auto& folder = about.folder;
  const auto& ca_file = about.ca_file;
  const auto& hubs = about.hubs;
  std::ostringstream out;
  out << "Latchkey hub is up" << (folder.rehearsal() ? " (rehearsal)" : "") << ".\n\n"
      << "  DPS endpoint     " << options.endpoints.dps.text() << "   devices provision here (MQTT over TLS)\n"
      << "  Hub endpoint     " << options.endpoints.hub.text() << "   devices connect here, with their certificate\n";
  if (options.proxied()) out << "  Hub brokers      " << options.hub_brokers << "   behind that address\n";
  for (const auto& address : options.endpoints.more) out << "                   " << address.text() << "   or here\n";
  for (const auto& hub : hubs) {
    if (hub->name() != kHubName) out << "  Hub '" << hub->name() << "'   " << hub->address().text() << "\n";
  }
  if (options.https) {
    out << "  Management API   https://" << host_and_port(*options.https) << "   for callers with a token\n";
  }
  if (options.signing) {
    out << "  Signing          https://" << host_and_port(*options.signing) << "   digests, for callers with a token\n"
        << "                   http://" << host_and_port(options.signing_open)
        << "   timestamps, lists and CA certificates, for everybody\n";
  }
  if (options.metrics) {
    out << "  Metrics          http://" << host_and_port(*options.metrics) << "/metrics"
        << (is_loopback(*options.metrics) ? "" : "   not loopback: answers whoever reaches it") << "\n";
  }
  if (options.admin) {
    out << "  Rehearsal API    http://" << host_and_port(*options.admin) << "   with the secret in "
        << (folder.path() / "admin.secret").string() << "\n";
  }
  out << "  ID scope         " << folder.id_scope() << "\n"
      << "  Server CA file   " << ca_file.string() << "\n"
      << "  Enrollment key   " << folder.enrollment_key().string() << "   (group '" << kDefaultGroup << "')\n"
      << "  Data folder      " << folder.path().string() << "\n"
      << "  Keys             " << about.keys << "\n"
      << "  Key profile      " << registry::to_string(options.key_profile) << "\n";
  for (const auto& parity : options.parity) out << "  Parity           " << parity << "\n";
  out << "\nConnect a device:\n"
      << "  " << beside_us("latchkey-agent") << " --registration-id dev-1 --id-scope " << folder.id_scope() << " --dps "
      << options.endpoints.dps.text() << " \\\n    --ca " << ca_file.string() << " --key-file "
      << folder.enrollment_key().string() << " --group-key --state ./dev-1"
      << (options.p384_alone ? " --key-profile ec-p384" : "") << "\n"
      << "Take its trust away:\n"
      << "  " << beside_us("latchkey") << " --data " << folder.path().string() << " device revoke -n dev-1\n\n"
      << "Ctrl-C stops hub and brokers.\n";
  return std::move(out).str();
}

Outcome<Nothing> write_endpoints(const Announcement& about) {
  nlohmann::json json{
      {"dps", about.options.endpoints.dps.text()}, {"hub", about.options.endpoints.hub.text()},
      {"idScope", about.folder.id_scope()},        {"caFile", about.ca_file.string()},
      {"enrollmentGroup", kDefaultGroup},          {"enrollmentKeyFile", about.folder.enrollment_key().string()},
      {"data", about.folder.path().string()},      {"pid", ::getpid()}};
  json["parity"] = about.options.parity;
  for (const auto& hub : about.hubs) {
    json["hubs"][hub->name()] = host_and_port(hub->address());
    if (hub->gates().size() == 1 || hub->front() != nullptr) continue;
    for (const auto& gate : hub->gates()) json[kBrokersMember][gate->name()] = host_and_port(gate->address());
  }
  if (const auto& status = about.options.status; status.served) {
    json["status"] = host_and_port(status.address);
    json["statusUrl"] = status_url(status);
  }
  if (const auto& https = about.options.https) json["https"] = "https://" + host_and_port(*https);
  if (const auto& signing = about.options.signing) {
    json["signing"] = "https://" + host_and_port(*signing);
    json["signingOpen"] = "http://" + host_and_port(about.options.signing_open);
  }
  if (const auto& metrics = about.options.metrics) json["metrics"] = host_and_port(*metrics);
  if (const auto& admin = about.options.admin) {
    json["admin"] = host_and_port(*admin);
    json["adminSecretFile"] = (about.folder.path() / "admin.secret").string();
  }
  const auto text = json.dump(2) + "\n";
  for (const auto& file : {about.folder.path() / kEndpointsFile, about.options.endpoints_file}) {
    if (!file.empty() && !files::replace_file(file, text, files::kPublicFile)) {
      return refuse(Reason::kStorage, file.string() + " cannot be written");
    }
  }
  return Nothing{};
}

namespace {

// What the last run told, and whether an address in it can be had again.
class LastRun {
 public:
  explicit LastRun(const DataFolder& folder)
      : folder_(folder),
        told_(nlohmann::json::parse(files::read_text(folder.path() / kEndpointsFile, kEndpointsMax).value_or(""),
                                    nullptr, false)) {}

  // What stands there, when it is an address that is free or held by a process of that run with these files.
  std::optional<Address> reuse(const nlohmann::json::json_pointer& place, const std::string& files) const {
    if (!told_.is_object() || !told_.contains(place) || !told_.at(place).is_string()) return std::nullopt;
    const auto before = parse_address(told_.at(place).get<std::string>());
    if (!before) return std::nullopt;
    if (auto again = reserve(*before)) return *again;
    const bool ours = brokers::Broker::left_behind(Gate::pid_file(folder_, files), folder_.nonce());
    return ours ? std::optional(*before) : std::nullopt;
  }
  // Of all hubs but the first.
  std::set<std::string> other_hosts() const {
    std::set<std::string> hosts;
    if (!told_.is_object() || !told_.contains("hubs")) return hosts;
    for (const auto& [name, address] : told_.at("hubs").items()) {
      const auto parsed = address.is_string() ? parse_address(address.get<std::string>()) : parse_address("");
      if (name != kHubName && parsed) hosts.insert(parsed->host);
    }
    return hosts;
  }

 private:
  const DataFolder& folder_;
  const nlohmann::json told_;
};

Outcome<Address> next_address(const Address& hub, bool any_port, const std::set<std::string>& taken) {
  constexpr int kLast = 255;
  if (any_port || !hub.host.starts_with("127.")) return choose_port({hub.host, 0});
  const auto dot = hub.host.rfind('.');
  for (int last = std::stoi(hub.host.substr(dot + 1)) + 1; last < kLast; ++last) {
    const Address candidate{hub.host.substr(0, dot + 1) + std::to_string(last), hub.port};
    if (taken.count(candidate.host) != 0) continue;
    if (auto free = reserve(candidate)) return free;
  }
  return refuse(Reason::kInvalidArgument, "there are no addresses behind " + hub.text() + " for so many brokers");
}

Outcome<std::vector<Address>> more_addresses(const UpOptions& wanted, const Endpoints& chosen, const LastRun& last) {
  const bool any_port = wanted.endpoints.hub.port == 0;
  auto taken = last.other_hosts();
  taken.insert(chosen.dps.host);
  taken.insert(chosen.hub.host);
  std::vector<Address> more;
  for (unsigned i = 1; i < wanted.hub_brokers; ++i) {
    const auto name = HubEndpoint::broker_name(kHubName, i, wanted.hub_brokers);
    const auto before = last.reuse(nlohmann::json::json_pointer() / kBrokersMember / name,
                                   HubEndpoint::broker_files(kHubName, i, wanted.hub_brokers));
    const bool fits = before && (any_port ? before->host == chosen.hub.host : before->port == chosen.hub.port) &&
                      (any_port || taken.count(before->host) == 0);
    LATCHKEY_TRY(address, fits ? Outcome<Address>(*before) : next_address(chosen.hub, any_port, taken));
    taken.insert(address.host);
    more.push_back(std::move(address));
  }
  return more;
}

}  // namespace

Outcome<Endpoints> choose_endpoints(const UpOptions& wanted, const DataFolder& folder) {
  const LastRun last(folder);
  const auto choose = [&last](Address address, const char* member, const std::string& files) -> Outcome<Address> {
    if (address.port == 0) {
      const auto before = last.reuse(nlohmann::json::json_pointer() / member, files);
      if (before && before->host == address.host) return *before;
    }
    return choose_port(std::move(address));
  };
  const auto first = wanted.proxied() ? kFrontFiles : HubEndpoint::broker_files(kHubName, 0, wanted.hub_brokers);
  Endpoints chosen;
  LATCHKEY_TRY(dps, choose(wanted.endpoints.dps, kDpsGate, kDpsGate));
  LATCHKEY_TRY(hub, choose(wanted.endpoints.hub, kHubName, first));
  chosen.dps = dps;
  chosen.hub = hub;
  if (wanted.hub_brokers > 1 && !wanted.proxied()) {
    LATCHKEY_TRY(more, more_addresses(wanted, chosen, last));
    chosen.more = std::move(more);
  }
  return chosen;
}

}  // namespace latchkey::hub::app
