// SPDX-License-Identifier: Apache-2.0
// The API's faces. One table of routes answers all of them; they differ in paths, in what a request has to say, in how
// errors read, and in whether an act answers at once or as an operation to ask after.
//
//   kShort    /namespaces/plant                 ours: the command line, scripts; api-version may be left out
//   kArm      /subscriptions/.../namespaces/plant   Azure Resource Manager's: api-version must be given
//   kService  /enrollments/pump?api-version=... the service APIs of provisioning services and hubs: flat, own errors
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/management/internal/answer.h"
#include "hub/management/internal/resource_id.h"
#include "hub/management/internal/router.h"

namespace latchkey::hub::management {

enum class Service : std::uint8_t { kNone, kProvisioning, kHub };
// Whose service API a route belongs to.
Service service_of(const Route& route);

// Where a request leads.
struct Located {
  Face face = Face::kShort;
  Match match;
  std::string location;             // of the status monitor's path
  std::optional<Response> nowhere;  // set: this is the answer, there is no such place
};
Located locate(const Place& place, const Request& request);

// The api-versions that this route knows, the newest first.
std::vector<std::string_view> api_versions(const Route& route);
// kUnsupportedApiVersion; or, on the faces that want one, that it is missing.
Answer<registry::Nothing> check_api_version(Face face, const Route& route, const std::optional<std::string>& version);

// A reason as hubs name it: "DeviceNotFound".
std::string hub_error_code(registry::Reason reason);

// A refusal in the words of that face. `resource`: the id of what was asked for.
Response worded(Face face, const Route& route, const Fault& fault, const Place& place, const std::string& resource,
                UnixMs now);

}  // namespace latchkey::hub::management
