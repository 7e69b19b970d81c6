// SPDX-License-Identifier: Apache-2.0
// Resources as JSON: ARM's envelope {id, name, type, systemData, properties} for what lives in Azure Resource Manager,
// the flat form of the DPS service API for enrollments and registrations, plain objects for what is ours.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "hub/management/internal/handlers.h"
#include "platform/base/percent.h"

namespace latchkey::hub::management {

// Names of namespaces and policies by uuid, read when they are first asked for; one per request.
class Names {
 public:
  explicit Names(registry::Registry& registry) : registry_(registry) {}
  std::string ns(const Uuid& uuid);  // empty when it is gone
  // The policy's resource id; nothing when it was deleted.
  std::optional<std::string> policy_id(const Uuid& uuid);
  const Place& place();

 private:
  void load_policies();
  registry::Registry& registry_;
  std::optional<std::map<Uuid, std::string>> namespaces_;
  std::optional<std::map<Uuid, std::string>> policies_;
  std::optional<Place> place_;
};

std::string namespace_path(const std::string& ns);
std::string credential_path(const std::string& ns);
std::string policy_path(const std::string& ns, const std::string& policy);

nlohmann::json namespace_json(const Place& place, const registry::Namespace& ns);
nlohmann::json credential_json(const Place& place, const std::string& ns, const registry::Credential& credential,
                               const registry::CaCertificate& root);
// `pending`: of a policy with a root of its own, the CA whose CSR waits.
nlohmann::json policy_json(const Place& place, const std::string& ns, const registry::Policy& policy,
                           const registry::CaCertificate& issuing,
                           const std::optional<registry::CaCertificate>& pending = std::nullopt);
nlohmann::json device_json(const std::string& ns, const registry::Device& device, std::optional<bool> connected,
                           Names& names);
nlohmann::json issued_json(const registry::IssuedCertificate& certificate, const registry::Device& device,
                           Names& names);
nlohmann::json enrollment_json(const registry::Enrollment& enrollment, Names& names);
nlohmann::json hub_json(const registry::Hub& hub, Names& names);
nlohmann::json hub_certificate_json(const registry::HubCertificate& certificate, const std::string& hub,
                                    const registry::CaCertificate& ca, Names& names);
nlohmann::json ca_json(const registry::CaCertificate& ca, const std::string& crl_file, Names& names);
nlohmann::json registration_json(const registry::Registration& registration, Names& names);

// {"value":[...],"nextLink"?}
nlohmann::json list_json(nlohmann::json value, const std::string& next_link = {});

}  // namespace latchkey::hub::management
