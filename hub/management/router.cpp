// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/router.h"

#include <algorithm>
#include <optional>

#include "hub/management/internal/actions.h"

namespace latchkey::hub::management {

using registry::Reason;

const std::vector<Route>& routes() {
  using enum Method;
  static const std::vector<Route> table = {
      {kGet, "/status", kReadStatus, show_status},

      {kGet, "/namespaces", kReadNamespace, list_namespaces},
      {kGet, "/namespaces/{}", kReadNamespace, show_namespace},
      {kPut, "/namespaces/{}", kWriteNamespace, create_namespace},
      {kDelete, "/namespaces/{}", kDeleteNamespace, delete_namespace},

      {kGet, "/namespaces/{}/credentials/default", kReadCredential, show_credential},
      {kPut, "/namespaces/{}/credentials/default", kWriteCredential, create_credential},
      {kDelete, "/namespaces/{}/credentials/default", kDeleteCredential, delete_credential, "override"},
      {kPost, "/namespaces/{}/credentials/default/synchronize", kSynchronizeCredential, sync_credential},

      {kGet, "/namespaces/{}/credentials/default/policies", kReadPolicy, list_policies},
      {kGet, "/namespaces/{}/credentials/default/policies/{}", kReadPolicy, show_policy},
      {kPut, "/namespaces/{}/credentials/default/policies/{}", kWritePolicy, create_policy},
      {kPatch, "/namespaces/{}/credentials/default/policies/{}", kWritePolicy, update_policy},
      {kDelete, "/namespaces/{}/credentials/default/policies/{}", kDeletePolicy, delete_policy, "override"},
      {kPost, "/namespaces/{}/credentials/default/policies/{}/revokeIssuer", kRevokeIssuer, revoke_policy},
      {kPost, "/namespaces/{}/credentials/default/policies/{}/activateBringYourOwnRoot", kActivateOwnRoot,
       activate_own_root},

      {kGet, "/namespaces/{}/devices", kReadDevice, list_devices, "top,skipToken"},
      {kGet, "/namespaces/{}/devices/{}", kReadDevice, show_device},
      {kPut, "/namespaces/{}/devices/{}", kWriteDevice, create_device},
      {kPatch, "/namespaces/{}/devices/{}", kWriteDevice, update_device},
      {kDelete, "/namespaces/{}/devices/{}", kDeleteDevice, delete_device},
      {kPost, "/namespaces/{}/devices/{}/revoke", kRevokeDevice, revoke_device},
      {kGet, "/namespaces/{}/devices/{}/certificates", kReadDevice, list_device_certificates},
      {kPost, "/namespaces/{}/devices/{}/messages", kSendMessage, send_message},

      {kGet, "/twins/{}", kReadTwin, show_twin, "namespace"},
      {kPatch, "/twins/{}", kWriteTwin, update_twin, "namespace"},
      {kPut, "/twins/{}", kWriteTwin, replace_twin, "namespace"},
      {kPost, "/twins/{}/methods", kInvokeMethod, invoke_method, "namespace"},

      {kGet, "/enrollments", kReadEnrollment, list_enrollments<false>},
      {kGet, "/enrollments/{}", kReadEnrollment, show_enrollment<false>},
      {kPut, "/enrollments/{}", kWriteEnrollment, create_enrollment<false>},
      {kPatch, "/enrollments/{}", kWriteEnrollment, update_enrollment<false>},
      {kDelete, "/enrollments/{}", kDeleteEnrollment, delete_enrollment<false>},
      {kPost, "/enrollments/{}/attestationmechanism", kShowAttestation, show_attestation<false>},

      {kGet, "/enrollmentGroups", kReadEnrollmentGroup, list_enrollments<true>},
      {kGet, "/enrollmentGroups/{}", kReadEnrollmentGroup, show_enrollment<true>},
      {kPut, "/enrollmentGroups/{}", kWriteEnrollmentGroup, create_enrollment<true>},
      {kPatch, "/enrollmentGroups/{}", kWriteEnrollmentGroup, update_enrollment<true>},
      {kDelete, "/enrollmentGroups/{}", kDeleteEnrollmentGroup, delete_enrollment<true>},
      {kPost, "/enrollmentGroups/{}/attestationmechanism", kShowAttestation, show_attestation<true>},

      {kGet, "/hubs", kReadHub, list_hubs},
      {kGet, "/hubs/{}", kReadHub, show_hub},
      {kGet, "/hubs/{}/certificates", kReadHubCertificate, list_hub_certificates},
      {kGet, "/hubs/{}/certificates/{}", kReadHubCertificate, show_hub_certificate},
      {kDelete, "/hubs/{}/certificates/{}", kDeleteHubCertificate, delete_hub_certificate},

      {kGet, "/certificateAuthorities", kReadCa, list_cas},
      {kGet, "/certificateAuthorities/{}", kReadCa, show_ca},

      {kGet, "/registrations", kReadRegistration, list_registrations},
      {kGet, "/registrations/{}", kReadRegistration, show_registration},

      {kGet, "/principals", kReadPrincipal, list_principals},
      {kGet, "/principals/{}", kReadPrincipal, show_principal},
      {kPut, "/principals/{}", kWritePrincipal, create_principal},
      {kPost, "/principals/{}/revoke", kDeletePrincipal, revoke_principal},
      {kDelete, "/principals/{}", kDeletePrincipal, delete_principal},

      {kGet, "/roleDefinitions", kReadRoleDefinition, list_role_definitions},
      {kGet, "/roleDefinitions/{}", kReadRoleDefinition, show_role_definition},
      {kPut, "/roleDefinitions/{}", kWriteRoleDefinition, create_role_definition},
      {kDelete, "/roleDefinitions/{}", kDeleteRoleDefinition, delete_role_definition},

      {kGet, "/roleAssignments", kReadRoleAssignment, list_role_assignments, "scope,exact,assignee,role"},
      {kPut, "/roleAssignments/{}", kWriteRoleAssignment, create_role_assignment, "scope"},
      {kDelete, "/roleAssignments/{}", kDeleteRoleAssignment, delete_role_assignment, "scope"},

      {kGet, "/audit", kReadAudit, list_audit, "top,before,from"},
      {kGet, "/audit/head", kReadAudit, show_audit_head},
      {kGet, "/audit/verification", kReadAudit, verify_audit, "head"},

      {kGet, "/decisions", kReadDecisions, list_decisions, "top,device,reason"},
      {kGet, "/decisions/counts", kReadDecisions, count_decisions},
  };
  return table;
}

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 section 2.1; '+' stays itself (device ids may contain it).
std::optional<std::string> percent_decode(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    result += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return result;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::vector<std::string>> decoded_segments(std::string_view path) {
  if (path.empty() || path[0] != '/') return std::nullopt;
  std::vector<std::string> segments;
  for (const auto part : split(path.substr(1), '/')) {
    auto segment = percent_decode(part);
    if (!segment || segment->empty()) return std::nullopt;
    segments.push_back(std::move(*segment));
  }
  return segments;
}

// What stands in the pattern's {}; nothing when the path is another one.
std::optional<std::vector<std::string>> names_in(const std::vector<std::string>& segments, std::string_view pattern) {
  const auto parts = split(pattern.substr(1), '/');
  if (parts.size() != segments.size()) return std::nullopt;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == "{}") {
      names.push_back(segments[i]);
    } else if (parts[i] != segments[i]) {
      return std::nullopt;
    }
  }
  return names;
}

