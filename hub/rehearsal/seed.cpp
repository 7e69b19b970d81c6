// SPDX-License-Identifier: Apache-2.0
#include "hub/rehearsal/seed.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "hub/rehearsal/internal/reader.h"
#include "hub/text/encoding.h"
#include "platform/base/percent.h"

namespace latchkey::hub::rehearsal {

using nlohmann::json;

namespace {

constexpr std::int64_t kMostDays = 3650;
constexpr std::int64_t kLongestLifetimeS = 2LL * 365 * 24 * 60 * 60;
constexpr int kFirstError = 400;
constexpr std::int64_t kMostOfAPattern = 1'000'000;
constexpr std::int64_t kInOneRequest = 100;
constexpr std::string_view kNumber = "{}";  // in the id of what stands for many

using Steps = std::vector<SeedStep>;

void put(Steps& steps, const std::string& path, const json& body, const Fields& from) {
  steps.push_back({"PUT", path, body.dump(), from.pointer()});
}

// Sets body[name] where the document says something.
template <class T>
void keep(json& body, const char* name, const std::optional<T>& value) {
  if (value) body[name] = *value;
}

void read_policy(Steps& steps, const std::string& credential, Fields& policy) {
  const auto name = policy.required_text("name");
  json authority = json::object();
  json leaf = json::object();
  keep(leaf, "validityPeriodInDays", policy.integer("validityDays", 1, kMostDays));
  keep(authority, "keyProfile", policy.text("keyProfile"));
  if (const auto own = policy.flag("ownRoot")) authority["bringYourOwnRoot"] = {{"enabled", *own}};
  json certificate = {{"certificateAuthorityConfiguration", authority}, {"leafCertificateConfiguration", leaf}};
  put(steps, credential + "/policies/" + percent_encode(name), {{"properties", {{"certificate", certificate}}}},
      policy);
}

// Numbers have as many digits as the last of them, so that ids sort as they count.
std::string numbered(const std::string& pattern, std::int64_t number, std::int64_t last) {
  auto digits = std::to_string(number);
  digits.insert(0, std::to_string(last).size() - digits.size(), '0');
  return std::string(pattern).replace(pattern.find(kNumber), kNumber.size(), digits);
}

// A hundred in a request, as hubs take them.
void read_pattern(Steps& steps, const std::string& ns, Fields& device, std::int64_t count) {
  const auto pattern = device.required_text("id");
  const bool enabled = device.flag("enabled").value_or(true);
  const auto first = device.integer("first", 0, kMostOfAPattern).value_or(1);
  const auto place = pattern.find(kNumber);
  if (place == std::string::npos || pattern.find(kNumber, place + 1) != std::string::npos) {
    device.refuse("id", "has to have {} in it, once, where the number goes");
    return;
  }
  const auto last = first + count - 1;
  for (auto number = first; number <= last; number += kInOneRequest) {
    json items = json::array();
    for (auto one = number; one <= std::min(last, number + kInOneRequest - 1); ++one) {
      json item = {{"id", numbered(pattern, one, last)}, {"importMode", "create"}};
      if (!enabled) item["status"] = "disabled";
      items.push_back(std::move(item));
    }
    steps.push_back({"POST", "/devices?namespace=" + percent_encode(ns), items.dump(), device.pointer()});
  }
}

void read_device(Steps& steps, const std::string& ns, Fields& device) {
  const auto path = ns + "/devices/" + percent_encode(device.required_text("id"));
  const bool enabled = device.flag("enabled").value_or(true);
  put(steps, path, json::object(), device);
  if (!enabled) steps.push_back({"PATCH", path, R"({"properties":{"enabled":false}})", device.pointer("enabled")});
}

// Devices come last: hubs that trust the policies' CAs are there by then.
void read_namespace(Steps& steps, Steps& devices, Fields& ns) {
  const auto name = ns.required_text("name");
  const auto path = "/namespaces/" + percent_encode(name);
  steps.push_back({"PUT", path, "{}", ns.pointer(), path});
  const auto credential = path + "/credentials/default";
  if (ns.has("credential")) {
    auto fields = ns.object("credential");
    json properties = json::object();
    keep(properties, "keyProfile", fields.text("keyProfile"));
    put(steps, credential, {{"properties", properties}}, fields);
  }
  for (auto& policy : ns.objects("policies")) read_policy(steps, credential, policy);
  for (auto& device : ns.objects("devices")) {
    if (const auto count = device.integer("count", 1, kMostOfAPattern)) {
      read_pattern(devices, name, device, *count);
    } else {
      read_device(devices, path, device);
    }
  }
}

void read_hub(Steps& steps, Fields& hub) {
  const auto name = percent_encode(hub.required_text("name"));
  const auto path = "/hubs/" + name;
  json properties = {
      {"deviceRegistry", {{"namespaceResourceId", "/namespaces/" + hub.text("namespace").value_or("default")}}}};
  keep(properties, "listen", hub.text("listen"));
  keep(properties, "latencyMs", hub.integer("latencyMs", 0, 60'000));
  steps.push_back(
      {"PUT", path, json{{"properties", properties}}.dump(), hub.pointer(), path, "", path + "?override=" + name});
}

json read_attestation(Fields& enrollment, bool group) {
  if (enrollment.has("x509")) {
    auto pair = enrollment.object("x509");
    json certificates = {{"primary", {{"certificate", pair.required_text("primary")}}}};
    if (const auto secondary = pair.text("secondary")) certificates["secondary"] = {{"certificate", *secondary}};
    if (enrollment.has("symmetricKey")) enrollment.refuse("give symmetricKey or x509, not both");
    (void)enrollment.object("symmetricKey");
    return {{"type", "x509"}, {"x509", {{group ? "signingCertificates" : "clientCertificates", certificates}}}};
  }
  auto pair = enrollment.object("symmetricKey");
  json keys = json::object();
  keep(keys, "primaryKey", pair.text("primaryKey"));
  keep(keys, "secondaryKey", pair.text("secondaryKey"));
  return {{"type", "symmetricKey"}, {"symmetricKey", keys}};
}

void read_enrollment(Steps& steps, Fields& enrollment) {
  const auto id = enrollment.required_text("id");
  const bool group = enrollment.flag("group").value_or(false);
  json body = {{"attestation", read_attestation(enrollment, group)}};
  keep(body, "namespace", enrollment.text("namespace"));
  keep(body, "credentialPolicyName", enrollment.text("policy"));
  if (const auto enabled = enrollment.flag("enabled")) body["provisioningStatus"] = *enabled ? "enabled" : "disabled";
  const auto device = enrollment.text("deviceId");
  if (group && device) enrollment.refuse("deviceId", "is of individual enrollments");
  keep(body, "deviceId", device);
  put(steps, (group ? "/enrollmentGroups/" : "/enrollments/") + percent_encode(id), body, enrollment);
}

void read_role(Steps& steps, Fields& role) {
  json properties = {
      {"assignableScopes", role.has("assignableScopes") ? json(role.texts("assignableScopes")) : json::array({"/"})}};
  for (const char* name : {"actions", "notActions", "dataActions", "notDataActions"}) {
    if (role.has(name)) properties[name] = role.texts(name);
  }
  keep(properties, "description", role.text("description"));
  put(steps, "/roleDefinitions/" + percent_encode(role.required_text("name")), {{"properties", properties}}, role);
}

void read_token(Steps& steps, Fields& token) {
  const auto name = token.required_text("name");
  json properties = json::object();
  keep(properties, "lifetimeSeconds", token.integer("lifetimeSeconds", 60, kLongestLifetimeS));
  steps.push_back({"PUT", "/principals/" + percent_encode(name), json{{"properties", properties}}.dump(),
                   token.pointer(), "", name});
  for (auto& assignment : token.objects("assignments")) {
    const json body = {{"properties", {{"principalId", name}, {"roleDefinitionId", assignment.required_text("role")}}}};
    const auto scope = assignment.text("scope").value_or("/");
    put(steps, "/roleAssignments/" + text::random_uuid() + "?scope=" + percent_encode(scope), body, assignment);
  }
}

// What a request for many answers names each that failed; of these the first, as a single request would have told it.
PlaneReply told_as_one(PlaneReply reply) {
  const auto body = json::parse(reply.body, nullptr, false);
  if (!body.is_object() || !body.contains("errors") || body["errors"].empty()) return reply;
  const auto& first = body["errors"][0];
  reply.body =
      json{{"error", {{"code", first.value("errorCode", "")}, {"message", first.value("errorStatus", "")}}}}.dump();
  return reply;
}

std::string token_in(const PlaneReply& reply) {
  const auto body = json::parse(reply.body, nullptr, false);
  const json::json_pointer place("/properties/token");
  return body.is_object() && body.contains(place) ? body[place].get<std::string>() : std::string();
}

}  // namespace

registry::Outcome<Steps> read_seed(std::string_view document) {
  LATCHKEY_TRY(reader, Reader::parse(document));
  auto root = reader->root();
  (void)root.text("$schema");
  Steps steps;
  Steps devices;
  for (auto& ns : root.objects("namespaces")) read_namespace(steps, devices, ns);
  for (auto& hub : root.objects("hubs")) read_hub(steps, hub);
  for (auto& enrollment : root.objects("enrollments")) read_enrollment(steps, enrollment);
  for (auto& role : root.objects("roles")) read_role(steps, role);
  for (auto& token : root.objects("tokens")) read_token(steps, token);
  LATCHKEY_TRY_VOID(reader->finish());
  steps.insert(steps.end(), devices.begin(), devices.end());
  return steps;
}

Seeded apply_seed(const Steps& steps, const Plane& plane) {
  Seeded seeded;
  for (const auto& step : steps) {
    if (!step.unless.empty() && plane("GET", step.unless, "").status < kFirstError) continue;
    auto reply = plane(step.method, step.path, step.body);
    if (reply.status >= kFirstError) {
      seeded.refusal = told_as_one(std::move(reply));
      seeded.pointer = step.pointer;
      return seeded;
    }
    if (!step.token_of.empty()) seeded.tokens.emplace_back(step.token_of, token_in(reply));
    if (!step.undo.empty()) seeded.undo.insert(seeded.undo.begin(), step.undo);
    ++seeded.made;
  }
  return seeded;
}

}  // namespace latchkey::hub::rehearsal
