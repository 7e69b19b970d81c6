// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/router.h"

#include <algorithm>
#include <optional>

#include "hub/management/internal/actions.h"
#include "hub/management/internal/firmware_handlers.h"
#include "hub/management/internal/signing_actions.h"
#include "hub/management/internal/signing_handlers.h"
#include "hub/management/internal/what_if.h"

namespace latchkey::hub::management {

using registry::Reason;

namespace {

constexpr std::string_view kPaging = "top,skipToken,$top,$skipToken";

}  // namespace

const std::vector<Route>& routes() {
  using enum Method;
  static const std::vector<Route> table = {
      {kGet, "/status", kReadStatus, show_status},
      {kGet, "/openapi.json", kReadStatus, show_openapi},
      {kGet, "/operationStatuses/{}", kReadOperation, show_operation_status},
      {kGet, "/operationResults/{}", kReadOperation, show_operation_result},

      {kGet, "/namespaces", kReadNamespace, list_namespaces, kPaging},
      {kGet, "/namespaces/{}", kReadNamespace, show_namespace},
      {kPut, "/namespaces/{}", kWriteNamespace, create_namespace},
      {kPatch, "/namespaces/{}", kWriteNamespace, update_namespace},
      {kDelete, "/namespaces/{}", kDeleteNamespace, delete_namespace},

      {kGet, "/namespaces/{}/credentials/default", kReadCredential, show_credential},
      {kPut, "/namespaces/{}/credentials/default", kWriteCredential, create_credential},
      {kPatch, "/namespaces/{}/credentials/default", kWriteCredential, update_credential},
      {kDelete, "/namespaces/{}/credentials/default", kDeleteCredential, delete_credential, kWhatIfOrOverride},
      {kPost, "/namespaces/{}/credentials/default/synchronize", kSynchronizeCredential, sync_credential},

      {kGet, "/namespaces/{}/credentials/default/policies", kReadPolicy, list_policies, kPaging},
      {kGet, "/namespaces/{}/credentials/default/policies/{}", kReadPolicy, show_policy},
      {kPut, "/namespaces/{}/credentials/default/policies/{}", kWritePolicy, create_policy},
      {kPatch, "/namespaces/{}/credentials/default/policies/{}", kWritePolicy, update_policy},
      {kDelete, "/namespaces/{}/credentials/default/policies/{}", kDeletePolicy, delete_policy, kWhatIfOrOverride},
      {kPost, "/namespaces/{}/credentials/default/policies/{}/revokeIssuer", kRevokeIssuer, revoke_policy, kWhatIf},
      {kPost, "/namespaces/{}/credentials/default/policies/{}/activateBringYourOwnRoot", kActivateOwnRoot,
       activate_own_root},

      {kGet, "/namespaces/{}/devices", kReadDevice, list_devices, kPaging},
      {kGet, "/namespaces/{}/devices/{}", kReadDevice, show_device},
      {kPut, "/namespaces/{}/devices/{}", kWriteDevice, create_device},
      {kPatch, "/namespaces/{}/devices/{}", kWriteDevice, update_device, kWhatIf},
      {kDelete, "/namespaces/{}/devices/{}", kDeleteDevice, delete_device, kWhatIf},
      {kPost, "/namespaces/{}/devices/{}/revoke", kRevokeDevice, revoke_device, kWhatIf},
      {kGet, "/namespaces/{}/devices/{}/certificates", kReadDevice, list_device_certificates, kPaging},
      {kPost, "/namespaces/{}/devices/{}/messages", kSendMessage, send_message},
      {kGet, "/namespaces/{}/devices/{}/messages", kReadMessage, list_messages},
      {kDelete, "/namespaces/{}/devices/{}/messages", kPurgeMessage, purge_messages},

      {kGet, "/twins/{}", kReadTwin, show_twin, "namespace"},
      {kPatch, "/twins/{}", kWriteTwin, update_twin, "namespace"},
      {kPut, "/twins/{}", kWriteTwin, replace_twin, "namespace"},
      {kPost, "/twins/{}/methods", kInvokeMethod, invoke_method, "namespace"},

      {kGet, "/enrollments", kReadEnrollment, list_enrollments<false>},
      {kPost, "/enrollments", kWriteEnrollment, change_enrollments<false>},
      {kPost, "/enrollments/query", kReadEnrollment, query_enrollments<false>},
      {kGet, "/enrollments/{}", kReadEnrollment, show_enrollment<false>},
      {kPut, "/enrollments/{}", kWriteEnrollment, create_enrollment<false>},
      {kPatch, "/enrollments/{}", kWriteEnrollment, update_enrollment<false>},
      {kDelete, "/enrollments/{}", kDeleteEnrollment, delete_enrollment<false>},
      {kPost, "/enrollments/{}/attestationmechanism", kShowAttestation, show_attestation<false>},

      {kGet, "/enrollmentGroups", kReadEnrollmentGroup, list_enrollments<true>},
      {kPost, "/enrollmentGroups", kWriteEnrollmentGroup, change_enrollments<true>},
      {kPost, "/enrollmentGroups/query", kReadEnrollmentGroup, query_enrollments<true>},
      {kGet, "/enrollmentGroups/{}", kReadEnrollmentGroup, show_enrollment<true>},
      {kPut, "/enrollmentGroups/{}", kWriteEnrollmentGroup, create_enrollment<true>},
      {kPatch, "/enrollmentGroups/{}", kWriteEnrollmentGroup, update_enrollment<true>},
      {kDelete, "/enrollmentGroups/{}", kDeleteEnrollmentGroup, delete_enrollment<true>},
      {kPost, "/enrollmentGroups/{}/attestationmechanism", kShowAttestation, show_attestation<true>},

      {kGet, "/hubs", kReadHub, list_hubs},
      {kGet, "/hubs/{}", kReadHub, show_hub},
      {kPut, "/hubs/{}", kWriteHub, create_hub},
      {kPatch, "/hubs/{}", kWriteHub, update_hub},
      {kDelete, "/hubs/{}", kDeleteHub, delete_hub, "override"},
      {kGet, "/hubs/{}/certificates", kReadHubCertificate, list_hub_certificates},
      {kGet, "/hubs/{}/certificates/{}", kReadHubCertificate, show_hub_certificate},
      {kPut, "/hubs/{}/certificates/{}", kWriteHubCertificate, upload_hub_certificate},
      {kDelete, "/hubs/{}/certificates/{}", kDeleteHubCertificate, delete_hub_certificate, kWhatIf},
      {kPost, "/hubs/{}/certificates/{}/generateVerificationCode", kMakeVerificationCode, prove_hub_certificate},
      {kPost, "/hubs/{}/certificates/{}/verify", kVerifyHubCertificate, prove_hub_certificate},

      {kGet, "/provisioningServices", kReadProvisioningService, list_provisioning_services},
      {kGet, "/provisioningServices/{}", kReadProvisioningService, show_provisioning_service},
      {kPatch, "/provisioningServices/{}", kWriteProvisioningService, update_provisioning_service},

      {kGet, "/certificateAuthorities", kReadCa, list_cas},
      {kGet, "/certificateAuthorities/{}", kReadCa, show_ca},

      {kGet, "/registrations", kReadRegistration, list_registrations},
      {kGet, "/registrations/{}", kReadRegistration, show_registration},
      {kDelete, "/registrations/{}", kDeleteRegistration, delete_registration},
      {kPost, "/registrations/{}/query", kReadRegistration, query_registrations},

      {kGet, "/devices", kReadIdentity, list_identities, "top,namespace"},
      {kPost, "/devices", kWriteIdentity, change_identities, "namespace"},
      {kPost, "/devices/query", kReadIdentity, query_identities, "namespace"},
      {kGet, "/devices/{}", kReadIdentity, show_identity, "namespace"},
      {kPut, "/devices/{}", kWriteIdentity, put_identity, "namespace"},
      {kDelete, "/devices/{}", kDeleteIdentity, delete_identity, "namespace"},
      {kGet, "/statistics/devices", kReadIdentity, show_statistics, "namespace"},

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

      {kGet, "/tenants", kReadTenant, list_tenants},
      {kPatch, "/tenants/{}", kWriteTenant, update_tenant},
      {kGet, "/providers", kReadProvider, list_providers},
      {kGet, "/providers/{}", kReadProvider, show_provider},
      {kPost, "/providers/{}/register", kRegisterProvider, register_provider},
      {kGet, "/resourceGroups", kListGroups, list_groups, kPaging},
      {kGet, "/resourceGroups/{}", kReadGroup, show_group},
      {kPut, "/resourceGroups/{}", kWriteGroup, create_group},
      {kPatch, "/resourceGroups/{}", kWriteGroup, update_group},
      {kDelete, "/resourceGroups/{}", kDeleteGroup, delete_group},

      {kPost, "/checkNameAvailability", kCheckAccountName, check_account_name},
      {kGet, "/codeSigningAccounts", kListAccounts, list_all_accounts, kPaging},
      {kGet, "/resourceGroups/{}/codeSigningAccounts", kReadAccount, list_accounts, kPaging},
      {kGet, "/resourceGroups/{}/codeSigningAccounts/{}", kReadAccount, show_account},
      {kPut, "/resourceGroups/{}/codeSigningAccounts/{}", kWriteAccount, create_account},
      {kPatch, "/resourceGroups/{}/codeSigningAccounts/{}", kWriteAccount, update_account},
      {kDelete, "/resourceGroups/{}/codeSigningAccounts/{}", kDeleteAccount, delete_account},
      {kPost, "/resourceGroups/{}/codeSigningAccounts/{}/suspend", kSuspendAccount, suspend_account},
      {kPost, "/resourceGroups/{}/codeSigningAccounts/{}/previewSubject", kWriteProfile, preview_profile},
      {kGet, "/resourceGroups/{}/codeSigningAccounts/{}/certificateProfiles", kReadProfile, list_profiles, kPaging},
      {kGet, "/resourceGroups/{}/codeSigningAccounts/{}/certificateProfiles/{}", kReadProfile, show_profile},
      {kPut, "/resourceGroups/{}/codeSigningAccounts/{}/certificateProfiles/{}", kWriteProfile, create_profile},
      {kDelete, "/resourceGroups/{}/codeSigningAccounts/{}/certificateProfiles/{}", kDeleteProfile, delete_profile},
      {kPost, "/resourceGroups/{}/codeSigningAccounts/{}/certificateProfiles/{}/revokeCertificate", kRevokeCertificate,
       revoke_certificate},
      {kPost, "/resourceGroups/{}/codeSigningAccounts/{}/certificateProfiles/{}/revokeCertificates", kRevokeCertificate,
       revoke_certificates},
      {kPost, "/resourceGroups/{}/codeSigningAccounts/{}/certificateProfiles/{}/settleRevocation", kSettleRevocation,
       settle_revocation},
      {kPost, "/signingRevocations/hold", kHoldRevocations, hold_revocations},
      {kGet, "/signingRoots", kReadSigningRoot, list_signing_roots},
      {kGet, "/signingRoots/{}", kReadSigningRoot, show_signing_root},

      {kGet, "/resourceGroups/{}/codeSigningAccounts/{}/identityValidations", kReadValidation, list_validations,
       kPaging},
      {kPost, "/resourceGroups/{}/codeSigningAccounts/{}/identityValidations", kWriteValidation, create_validation},
      {kPost, "/resourceGroups/{}/codeSigningAccounts/{}/previewIdentity", kWriteValidation, preview_validation},
      {kGet, "/resourceGroups/{}/codeSigningAccounts/{}/identityValidations/{}", kReadValidation, show_validation},
      {kDelete, "/resourceGroups/{}/codeSigningAccounts/{}/identityValidations/{}", kDeleteValidation,
       delete_validation},
      {kPost, "/resourceGroups/{}/codeSigningAccounts/{}/identityValidations/{}/renew", kWriteValidation,
       renew_validation},
      {kPost, "/resourceGroups/{}/codeSigningAccounts/{}/identityValidations/{}/documents", kWriteValidation,
       submit_documents},
      {kPost, "/resourceGroups/{}/codeSigningAccounts/{}/identityValidations/{}/present", kWriteValidation,
       present_proof},
      {kGet, "/identityValidations", kReadAnyValidation, list_validations, kPaging},
      {kGet, "/identityValidations/{}", kReadAnyValidation, show_validation},
      {kDelete, "/identityValidations/{}", kDeleteAnyValidation, delete_validation},
      {kPost, "/identityValidations/{}/decide", kDecideValidation, decide_validation},

      {kGet, "/namespaces/{}/firmwareCampaigns", kReadCampaign, list_campaigns, kPaging},
      {kGet, "/namespaces/{}/firmwareCampaigns/{}", kReadCampaign, show_campaign},
      {kPut, "/namespaces/{}/firmwareCampaigns/{}", kWriteCampaign, publish_campaign},
      {kPatch, "/namespaces/{}/firmwareCampaigns/{}", kWriteCampaign, raise_campaign},
      {kPost, "/namespaces/{}/firmwareCampaigns/{}/withdraw", kWithdrawCampaign, withdraw_campaign},
      {kGet, "/namespaces/{}/firmwareCampaigns/{}/devices", kReadCampaign, list_campaign_devices, kPaging},
      {kGet, "/firmwareStatements", kReadStatements, show_statements},
      {kPut, "/firmwareStatements/pins", kWritePins, write_pins},
      {kGet, "/firmwareStatements/key", kReadStatementKey, show_statement_key},

      {kGet, "/audit", kReadAudit, list_audit, "top,before,from"},
      {kGet, "/audit/head", kReadAudit, show_audit_head},
      {kGet, "/audit/verification", kReadAudit, verify_audit, "head"},

      {kGet, "/decisions", kReadDecisions, list_decisions, "top,device,reason"},
      {kGet, "/decisions/counts", kReadDecisions, count_decisions},

      {kGet, "/expiry", kReadExpiry, show_expiry, "within,expired,namespace,policy,hub"},
      {kGet, "/expiry/devices", kReadExpiry, list_expiring, "within,expired,namespace,policy,hub,state,top,skipToken"},
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

}  // namespace

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

Match find_route(Method method, std::string_view path) {
  const auto segments = decoded_segments(path);
  return segments ? find_route(method, *segments) : Match();
}

Match find_route(Method method, const std::vector<std::string>& segments) {
  Match match;
  for (const auto& route : routes()) {
    auto names = names_in(segments, route.pattern);
    if (!names) continue;
    match.path_known = true;
    match.allowed += (match.allowed.empty() ? "" : ", ") + std::string(to_string(route.method));
    if (route.method != method || match.route) continue;
    match.route = &route;
    match.names = std::move(*names);
    match.segments = segments;
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
