// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/device_body.h"

#include <algorithm>

#include "hub/management/internal/envelope.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/router.h"
#include "hub/text/json.h"
#include "registry/roles/scope.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

constexpr std::size_t kLongestText = 256;
constexpr std::size_t kLargestObject = 16 * 1024;  // as JSON
constexpr const char* kFixedTexts[] = {"externalDeviceId", "operatingSystem"};
constexpr const char* kTexts[] = {"manufacturer", "model", "operatingSystemVersion"};
constexpr const char* kObjects[] = {"attributes", "endpoints"};
constexpr const char* kServiceMade[] = {"status", "lastTransitionTime", "provisioningState", "connected",
                                        "lastRevokedAt"};
constexpr const char* kIdentity[] = {"uuid", "credentialId", "registrationId", "version"};

void read_text(Fields& properties, const char* name, json& extra) {
  const auto text = properties.text(name);
  if (!text) return;
  if (text->size() > kLongestText) {
    properties.refuse(Reason::kInvalidArgument, "is longer than " + std::to_string(kLongestText) + " characters", name);
  }
  extra[name] = *text;
}

void read_object(Fields& properties, const char* name, json& extra) {
  const auto* value = properties.any_object(name);
  if (!value) return;
  if (text::dump(*value).size() > kLargestObject) {
    properties.refuse(Reason::kInvalidArgument, "is larger than " + std::to_string(kLargestObject) + " bytes", name);
  }
  extra[name] = *value;
}

// The policy's name out of its id, which has to be one of this namespace.
std::optional<std::string> policy_in(const Context& context, const std::string& id) {
  using registry::roles::same_text;
  auto segments = decoded_segments(id);
  if (segments && same_text(segments->front(), "subscriptions")) segments = short_segments(context.place, *segments);
  const bool fits = segments && segments->size() == 6 && (*segments)[0] == "namespaces" &&
                    same_text((*segments)[1], context.names[0]) && (*segments)[2] == "credentials" &&
                    (*segments)[4] == "policies";
  return fits ? std::optional((*segments)[5]) : std::nullopt;
}

void read_policy(const Context& context, Fields& properties, DeviceBody& body) {
  if (properties.is_null("policy")) {
    body.update.policy_name = "";
    return;
  }
  if (!properties.has("policy")) return;
  auto policy = properties.object("policy");
  if (policy.is_null("resourceId")) return;  // what a device shows whose policy was deleted
  const auto id = policy.required_text("resourceId");
  const auto name = policy_in(context, id);
  if (!name) policy.refuse(Reason::kInvalidArgument, "is not the id of a policy in this namespace", "resourceId");
  body.update.policy_name = name;
}

}  // namespace

bool fixed_property(const std::string& name) {
  return std::any_of(std::begin(kFixedTexts), std::end(kFixedTexts), [&](const char* one) { return name == one; });
}

Answer<DeviceBody> read_device(const Context& context, DeviceAct act) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  DeviceBody body;
  body.call = context.call;
  read_envelope(root, Kept::kTracked, body.call);
  auto properties = root.object("properties");
  body.update.enabled = properties.flag("enabled");
  read_policy(context, properties, body);
  for (const char* name : kTexts) read_text(properties, name, body.extra);
  for (const char* name : kObjects) read_object(properties, name, body.extra);
  for (const char* name : kServiceMade) properties.pass(name);
  if (act == DeviceAct::kPut) {
    for (const char* name : kFixedTexts) read_text(properties, name, body.extra);
    for (const char* name : kIdentity) properties.pass(name);
  } else {
    for (const char* name : kFixedTexts) properties.immutable(name);
    for (const char* name : kIdentity) properties.immutable(name);
  }
  LATCHKEY_TRY_VOID(reader->finish());
  return body;
}

}  // namespace latchkey::hub::management
