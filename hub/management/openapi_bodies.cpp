// SPDX-License-Identifier: Apache-2.0
// What bodies may hold, for the API's description. The handlers read them on their own; a test sends an example of
// each to its handler (tests/unit/hub/management/openapi_test.cpp).
#include <nlohmann/json.hpp>

#include "hub/management/internal/openapi.h"

namespace latchkey::hub::management {

using nlohmann::json;

namespace {

json object(json properties, json required = json::array()) {
  json schema = {{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}
json text() { return {{"type", "string"}}; }
json flag() { return {{"type", "boolean"}}; }
json any() { return {{"type", "object"}}; }
json texts() { return {{"type", "array"}, {"items", text()}}; }
json one_of(json values) { return {{"type", "string"}, {"enum", std::move(values)}}; }
json number(int least, int most) { return {{"type", "integer"}, {"minimum", least}, {"maximum", most}}; }

// Tracked resources take these; what only the service writes may come back.
json tracked(json properties) {
  return object({{"id", text()},
                 {"name", text()},
                 {"type", text()},
                 {"etag", text()},
                 {"systemData", any()},
                 {"location", text()},
                 {"tags", {{"type", "object"}, {"additionalProperties", text()}}},
                 {"properties", std::move(properties)}});
}

// A policy lies where its credential does; only the older generation gives it a location and tags.
json proxy(json properties) {
  auto schema = tracked(std::move(properties));
  for (const char* name : {"location", "tags"}) schema["properties"].erase(name);
  return schema;
}

json key_profile() { return one_of({"ec-p256", "ec-p384"}); }

json device_properties() {
  return {{"type", "object"},
          {"properties",
           {{"enabled", flag()},
            {"policy", {{"type", "object"}, {"nullable", true}, {"properties", {{"resourceId", text()}}}}},
            {"externalDeviceId", text()},
            {"manufacturer", text()},
            {"model", text()},
            {"operatingSystem", text()},
            {"operatingSystemVersion", text()},
            {"attributes", any()},
            {"endpoints", any()}}}};
}

json policy_properties() {
  const json authority = {{"type", "object"},
                          {"properties",
                           {{"keyType", one_of({"ECC"})},
                            {"keyProfile", key_profile()},
                            {"subject", text()},
                            {"bringYourOwnRoot", {{"type", "object"}, {"properties", {{"enabled", flag()}}}}}}}};
  const json leaf = object({{"validityPeriodInDays", number(7, 90)}});
  return {{"type", "object"},
          {"properties",
           {{"certificate",
             {{"type", "object"},
              {"properties",
               {{"certificateAuthorityConfiguration", authority}, {"leafCertificateConfiguration", leaf}}}}}}}};
}

json reason() {
  return one_of({"unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded",
                 "cessationOfOperation", "privilegeWithdrawn"});
}

json initial_twin() {
  auto twin = object({{"tags", any()}, {"properties", object({{"desired", any()}})}});
  twin["nullable"] = true;
  return twin;
}

json enrollment(bool group) {
  json schema = {{"type", "object"},
                 {"properties",
                  {{"namespace", text()},
                   {"attestation", any()},
                   {"credentialPolicyName", {{"type", "string"}, {"nullable", true}}},
                   {"provisioningStatus", one_of({"enabled", "disabled"})},
                   {"allocationPolicy", one_of({"hashed", "geoLatency", "static"})},
                   {"iotHubs", texts()},
                   {"iotHubHostName", text()},
                   {"reprovisionPolicy", object({{"updateHubAssignment", flag()}, {"migrateDeviceData", flag()}})},
                   {"initialTwin", initial_twin()}}}};
  auto& properties = schema["properties"];
  properties[group ? "enrollmentGroupId" : "registrationId"] = text();
  if (!group) properties["deviceId"] = text();
  return schema;
}

json enrollments(const char* name) {
  return object({{"mode", one_of({"create", "update", "updateIfMatchETag", "delete"})},
                 {name,
                  {{"type", "array"},
                   {"minItems", 1},
                   {"maxItems", 10},
                   {"items", enrollment(name != std::string_view("enrollments"))}}}},
                {"mode", name});
}

json query() { return object({{"query", text()}}, {"query"}); }

json identities() {
  const json modes = {"create", "update", "updateIfMatchETag", "delete", "deleteIfMatchETag"};
  return {{"type", "array"},
          {"minItems", 1},
          {"maxItems", 100},
          {"items",
           {{"type", "object"},
            {"required", {"id", "importMode"}},
            {"properties",
             {{"id", text()},
              {"importMode", one_of(modes)},
              {"eTag", text()},
              {"status", one_of({"enabled", "disabled"})},
              {"statusReason", {{"type", "string"}, {"nullable", true}}},
              {"authentication", any()},
              {"capabilities", object({{"iotEdge", flag()}})}}}}}};
}

json role_properties() {
  return object({{"description", text()},
                 {"actions", texts()},
                 {"notActions", texts()},
                 {"dataActions", texts()},
                 {"notDataActions", texts()},
                 {"assignableScopes", texts()}});
}

json profile_properties() {
  return {{"type", "object"},
          {"properties",
           {{"profileType",
             one_of({"PublicTrust", "PrivateTrust", "PrivateTrustCIPolicy", "VBSEnclave", "PublicTrustTest"})},
            {"identityValidationId", text()},
            {"includeStreetAddress", flag()},
            {"includePostalCode", flag()},
            {"includeCity", flag()},
            {"includeState", flag()},
            {"includeCountry", flag()}}}};
}

json identity_properties() {
  json schema = object({{"identityType", one_of({"Public", "Private"})},
                        {"subjectType", one_of({"Organization", "Individual"})},
                        {"incorporatedOn", text()},
                        {"termsAccepted", flag()}});
  for (const char* name :
       {"organizationName", "organizationalUnit", "websiteUrl", "primaryEmail", "secondaryEmail", "businessIdentifier",
        "sellerId", "firstName", "lastName", "street", "city", "state", "country", "postalCode"}) {
    schema["properties"][name] = text();
  }
  return schema;
}

json document() {
  return object({{"kind", text()},
                 {"issuedOn", text()},
                 {"expiresOn", text()},
                 {"names", text()},
                 {"address", text()},
                 {"domain", text()},
                 {"edited", flag()},
                 {"cropped", flag()},
                 {"handwritten", flag()},
                 {"fileName", text()},
                 {"file", {{"type", "string"}, {"format", "byte"}}}});
}

json revocation() {
  return object({{"serialNumber", text()},
                 {"thumbprint", text()},
                 {"effectiveAt", {{"type", "string"}, {"format", "date-time"}}},
                 {"reason", one_of({"KeyCompromised", "AffiliationChanged", "Superseded", "CessationOfOperation",
                                    "PrivilegeWithdrawn", "Unspecified"})},
                 {"remarks", text()}},
                {"serialNumber", "thumbprint", "effectiveAt", "reason"});
}

struct Body {
  std::string_view ending;  // of the route's pattern
  json (*schema)(Method method);
};

// The first that fits counts.
constexpr Body kBodies[] = {
    {"/credentials/default",
     [](Method) {
       return tracked({{"type", "object"}, {"properties", {{"keyProfile", key_profile()}}}});
     }},
    {"/policies/{}", [](Method) { return proxy(policy_properties()); }},
    {"/policies/{}/revokeIssuer",
     [](Method) {
       return object({{"reason", reason()}});
     }},
    {"/activateBringYourOwnRoot",
     [](Method) {
       return object({{"certificateChain", text()}}, {"certificateChain"});
     }},
    {"/namespaces/{}/devices/{}", [](Method) { return tracked(device_properties()); }},
    {"/devices/{}/revoke",
     [](Method) {
       return object({{"disable", flag()}, {"reason", reason()}});
     }},
    {"/firmwareCampaigns/{}",
     [](Method method) {
       const json percent = number(1, 100);
       if (method == Method::kPatch) return object({{"properties", object({{"percent", percent}}, {"percent"})}});
       const json bundle = {{"type", "string"}, {"format", "byte"}};
       return object(
           {{"properties",
             object({{"bundle", bundle}, {"policy", text()}, {"devices", texts()}, {"percent", percent}}, {"bundle"})}},
           {"properties"});
     }},
    {"/firmwareStatements/pins",
     [](Method) {
       return object({{"durableEkus", {{"type", "array"}, {"minItems", 1}, {"maxItems", 4}, {"items", text()}}}},
                     {"durableEkus"});
     }},
    {"/namespaces/{}", [](Method) { return tracked(any()); }},
    {"/enrollments/query", [](Method) { return query(); }},
    {"/enrollmentGroups/query", [](Method) { return query(); }},
    {"/devices/query", [](Method) { return query(); }},
    {"/enrollments", [](Method) { return enrollments("enrollments"); }},
    {"/enrollmentGroups", [](Method) { return enrollments("enrollmentGroups"); }},
    {"/enrollments/{}", [](Method) { return enrollment(false); }},
    {"/enrollmentGroups/{}", [](Method) { return enrollment(true); }},
    {"/devices/{}",
     [](Method) {
       return json{{"type", "object"},
                   {"properties",
                    {{"deviceId", text()},
                     {"status", one_of({"enabled", "disabled"})},
                     {"statusReason", {{"type", "string"}, {"nullable", true}}},
                     {"authentication", any()},
                     {"capabilities", object({{"iotEdge", flag()}})}}}};
     }},
    {"/devices", [](Method) { return identities(); }},
    {"/messages", [](Method) { return any(); }},
    {"/twins/{}", [](Method) { return any(); }},
    {"/twins/{}/methods",
     [](Method) {
       return json{{"type", "object"},
                   {"required", {"methodName"}},
                   {"properties",
                    {{"methodName", text()},
                     {"responseTimeoutInSeconds", number(5, 300)},
                     {"connectTimeoutInSeconds", number(0, 300)}}}};
     }},
    {"/hubs/{}", [](Method) { return any(); }},
    {"/certificates/{}", [](Method) { return any(); }},
    {"/certificates/{}/verify",
     [](Method) {
       return json{{"type", "object"}, {"properties", {{"certificate", text()}}}};
     }},
    {"/provisioningServices/{}", [](Method) { return tracked(any()); }},
    {"/principals/{}",
     [](Method) {
       return object({{"properties", any()}});
     }},
    {"/tenants/{}",
     [](Method) {
       return object({{"displayName", text()}}, {"displayName"});
     }},
    {"/resourceGroups/{}", [](Method) { return tracked(any()); }},
    {"/checkNameAvailability",
     [](Method) {
       return object({{"name", text()}, {"type", text()}}, {"name"});
     }},
    {"/codeSigningAccounts/{}",
     [](Method) {
       return tracked(
           {{"type", "object"}, {"properties", {{"sku", object({{"name", one_of({"Basic", "Premium"})}})}}}});
     }},
    {"/codeSigningAccounts/{}/suspend",
     [](Method) {
       return object({{"suspended", flag()}});
     }},
    {"/certificateProfiles/{}", [](Method) { return proxy(profile_properties()); }},
    {"/revokeCertificate", [](Method) { return revocation(); }},
    {"/revokeCertificates",
     [](Method) {
       const json list = {{"type", "array"}, {"minItems", 1}, {"maxItems", 100}, {"items", revocation()}};
       return object({{"revokeCertificates", list}}, {"revokeCertificates"});
     }},
    {"/settleRevocation",
     [](Method) {
       return object({{"serialNumber", text()}, {"failureReason", text()}}, {"serialNumber"});
     }},
    {"/signingRevocations/hold",
     [](Method) {
       return object({{"held", flag()}}, {"held"});
     }},
    {"/previewSubject",
     [](Method) {
       auto schema = profile_properties();
       schema["additionalProperties"] = false;
       return schema;
     }},
    {"/codeSigningAccounts/{}/identityValidations",
     [](Method) {
       return object({{"properties", identity_properties()}});
     }},
    {"/previewIdentity",
     [](Method) {
       return object({{"properties", identity_properties()}});
     }},
    {"/documents",
     [](Method) {
       return object({{"documents", {{"type", "array"}, {"maxItems", 10}, {"items", document()}}}}, {"documents"});
     }},
    {"/present",
     [](Method) {
       return object({{"accountEmail", text()}, {"document", document()}});
     }},
    {"/identityValidations/{}/decide",
     [](Method) {
       return object(
           {{"event", one_of({"accept", "refuse", "requireAction", "emailVerified", "emailFailed"})}, {"why", text()}},
           {"event"});
     }},
    {"/roleDefinitions/{}",
     [](Method) {
       return object({{"properties", role_properties()}});
     }},
    {"/roleAssignments/{}",
     [](Method) {
       return object(
           {{"properties", object({{"principalId", text()}, {"roleDefinitionId", text()}, {"principalType", text()}},
                                  {"principalId", "roleDefinitionId"})}},
           {"properties"});
     }},
};

}  // namespace

std::optional<json> body_schema(const Route& route) {
  if (route.method == Method::kGet || route.method == Method::kDelete) return std::nullopt;
  for (const auto& body : kBodies) {
    const bool whole = body.ending.starts_with("/namespaces/{}");
    if (whole ? route.pattern == body.ending : route.pattern.ends_with(body.ending)) return body.schema(route.method);
  }
  return std::nullopt;
}

}  // namespace latchkey::hub::management
