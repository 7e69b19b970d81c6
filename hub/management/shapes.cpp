// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/shapes.h"

#include <nlohmann/json.hpp>

#include "hub/management/internal/text.h"
#include "registry/model/etag.h"

namespace latchkey::hub::management {

using nlohmann::json;

namespace {

// Member by member, as device_json: an initializer list makes an array of every pair first, which is half the time of a
// page of devices.
json envelope(std::string id, const std::string& name, const char* type, UnixMs created) {
  json result;
  result["id"] = std::move(id);
  result["name"] = name;
  result["type"] = type;
  result["systemData"]["createdAt"] = iso8601(created);
  return result;
}

json time_or_null(UnixMs at) { return at == 0 ? json() : json(iso8601(at)); }
json text_or_null(const std::optional<std::string>& text) { return text ? json(*text) : json(); }

std::string_view to_string(registry::CaStatus status) {
  switch (status) {
    case registry::CaStatus::kActive: return "active";
    case registry::CaStatus::kRevoked: return "revoked";
    case registry::CaStatus::kRetired: return "retired";
    case registry::CaStatus::kPending: return "pending";
  }
  return "unknown";
}

std::string_view to_string(registry::CertificateStatus status) {
  switch (status) {
    case registry::CertificateStatus::kReserved: return "reserved";
    case registry::CertificateStatus::kIssued: return "issued";
    case registry::CertificateStatus::kRevoked: return "revoked";
  }
  return "unknown";
}

// A CA that waits for its certificate has neither.
json thumbprint_or_null(const registry::CaCertificate& ca) {
  return ca.der.empty() ? json() : json(sha256_thumbprint(ca.der));
}
json certificate_or_null(const registry::CaCertificate& ca) {
  return ca.der.empty() ? json() : json(pem_from_der(ca.der));
}

json ca_configuration(const registry::CaCertificate& ca, registry::KeyProfile profile) {
  return {{"keyType", "ECC"},
          {"keyProfile", registry::to_string(profile)},
          {"subject", ca.subject},
          {"thumbprint", thumbprint_or_null(ca)},
          {"certificateAuthority", uuid_text(ca.id)},
          {"validityNotBefore", time_or_null(ca.not_before)},
          {"validityNotAfter", time_or_null(ca.not_after)}};
}

json own_root(const registry::CaCertificate& issuing, const std::optional<registry::CaCertificate>& pending) {
  const bool active = issuing.status != registry::CaStatus::kPending;
  const char* status = !active ? "PendingActivation" : pending ? "ActiveButPendingRenewal" : "Active";
  return {{"enabled", true},
          {"status", status},
          {"certificateSigningRequest", pending ? json(pem_from_der(pending->csr, "CERTIFICATE REQUEST")) : json()},
          {"issuingCertificateThumbprint", thumbprint_or_null(issuing)}};
}

std::string policy_resource(const Place& place, const std::string& ns, const std::string& policy) {
  return resource_id(place, {"namespaces", ns, "credentials", "default", "policies", policy});
}

json enrolled_certificate(const registry::Bytes& der) {
  const auto facts = facts_of(der);
  return {{"certificate", pem_from_der(der)},
          {"info",
           {{"subjectName", facts.subject},
            {"sha256Thumbprint", sha256_thumbprint(der)},
            {"notBeforeUtc", iso8601(facts.not_before)},
            {"notAfterUtc", iso8601(facts.not_after)}}}};
}

// What twin::read_initial made: an object, or nothing.
json object_of(const std::string& text) {
  auto object = json::parse(text, nullptr, false);
  return object.is_object() ? object : json::object();
}

}  // namespace

std::string namespace_path(const std::string& ns) { return "/namespaces/" + percent_encode(ns); }
std::string credential_path(const std::string& ns) { return namespace_path(ns) + "/credentials/default"; }
std::string policy_path(const std::string& ns, const std::string& policy) {
  return credential_path(ns) + "/policies/" + percent_encode(policy);
}

std::string Names::ns(const Uuid& uuid) {
  if (!namespaces_) {
    namespaces_.emplace();
    if (const auto list = registry_.list_namespaces()) {
      for (const auto& item : *list) namespaces_->emplace(item.uuid, item.name);
    }
  }
  const auto found = namespaces_->find(uuid);
  return found == namespaces_->end() ? std::string() : found->second;
}

void Names::load_policies() {
  policies_.emplace();
  (void)ns(Uuid{});
  for (const auto& [uuid, name] : *namespaces_) {
    const auto list = registry_.list_policies(name);
    if (!list) continue;  // a namespace without a credential
    for (const auto& policy : *list) policies_->emplace(policy.uuid, policy_resource(place(), name, policy.name));
  }
}

const Place& Names::place() {
  if (!place_) {
    const auto subscription = registry_.setting(std::string(registry::kSubscriptionSetting));
    place_ = Place{subscription && *subscription ? **subscription : std::string()};
  }
  return *place_;
}

std::optional<std::string> Names::policy_id(const Uuid& uuid) {
  if (!policies_) load_policies();
  const auto found = policies_->find(uuid);
  if (found == policies_->end()) return std::nullopt;
  return found->second;
}

json namespace_json(const Place& place, const registry::Namespace& ns) {
  auto result =
      envelope(resource_id(place, {"namespaces", ns.name}), ns.name, "Microsoft.DeviceRegistry/namespaces", ns.created);
  result["properties"] = {{"uuid", uuid_text(ns.uuid)}, {"provisioningState", "Succeeded"}};
  return result;
}

json credential_json(const Place& place, const std::string& ns, const registry::Credential& credential,
                     const registry::CaCertificate& root) {
  auto result = envelope(resource_id(place, {"namespaces", ns, "credentials", "default"}), "default",
                         "Microsoft.DeviceRegistry/namespaces/credentials", credential.created);
  result["properties"] = {{"uuid", uuid_text(credential.uuid)},
                          {"provisioningState", "Succeeded"},
                          {"certificateAuthorityConfiguration", ca_configuration(root, credential.key_profile)}};
  return result;
}

json policy_json(const Place& place, const std::string& ns, const registry::Policy& policy,
                 const registry::CaCertificate& issuing, const std::optional<registry::CaCertificate>& pending) {
  auto authority = ca_configuration(issuing, policy.key_profile);
  if (policy.own_root) authority["bringYourOwnRoot"] = own_root(issuing, pending);
  auto result = envelope(policy_resource(place, ns, policy.name), policy.name,
                         "Microsoft.DeviceRegistry/namespaces/credentials/policies", policy.created);
  result["properties"] = {{"uuid", uuid_text(policy.uuid)},
                          {"provisioningState", "Succeeded"},
                          {"certificate",
                           {{"certificateAuthorityConfiguration", std::move(authority)},
                            {"leafCertificateConfiguration", {{"validityPeriodInDays", policy.validity_days}}}}}};
  return result;
}

json device_json(const std::string& ns, const registry::Device& device, std::optional<bool> connected, Names& names) {
  auto result = envelope(resource_id(names.place(), {"namespaces", ns, "devices", device.id}), device.id,
                         "Microsoft.DeviceRegistry/namespaces/devices", device.created);
  result["systemData"]["lastModifiedAt"] = iso8601(device.updated);
  auto& properties = result["properties"];
  properties["uuid"] = uuid_text(device.uuid);
  properties["enabled"] = device.enabled;
  properties["credentialId"] = hex(device.credential_id.bytes);
  properties["registrationId"] = device.registration_id;
  properties["version"] = device.version;
  properties["lastTransitionTime"] = iso8601(device.updated);
  properties["lastRevokedAt"] = time_or_null(device.last_revoked);
  auto& policy = properties["policy"];
  if (device.policy) policy["resourceId"] = text_or_null(names.policy_id(*device.policy));
  properties["connected"] = connected ? json(*connected) : json();
  properties["provisioningState"] = "Succeeded";
  return result;
}

json issued_json(const registry::IssuedCertificate& certificate, const registry::Device& device, Names& names) {
  const bool matches = certificate.device == device.uuid && certificate.credential_id == device.credential_id;
  return {{"serialNumber", hex(certificate.serial)},
          {"status", to_string(certificate.status)},
          {"identifierCurrent", matches},  // what the hub's verdict hangs on
          {"policy", {{"resourceId", text_or_null(names.policy_id(certificate.policy))}}},
          {"certificateAuthority", uuid_text(certificate.ca)},
          {"validityNotBefore", iso8601(certificate.not_before)},
          {"validityNotAfter", iso8601(certificate.not_after)},
          {"issuedAt", time_or_null(certificate.issued_at)},
          {"revokedAt", time_or_null(certificate.revoked_at)}};
}

json enrollment_json(const registry::Enrollment& enrollment, Names& names) {
  json attestation = {{"type", "symmetricKey"}};
  if (enrollment.attestation == registry::AttestationKind::kX509) {
    json pair = {{"primary", enrolled_certificate(enrollment.primary)}};
    if (!enrollment.secondary.empty()) pair["secondary"] = enrolled_certificate(enrollment.secondary);
    const char* kind = enrollment.group ? "signingCertificates" : "clientCertificates";
    attestation = {{"type", "x509"}, {"x509", {{kind, std::move(pair)}}}};
  }
  json result = {{enrollment.group ? "enrollmentGroupId" : "registrationId", enrollment.id},
                 {"namespace", names.ns(enrollment.namespace_uuid)},
                 {"attestation", std::move(attestation)},
                 {"credentialPolicyName", enrollment.policy_name},
                 {"provisioningStatus", enrollment.enabled ? "enabled" : "disabled"},
                 {"allocationPolicy", registry::to_string(enrollment.allocation)},
                 {"iotHubs", enrollment.hubs},
                 {"reprovisionPolicy",
                  {{"updateHubAssignment", enrollment.reprovision.update_hub_assignment},
                   {"migrateDeviceData", enrollment.reprovision.migrate_device_data}}},
                 {"createdDateTimeUtc", iso8601(enrollment.created)},
                 {"etag", registry::etag_of(enrollment)},
                 {"lastUpdatedDateTimeUtc", iso8601(enrollment.updated)}};
  if (enrollment.allocation == registry::AllocationPolicy::kStatic) result["iotHubHostName"] = enrollment.hubs.front();
  if (!enrollment.group) result["deviceId"] = enrollment.device_id;
  if (!enrollment.initial_twin.empty()) {
    result["initialTwin"] = {{"tags", object_of(enrollment.initial_twin.tags)},
                             {"properties", {{"desired", object_of(enrollment.initial_twin.desired)}}}};
  }
  return result;
}

json hub_json(const registry::Hub& hub, Names& names) {
  auto result =
      envelope(resource_id(names.place(), {"hubs", hub.name}), hub.name, "Microsoft.Devices/IotHubs", hub.created);
  result["properties"] = {
      {"uuid", uuid_text(hub.uuid)},
      {"hostName", hub.host},
      {"listen", hub.listen},
      {"latencyMs", hub.latency_ms ? json(*hub.latency_ms) : json()},
      {"deviceRegistry",
       {{"namespaceResourceId", resource_id(names.place(), {"namespaces", names.ns(hub.namespace_uuid)})}}}};
  return result;
}

json hub_certificate_json(const registry::HubCertificate& certificate, const std::string& hub,
                          const registry::CaCertificate& ca, Names& names) {
  auto result = envelope(resource_id(names.place(), {"hubs", hub, "certificates", certificate.name}), certificate.name,
                         "Microsoft.Devices/IotHubs/Certificates", certificate.created);
  json policy_id;
  if (certificate.policy) policy_id = text_or_null(names.policy_id(*certificate.policy));
  result["etag"] = registry::etag_of(certificate);
  result["properties"] = {{"subject", ca.subject},
                          {"expiry", rfc7231(ca.not_after)},
                          {"created", rfc7231(certificate.created)},
                          {"updated", rfc7231(certificate.created)},
                          {"thumbprint", sha256_thumbprint(ca.der)},
                          {"isVerified", true},
                          {"certificate", base64(ca.der)},
                          {"certificateAuthority", uuid_text(ca.id)},
                          {"policyResourceId", policy_id}};
  return result;
}

json ca_json(const registry::CaCertificate& ca, const std::string& crl_file, Names& names) {
  const bool root = ca.kind == registry::CaKind::kRoot;
  json result = {{"name", uuid_text(ca.id)},
                 {"kind", root ? "root" : "issuing"},
                 {"status", to_string(ca.status)},
                 {"subject", ca.subject},
                 {"serialNumber", hex(ca.serial)},
                 {"thumbprint", thumbprint_or_null(ca)},
                 {"validityNotBefore", time_or_null(ca.not_before)},
                 {"validityNotAfter", time_or_null(ca.not_after)},
                 {"issuer", ca.issuer.is_zero() ? json() : json(uuid_text(ca.issuer))},
                 {"owner", uuid_text(ca.owner)},
                 {"policy", json()},
                 {"keyPresent", !ca.key_ref.empty()},
                 {"revokedAt", time_or_null(ca.revoked_at)},
                 {"crlNumber", ca.crl_number},
                 {"crlDue", ca.crl_due},
                 {"crlFile", crl_file.empty() ? json() : json(crl_file)},
                 {"certificate", certificate_or_null(ca)}};
  if (!root) result["policy"] = {{"resourceId", text_or_null(names.policy_id(ca.owner))}};
  return result;
}

json registration_json(const registry::Registration& registration, Names& names) {
  return {{"registrationId", registration.registration_id},
          {"namespace", names.ns(registration.namespace_uuid)},
          {"status", "assigned"},
          {"substatus", registry::to_string(registration.substatus)},
          {"assignedHub", registration.hub},
          {"hubName", registration.hub_name},
          {"deviceId", registration.device_id},
          {"enrollment", uuid_text(registration.enrollment)},
          {"createdDateTimeUtc", iso8601(registration.created)},
          {"lastUpdatedDateTimeUtc", iso8601(registration.updated)}};
}

json list_json(json value, const std::string& next_link) {
  if (value.is_null()) value = json::array();
  json result = {{"value", std::move(value)}};
  if (!next_link.empty()) result["nextLink"] = next_link;
  return result;
}

}  // namespace latchkey::hub::management
