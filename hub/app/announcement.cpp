// SPDX-License-Identifier: Apache-2.0
#include "hub/app/announcement.h"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "hub/app/bootstrap.h"
#include "hub/app/dps_endpoint.h"
#include "platform/files/file.h"

namespace latchkey::hub::app {
namespace {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr const char* kEndpointsFile = "endpoints.json";
constexpr std::size_t kEndpointsMax = 64 * 1024;

// A program of ours as it can be pasted, wherever this one was started from.
std::string beside_us(const std::string& program) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? program : (self.parent_path() / program).string();
}

}  // namespace

std::string greeting(const Announcement& about) {
  const auto& [options, folder, ca_file, hubs] = about;
  std::ostringstream out;
  out << "Latchkey hub is up" << (folder.rehearsal() ? " (rehearsal)" : "") << ".\n\n"
      << "  DPS endpoint     " << options.endpoints.dps.text() << "   devices provision here (MQTT over TLS)\n"
      << "  Hub endpoint     " << options.endpoints.hub.text() << "   devices connect here, with their certificate\n";
  for (const auto& hub : hubs) {
    if (hub->name() != kHubName) out << "  Hub '" << hub->name() << "'   " << hub->gate().address().text() << "\n";
  }
  if (options.https) {
    out << "  Management API   https://" << host_and_port(*options.https) << "   for callers with a token\n";
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
  for (const auto& hub : about.hubs) json["hubs"][hub->name()] = host_and_port(hub->gate().address());
  if (const auto& status = about.options.status; status.served) {
    json["status"] = host_and_port(status.address);
    json["statusUrl"] = status_url(status);
  }
  if (const auto& https = about.options.https) json["https"] = "https://" + host_and_port(*https);
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

Outcome<Endpoints> choose_endpoints(const Endpoints& wanted, const DataFolder& folder) {
  const auto text = files::read_text(folder.path() / kEndpointsFile, kEndpointsMax).value_or("");
  const auto last = nlohmann::json::parse(text, nullptr, false);
  const auto choose = [&last, &folder](Address address, const char* gate) -> Outcome<Address> {
    if (address.port == 0 && last.is_object() && last.value(gate, nlohmann::json()).is_string()) {
      const auto before = parse_address(last[gate].get<std::string>());
      if (before && before->host == address.host &&
          (is_free(*before) || brokers::Broker::left_behind(Gate::pid_file(folder, gate), folder.nonce()))) {
        return *before;
      }
    }
    return choose_port(std::move(address));
  };
  LATCHKEY_TRY(dps, choose(wanted.dps, kDpsGate));
  LATCHKEY_TRY(hub, choose(wanted.hub, kHubName));
  return Endpoints{dps, hub};
}

}  // namespace latchkey::hub::app
