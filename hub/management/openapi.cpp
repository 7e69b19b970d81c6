// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/openapi.h"

#include <nlohmann/json.hpp>

#include "hub/management/internal/face.h"
#include "hub/management/internal/operations.h"

namespace latchkey::hub::management {

using nlohmann::json;

namespace {

constexpr const char* kGroup = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/";
constexpr const char* kErrorSchema = "#/components/schemas/Error";

std::vector<std::string> parts_of(std::string_view pattern) {
  std::vector<std::string> parts;
  pattern.remove_prefix(1);
  for (;;) {
    const auto end = pattern.find('/');
    parts.emplace_back(pattern.substr(0, end));
    if (end == std::string_view::npos) return parts;
    pattern.remove_prefix(end + 1);
  }
}

// "namespaces" -> "namespaceName", "policies" -> "policyName".
std::string name_below(std::string type) {
  if (type.ends_with("ies")) {
    type.replace(type.size() - 3, 3, "y");
  } else if (type.ends_with("ses")) {
    type.resize(type.size() - 2);
  } else if (type.ends_with("s")) {
    type.pop_back();
  }
  return type + "Name";
}

std::string joined(const std::vector<std::string>& parts) {
  std::string path;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    path += "/" + (parts[i] == "{}" ? "{" + name_below(i == 0 ? "item" : parts[i - 1]) + "}" : parts[i]);
  }
  return path;
}

json text_schema() { return {{"type", "string"}}; }

json parameter(const std::string& name, const char* in, bool required) {
  return {{"name", name}, {"in", in}, {"required", required}, {"schema", text_schema()}};
}

json parameters_of(const Route& route, const std::string& path, bool full) {
  json list = json::array();
  for (std::size_t open = path.find('{'); open != std::string::npos; open = path.find('{', open + 1)) {
    list.push_back(parameter(path.substr(open + 1, path.find('}', open) - open - 1), "path", true));
  }
  auto version = parameter("api-version", "query", full);
  version["schema"]["enum"] = api_versions(route);
  list.push_back(std::move(version));
  std::string_view rest = route.queries;
  while (!rest.empty()) {
    const auto end = rest.find(',');
    list.push_back(parameter(std::string(rest.substr(0, end)), "query", false));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return list;
}

json response(const char* description) { return {{"description", description}}; }
json response(const char* description, json schema) {
  auto result = response(description);
  result["content"] = {{"application/json", {{"schema", std::move(schema)}}}};
  return result;
}

bool always_refused(const Route& route) {
  return route.handler == upload_hub_certificate || route.handler == prove_hub_certificate;
}

std::string note_on(const Route& route) {
  if (!always_refused(route)) return {};
  return " Always refused with OperationNotSupported: hubs here trust the CA certificates of policies alone.";
}

json responses_of(const Route& route, bool full) {
  json answers = {{"default", response("Refused", {{"$ref", kErrorSchema}})}};
  if (always_refused(route)) return answers;
  const auto ends = full ? ends_of(route) : Ends::kAtOnce;
  const json any = json::object();
  if (ends == Ends::kWithResource) {
    answers["200"] = response("Was there, and is changed; ask after it at Azure-AsyncOperation", any);
    answers["201"] = response("Made; ask after it at Azure-AsyncOperation", any);
  } else if (ends != Ends::kAtOnce) {
    answers["202"] = response("Begun; its end is at Location");
    if (route.method == Method::kDelete) answers["204"] = response("There was nothing to delete");
  } else if (route.method == Method::kDelete) {
    answers["204"] = response("Deleted");
  } else {
    answers["200"] = response("The answer", any);
    if (route.method == Method::kPut) answers["201"] = response("Made", any);
    if (route.method == Method::kPost) answers["204"] = response("Done");
  }
  return answers;
}

// "getNamespacesCredentialsDefaultPolicies": the names of the path's fixed parts; those of one thing end with "One".
std::string operation_id(const Route& route, bool full) {
  std::string id;
  for (const char c : to_string(route.method)) id += static_cast<char>(c - 'A' + 'a');
  const auto parts = parts_of(route.pattern);
  for (auto part : parts) {
    if (part == "{}") continue;
    part[0] = part[0] >= 'a' && part[0] <= 'z' ? static_cast<char>(part[0] - 'a' + 'A') : part[0];
    for (const char c : part) {
      if (c != '.') id += c;
    }
  }
  if (parts.back() == "{}") id += "One";
  return full ? id + "Arm" : id;
}

json operation(const Route& route, const std::string& path, bool full) {
  const std::string action(route.needs.action().name);
  json result = {{"operationId", operation_id(route, full)},
                 {"description", "Needs " + action + "." + note_on(route)},
                 {"parameters", parameters_of(route, path, full)},
                 {"responses", responses_of(route, full)}};
  const bool takes_body = route.method != Method::kGet && route.method != Method::kDelete;
  if (takes_body) {
    const json nothing = {{"type", "object"}, {"additionalProperties", false}};
    const auto schema = body_schema(route);
    result["requestBody"] = {{"required", false},
                             {"content", {{"application/json", {{"schema", schema.value_or(nothing)}}}}}};
  }
  return result;
}

}  // namespace

std::string openapi_path(const Route& route) { return joined(parts_of(route.pattern)); }

std::optional<std::string> openapi_full_path(const Route& route) {
  auto parts = parts_of(route.pattern);
  const auto below = [](std::vector<std::string> rest) { return joined(rest); };
  if (parts[0] == "namespaces") return kGroup + std::string("Microsoft.DeviceRegistry") + below(parts);
  if (parts[0] == "hubs") {
    parts[0] = "IotHubs";
    return kGroup + std::string("Microsoft.Devices") + below(parts);
  }
  if (parts[0] == "provisioningServices") return kGroup + std::string("Microsoft.Devices") + below(parts);
  const std::string subscription = "/subscriptions/{subscriptionId}";
  if (parts[0] == "resourceGroups") {
    if (parts.size() > 2) parts.insert(parts.begin() + 2, {"providers", "Microsoft.CodeSigning"});
    return subscription + below(parts);
  }
  if (parts[0] == "providers") return subscription + below(parts);
  if (parts[0] == "codeSigningAccounts" || parts[0] == "checkNameAvailability") {
    return subscription + "/providers/Microsoft.CodeSigning" + below(parts);
  }
  if (service_of(route) == Service::kProvisioning) {
    return kGroup + std::string("Microsoft.Devices/provisioningServices/{provisioningServiceName}") + below(parts);
  }
  if (parts[0] == "operationStatuses" || parts[0] == "operationResults") {
    return "/subscriptions/{subscriptionId}/providers/Microsoft.DeviceRegistry/locations/{locationName}" + below(parts);
  }
  return std::nullopt;
}

json openapi_document() {
  json paths = json::object();
  for (const auto& route : routes()) {
    std::string method;
    for (const char c : to_string(route.method)) method += static_cast<char>(c - 'A' + 'a');
    const auto path = openapi_path(route);
    paths[path][method] = operation(route, path, false);
    if (const auto full = openapi_full_path(route)) paths[*full][method] = operation(route, *full, true);
  }
  const json error = {
      {"type", "object"},
      {"description", "Of the service APIs of hubs and provisioning services the error has their own form."},
      {"properties",
       {{"error",
         {{"type", "object"},
          {"required", {"code", "message"}},
          {"properties", {{"code", text_schema()}, {"message", text_schema()}, {"target", text_schema()}}}}}}}};
  return {
      {"openapi", "3.0.3"},
      {"info", {{"title", "Latchkey management"}, {"version", std::string(api_versions(routes().front()).front())}}},
      {"paths", std::move(paths)},
      {"security", json::array({{{"token", json::array()}}})},
      {"components",
       {{"schemas", {{"Error", error}}}, {"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}}}};
}

Answer<Response> show_openapi(const Context&) {
  static const std::string document = openapi_document().dump();
  return Response{200, document};
}

}  // namespace latchkey::hub::management