std::string_view to_string(Method method) {
  switch (method) {
    case Method::kGet: return "GET";
    case Method::kPut: return "PUT";
    case Method::kPatch: return "PATCH";
    case Method::kPost: return "POST";
    case Method::kDelete: return "DELETE";
  }
  return "";
}

}  // namespace

Match find_route(Method method, std::string_view path) {
  Match match;
  const auto segments = decoded_segments(path);
  if (!segments) return match;
  for (const auto& route : routes()) {
    auto names = names_in(*segments, route.pattern);
    if (!names) continue;
    match.path_known = true;
    match.allowed += (match.allowed.empty() ? "" : ", ") + std::string(to_string(route.method));
    if (route.method != method || match.route) continue;
    match.route = &route;
    match.names = std::move(*names);
    match.segments = *segments;
  }
  return match;
}

Answer<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query, std::string_view known) {
  std::vector<std::pair<std::string, std::string>> result;
  if (query.empty()) return result;
  const auto names = split(known, ',');
  for (const auto part : split(query, '&')) {
    const auto equals = part.find('=');
    const auto name = percent_decode(part.substr(0, equals));
    const auto value = percent_decode(equals == std::string_view::npos ? "" : part.substr(equals + 1));
    if (!name || !value) return fault(Reason::kMalformedRequest, "the query has a broken percent escape");
    const bool expected = !name->empty() && std::find(names.begin(), names.end(), *name) != names.end();
    if (!expected && *name != "api-version") {
      return fault(Reason::kMalformedRequest, "unknown query parameter '" + name->substr(0, 64) + "'",
                   name->substr(0, 64));
    }
    const auto same = [&name](const auto& earlier) { return earlier.first == *name; };
    if (std::any_of(result.begin(), result.end(), same)) {
      return fault(Reason::kMalformedRequest, "query parameter '" + *name + "' is given twice", *name);
    }
    result.emplace_back(*name, *value);
  }
  return result;
}

}  // namespace latchkey::hub::management
