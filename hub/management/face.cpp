// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/face.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "hub/management/internal/text.h"
#include "hub/text/json.h"
#include "registry/roles/scope.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;
using registry::roles::same_text;

namespace {

using Segments = std::vector<std::string>;

constexpr std::string_view kRegistryVersions[] = {"2026-03-01-preview", "2025-11-01-preview"};
constexpr std::string_view kHubVersions[] = {"2025-08-01-preview", "2023-06-30"};
constexpr std::string_view kProvisioningVersions[] = {"2025-07-01-preview", "2021-10-01"};
constexpr std::string_view kServiceVersions[] = {"2026-03-01-preview", "2025-02-01-preview", "2022-12-12",
                                                 "2022-02-05"};
constexpr std::string_view kSigningVersions[] = {"2025-10-13", "2024-09-30-preview"};
constexpr std::string_view kSeveralRevocationsVersions[] = {"2026-05-15-preview"};  // which has no other revocation
constexpr std::string_view kResourceVersions[] = {"2022-12-01", "2021-04-01"};
constexpr std::string_view kIdentityVersions[] = {"2025-08-01-preview", "2021-04-12", "2020-05-31-preview"};

Response not_found(const std::string& code, const std::string& message) { return http_error(404, code, message); }

bool begins(std::string_view pattern, std::string_view first) {
  return pattern == first || (pattern.starts_with(first) && pattern[first.size()] == '/');
}

std::string lowered(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

// In the order in which Azure Resource Manager finds out.
Response nowhere(const Place& place, const Segments& full) {
  if (full.size() > 1 && !same_text(full[1], place.subscription)) {
    return not_found("SubscriptionNotFound", "The subscription '" + full[1] + "' could not be found.");
  }
  if (full.size() > 3 && same_text(full[2], "resourceGroups") && !same_text(full[3], place.group)) {
    return not_found("ResourceGroupNotFound", "Resource group '" + full[3] + "' could not be found.");
  }
  return not_found("InvalidResourceType", "The resource type could not be found below '" + place.group + "'.");
}

struct BelowSubscription {
  Segments segments;
  std::string location;
};

// What stands below the subscription itself: lists over all resource groups, of which there is one, and the status of
// operations.
std::optional<BelowSubscription> below_subscription(const Place& place, const Segments& full) {
  const bool ours = full.size() >= 5 && same_text(full[1], place.subscription) && same_text(full[2], "providers");
  if (!ours) return std::nullopt;
  if (full.size() == 5) {
    Segments in_group = {full[0], full[1], "resourceGroups", place.group, "providers", full[3], full[4]};
    const auto list = short_segments(place, in_group);
    return list ? std::optional(BelowSubscription{*list, {}}) : std::nullopt;
  }
  const bool of_operation =
      full.size() == 8 && same_text(full[3], "Microsoft.DeviceRegistry") && same_text(full[4], "locations");
  if (!of_operation) return std::nullopt;
  for (const auto* kind : {"operationStatuses", "operationResults"}) {
    if (same_text(full[6], kind)) return BelowSubscription{{kind, full[7]}, full[5]};
  }
  return std::nullopt;
}

Located locate_full(const Place& place, Method method, const Segments& full) {
  Located located{Face::kArm, {}, {}, std::nullopt};
  auto segments = short_segments(place, full);
  if (!segments) {
    if (auto below = below_subscription(place, full)) {
      segments = std::move(below->segments);
      located.location = std::move(below->location);
    }
  }
  if (segments) {
    // ARM compares names without case; a namespace's is lower case, which its creation insists on.
    const bool creates = method == Method::kPut && segments->size() == 2;
    if (segments->size() > 1 && segments->front() == "namespaces" && !creates) {
      (*segments)[1] = lowered((*segments)[1]);
    }
    located.match = find_route(method, *segments);
  }
  if (!located.match.path_known) located.nowhere = nowhere(place, full);
  return located;
}

std::string joined(const std::vector<std::string_view>& texts) {
  std::string all;
  for (const auto text : texts) all += (all.empty() ? "'" : ", '") + std::string(text) + "'";
  return all;
}

// "Microsoft.DeviceRegistry/namespaces/plant/devices/pump" of a resource's id.
std::string behind_provider(const std::string& resource) {
  constexpr std::string_view kProviders = "/providers/";
  const auto at = resource.find(kProviders);
  return at == std::string::npos ? resource : resource.substr(at + kProviders.size());
}

Response arm_worded(const Fault& fault, const Place& place, const std::string& resource) {
  const auto& face = registry::faces(fault.refusal.reason);
  std::string code(face.arm_code);
  std::string message = fault.refusal.detail.empty() ? std::string(face.name) : fault.refusal.detail;
  if (fault.refusal.reason == Reason::kNotFound) {
    message =
        "The Resource '" + behind_provider(resource) + "' under resource group '" + place.group + "' was not found.";
  } else if (fault.refusal.reason == Reason::kParentNotFound) {
    message = "Failed to perform the operation on '" + behind_provider(resource) +
              "', because the parent resource could not be found: " + message + ".";
  } else if (fault.refusal.reason == Reason::kUnsupportedApiVersion && fault.target.empty()) {
    code = "MissingApiVersionParameter";
  }
  json error = {{"code", code}, {"message", message}, {"details", json::array()}};
  if (!fault.target.empty()) error["target"] = fault.target;
  return answer(face.http_status, {{"error", std::move(error)}});
}

// {errorCode, trackingId, message, info, timestampUtc}, and the code again in a field of the header.
Response provisioning_worded(const Fault& fault, UnixMs now) {
  constexpr int kGeneral = 1000;  // of a status, when there is no finer code: 412 is 412000
  const auto& face = registry::faces(fault.refusal.reason);
  const bool fits = face.dps_error / kGeneral == face.http_status;
  const int code = fits ? face.dps_error : face.http_status * kGeneral;
  auto response =
      answer(face.http_status, {{"errorCode", code},
                                {"trackingId", text::random_hex(16)},
                                {"message", fault.refusal.detail},
                                {"info", fault.target.empty() ? json::object() : json{{"target", fault.target}}},
                                {"timestampUtc", iso8601(now)}});
  response.fields.emplace_back("x-ms-error-code", std::to_string(code));
  return response;
}

// What hubs answer: the code as a word within the text, which their SDKs look for.
Response hub_worded(const Fault& fault) {
  const auto& face = registry::faces(fault.refusal.reason);
  const auto word = hub_error_code(fault.refusal.reason);
  const std::string tracking = text::random_hex(16);
  auto response = answer(face.http_status, {{"Message", "ErrorCode:" + word + ";" + fault.refusal.detail},
                                            {"ExceptionMessage", "Tracking ID:" + tracking}});
  response.fields.emplace_back("iothub-errorcode", word);
  return response;
}

}  // namespace

std::string hub_error_code(Reason reason) {
  switch (reason) {
    case Reason::kNotFound: return "DeviceNotFound";
    case Reason::kAlreadyExists: return "DeviceAlreadyExists";
    case Reason::kMalformedRequest:
    case Reason::kInvalidArgument:
    case Reason::kInvalidName:
    case Reason::kImmutableProperty: return "ArgumentInvalid";
    case Reason::kUnsupportedApiVersion: return "InvalidProtocolVersion";
    case Reason::kThrottled: return "ThrottlingException";
    default: return std::string(registry::faces(reason).arm_code);
  }
}

Service service_of(const Route& route) {
  for (const auto* first : {"/enrollments", "/enrollmentGroups", "/registrations"}) {
    if (begins(route.pattern, first)) return Service::kProvisioning;
  }
  for (const auto* first : {"/devices", "/statistics"}) {
    if (begins(route.pattern, first)) return Service::kHub;
  }
  return Service::kNone;
}

Located locate(const Place& place, const Request& request) {
  const auto segments = decoded_segments(request.path);
  if (segments && same_text(segments->front(), "subscriptions")) {
    return locate_full(place, request.method, *segments);
  }
  Located located;
  if (segments) located.match = find_route(request.method, *segments);
  if (!located.match.path_known) {
    located.nowhere = not_found("ResourceNotFound", "there is no such path");
    return located;
  }
  if (!located.match.route) return located;
  // Whoever names a version speaks the service's API.
  const auto service = service_of(*located.match.route);
  const bool versioned = request.query.find("api-version=") != std::string::npos;
  if (service != Service::kNone && versioned) located.face = Face::kService;
  return located;
}

std::vector<std::string_view> api_versions(const Route& route) {
  std::vector<std::string_view> versions;
  const auto add = [&versions](const auto& list) {
    for (const auto version : list) {
      if (std::find(versions.begin(), versions.end(), version) == versions.end()) versions.push_back(version);
    }
  };
  const auto holds = [&route](std::string_view part) { return route.pattern.find(part) != std::string_view::npos; };
  if (route.pattern.ends_with("/revokeCertificates")) {
    add(kSeveralRevocationsVersions);
    return versions;
  }
  if (holds("codeSigningAccounts") || holds("/identityValidations") || holds("/checkNameAvailability")) {
    add(kSigningVersions);
    return versions;
  }
  if (begins(route.pattern, "/resourceGroups") || begins(route.pattern, "/providers") ||
      begins(route.pattern, "/tenants")) {
    add(kResourceVersions);
    return versions;
  }
  const auto service = service_of(route);
  if (service == Service::kProvisioning) add(kProvisioningVersions);
  if (service == Service::kHub || begins(route.pattern, "/twins")) add(kIdentityVersions);
  if (begins(route.pattern, "/hubs")) add(kHubVersions);
  if (begins(route.pattern, "/provisioningServices")) add(kServiceVersions);
  if (service != Service::kHub) add(kRegistryVersions);
  if (begins(route.pattern, "/operationStatuses") || begins(route.pattern, "/operationResults")) {
    add(kSigningVersions);  // links to them name the version of the act
    add(kResourceVersions);
  }
  return versions;
}

Answer<registry::Nothing> check_api_version(Face face, const Route& route, const std::optional<std::string>& version) {
  const auto known = api_versions(route);
  if (!version || version->empty()) {
    if (face != Face::kArm) return registry::Nothing{};
    return fault(Reason::kUnsupportedApiVersion,
                 "The api-version query parameter (?api-version=) is required for all requests. Supported are " +
                     joined(known) + ".");
  }
  if (std::find(known.begin(), known.end(), *version) != known.end()) return registry::Nothing{};
  return fault(Reason::kUnsupportedApiVersion,
               "the api-version '" + version->substr(0, 64) + "' is not supported; supported are " + joined(known),
               "api-version");
}

Response worded(Face face, const Route& route, const Fault& fault, const Place& place, const std::string& resource,
                UnixMs now) {
  auto response = [&] {
    switch (face) {
      case Face::kShort: break;
      case Face::kArm: return arm_worded(fault, place, resource);
      case Face::kService:
        return service_of(route) == Service::kHub ? hub_worded(fault) : provisioning_worded(fault, now);
    }
    return error_answer(fault);
  }();
  if (fault.retry_after_s > 0) response.fields.emplace_back("Retry-After", std::to_string(fault.retry_after_s));
  return response;
}

}  // namespace latchkey::hub::management
