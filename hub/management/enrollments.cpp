// SPDX-License-Identifier: Apache-2.0
// Enrollments, in the flat form of the DPS service API. Symmetric keys go in here and never come out again, except by
// .../attestationmechanism.
#include <sys/random.h>

#include <nlohmann/json.hpp>

#include "hub/management/internal/handlers.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/shapes.h"
#include "hub/management/internal/text.h"
#include "hub/text/json.h"
#include "registry/model/etag.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Bytes;
using registry::Reason;

namespace {

constexpr std::size_t kGeneratedKeySize = 64;
constexpr std::size_t kSmallestKey = 16;  // DPS takes keys of 16 to 64 bytes
constexpr std::size_t kLargestKey = 64;

Answer<Bytes> random_key() {
  Bytes key(kGeneratedKeySize);
  if (getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
    return fault(Reason::kInternal, "the system gives no random bytes");
  }
  return key;
}

// A key as it was given, or a fresh one.
Answer<Bytes> key_or_random(const std::optional<std::string>& text, const std::string& target) {
  if (!text) return random_key();
  LATCHKEY_TRY(key, from_base64(*text, target));
  if (key.size() < kSmallestKey || key.size() > kLargestKey) {
    return fault(Reason::kInvalidArgument, "'" + target + "' must be 16 to 64 bytes long", target);
  }
  return key;
}

std::optional<bool> read_status(Fields& root) {
  const auto text = root.text("provisioningStatus");
  if (!text) return std::nullopt;
  if (*text != "enabled" && *text != "disabled") {
    root.refuse(Reason::kInvalidArgument, "is neither enabled nor disabled", "provisioningStatus");
  }
  return *text == "enabled";
}

// What the body says of hubs; what it does not say is nothing.
struct Allocation {
  std::optional<registry::AllocationPolicy> policy;
  std::optional<std::vector<std::string>> hubs;
  std::optional<registry::ReprovisionPolicy> reprovision;
};

std::optional<registry::AllocationPolicy> read_policy(Fields& root) {
  const auto text = root.text("allocationPolicy");
  if (!text) return std::nullopt;
  if (*text == "custom") {
    root.refuse(Reason::kInvalidArgument, "is custom, which calls a function in the cloud: there is none here",
                "allocationPolicy");
    return std::nullopt;
  }
  const auto policy = registry::parse_allocation_policy(*text);
  if (!policy) root.refuse(Reason::kInvalidArgument, "is none of hashed, geoLatency and static", "allocationPolicy");
  return policy;
}

std::optional<registry::ReprovisionPolicy> read_reprovision(Fields& root) {
  if (!root.has("reprovisionPolicy")) return std::nullopt;
  auto fields = root.object("reprovisionPolicy");
  registry::ReprovisionPolicy reprovision;
  reprovision.update_hub_assignment = fields.flag("updateHubAssignment").value_or(true);
  reprovision.migrate_device_data = fields.flag("migrateDeviceData").value_or(true);
  return reprovision;
}

// iotHubHostName is the older way to say "static, to this one".
Allocation read_allocation(Fields& root) {
  Allocation allocation;
  allocation.policy = read_policy(root);
  allocation.reprovision = read_reprovision(root);
  if (root.has("iotHubs")) allocation.hubs = root.texts("iotHubs");
  const auto host = root.text("iotHubHostName");
  if (!host) return allocation;
  if (allocation.policy.value_or(registry::AllocationPolicy::kStatic) != registry::AllocationPolicy::kStatic) {
    root.refuse(Reason::kInvalidArgument, "needs the allocationPolicy static", "iotHubHostName");
  }
  if (allocation.hubs && *allocation.hubs != std::vector<std::string>{*host}) {
    root.refuse(Reason::kInvalidArgument, "is another hub than iotHubs names", "iotHubHostName");
  }
  allocation.policy = registry::AllocationPolicy::kStatic;
  allocation.hubs = {*host};
  return allocation;
}

// Nothing: there is no word of it. An empty one: none is to be given, or not any more.
Answer<std::optional<registry::InitialTwin>> read_initial_twin(const Context& context, const json* given,
                                                               bool is_null) {
  if (is_null) return std::optional(registry::InitialTwin{});
  if (given == nullptr) return std::optional<registry::InitialTwin>();
  if (context.parts.twins == nullptr) return fault(Reason::kNotConfigured, "this process serves no hub");
  LATCHKEY_TRY(twin, context.parts.twins->read_initial(text::dump(*given)));
  return std::optional(std::move(twin));
}

// The attestation's members as they stand in the body; turned into bytes after the body's shape was found good.
struct AttestationText {
  std::string type;
  std::optional<std::string> primary, secondary;
  std::string primary_path, secondary_path;
};

AttestationText read_attestation(Fields& root, bool group) {
  AttestationText result;
  auto attestation = root.object("attestation");
  result.type = attestation.text("type").value_or("symmetricKey");
  if (result.type == "symmetricKey") {
    auto keys = attestation.object("symmetricKey");
    result.primary = keys.text("primaryKey");
    result.secondary = keys.text("secondaryKey");
    result.primary_path = keys.path("primaryKey");
    result.secondary_path = keys.path("secondaryKey");
  } else if (result.type == "x509") {
    auto pair = attestation.object("x509").object(group ? "signingCertificates" : "clientCertificates");
    auto secondary = pair.object("secondary");
    result.secondary = secondary.text("certificate");
    result.secondary_path = secondary.path("certificate");
    auto primary = pair.object("primary");
    result.primary = primary.required_text("certificate");
    result.primary_path = primary.path("certificate");
  } else {
    attestation.refuse(Reason::kInvalidArgument, "is neither symmetricKey nor x509", "type");
  }
  return result;
}

enum class NoKeys { kMakeSome, kKeepThem };  // what it means that a body names no symmetric keys

Answer<registry::Nothing> fill_attestation(const AttestationText& text, NoKeys no_keys,
                                           registry::NewEnrollment& enrollment) {
  if (text.type == "symmetricKey") {
    enrollment.attestation = registry::AttestationKind::kSymmetricKey;
    if (!text.primary && !text.secondary && no_keys == NoKeys::kKeepThem) return registry::Nothing{};
    LATCHKEY_TRY(primary, key_or_random(text.primary, text.primary_path));
    LATCHKEY_TRY(secondary, key_or_random(text.secondary, text.secondary_path));
    enrollment.primary = std::move(primary);
    enrollment.secondary = std::move(secondary);
    return registry::Nothing{};
  }
  enrollment.attestation = registry::AttestationKind::kX509;
  const auto use = enrollment.group ? CertificateUse::kAuthority : CertificateUse::kLeaf;
  LATCHKEY_TRY(primary, der_from_pem(text.primary.value_or(""), use, text.primary_path));
  enrollment.primary = std::move(primary);
  if (text.secondary) {
    LATCHKEY_TRY(secondary, der_from_pem(*text.secondary, use, text.secondary_path));
    enrollment.secondary = std::move(secondary);
  }
  return registry::Nothing{};
}

// What the service makes of itself and its SDKs send back, and what they send although it says nothing.
void pass_service_members(Fields& root) {
  for (const char* name : {"etag", "createdDateTimeUtc", "lastUpdatedDateTimeUtc", "registrationState"}) {
    root.pass(name);
  }
  if (root.object("capabilities").flag("iotEdge").value_or(false)) {
    root.refuse(Reason::kInvalidArgument, "wants an edge device, which there is none of here", "capabilities.iotEdge");
  }
}

Answer<registry::NewEnrollment> read_enrollment(const Context& context, bool group,
                                                NoKeys no_keys = NoKeys::kMakeSome) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  registry::NewEnrollment enrollment;
  enrollment.id = context.names[0];
  enrollment.group = group;
  const char* id_name = group ? "enrollmentGroupId" : "registrationId";
  const auto id = root.text(id_name);
  if (id && *id != enrollment.id) root.refuse(Reason::kInvalidArgument, "is not the id in the path", id_name);
  enrollment.namespace_name = root.text("namespace").value_or("default");
  enrollment.policy_name = root.text_or_null("credentialPolicyName").value_or("");
  enrollment.enabled = read_status(root).value_or(true);
  if (!group) enrollment.device_id = root.text("deviceId").value_or("");
  auto allocation = read_allocation(root);
  enrollment.allocation = allocation.policy.value_or(enrollment.allocation);
  enrollment.hubs = std::move(allocation.hubs).value_or(enrollment.hubs);
  enrollment.reprovision = allocation.reprovision.value_or(enrollment.reprovision);
  const auto attestation = read_attestation(root, group);
  const bool no_twin = root.is_null("initialTwin");
  const auto* given_twin = no_twin ? nullptr : root.any_object("initialTwin");
  if (context.face == Face::kService) pass_service_members(root);
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY_VOID(fill_attestation(attestation, no_keys, enrollment));
  LATCHKEY_TRY(initial_twin, read_initial_twin(context, given_twin, no_twin));
  enrollment.initial_twin = std::move(initial_twin).value_or(registry::InitialTwin{});
  return enrollment;
}

Response enrollment_answer(const Context& context, int status, const registry::Enrollment& enrollment) {
  Names names(context.registry());
  auto response = answer(status, enrollment_json(enrollment, names));
  response.etag = registry::etag_of(enrollment);
  return response;
}

std::string resource(const std::string& id, bool group) { return (group ? "enrollmentGroups/" : "enrollments/") + id; }

}  // namespace

template <bool kGroup>
Answer<Response> list_enrollments(const Context& context) {
  LATCHKEY_TRY(list, context.registry().list_enrollments());
  Names names(context.registry());
  json value = json::array();
  for (const auto& enrollment : list) {
    if (enrollment.group == kGroup) value.push_back(enrollment_json(enrollment, names));
  }
  return answer(200, list_json(std::move(value)));
}

template <bool kGroup>
Answer<Response> show_enrollment(const Context& context) {
  LATCHKEY_TRY(enrollment, context.registry().find_enrollment(context.names[0], kGroup));
  return enrollment_answer(context, 200, enrollment);
}

// The service's PUT replaces only what its caller says to have seen; without If-Match it is there to create.
template <bool kGroup>
Answer<Response> create_enrollment(const Context& context) {
  const bool service = context.face == Face::kService;
  if (service && !context.if_match.empty()) {
    LATCHKEY_TRY(wanted, read_enrollment(context, kGroup, NoKeys::kKeepThem));
    LATCHKEY_TRY(replaced, context.registry().replace_enrollment(context.call, std::move(wanted)));
    return enrollment_answer(context, 200, replaced.value);
  }
  LATCHKEY_TRY(wanted, read_enrollment(context, kGroup));
  LATCHKEY_TRY(created, context.registry().create_enrollment(context.call, std::move(wanted)));
  return enrollment_answer(context, service ? 200 : 201, created.value);
}

template <bool kGroup>
Answer<Response> update_enrollment(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  registry::EnrollmentUpdate update;
  update.policy_name = root.text_or_null("credentialPolicyName");
  update.enabled = read_status(root);
  auto allocation = read_allocation(root);
  update.allocation = allocation.policy;
  update.hubs = std::move(allocation.hubs);
  update.reprovision = allocation.reprovision;
  const bool no_twin = root.is_null("initialTwin");
  const auto* given_twin = no_twin ? nullptr : root.any_object("initialTwin");
  for (const char* name : {"attestation", "namespace", "deviceId", "registrationId", "enrollmentGroupId"}) {
    root.immutable(name);
  }
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(initial_twin, read_initial_twin(context, given_twin, no_twin));
  update.initial_twin = std::move(initial_twin);
  if (!update.policy_name && !update.enabled && !update.allocation && !update.hubs && !update.reprovision &&
      !update.initial_twin) {
    return fault(
        Reason::kMalformedRequest,
        "there is nothing to change: give credentialPolicyName, provisioningStatus, allocationPolicy, iotHubs, "
        "reprovisionPolicy or initialTwin");
  }
  LATCHKEY_TRY(updated, context.registry().update_enrollment(context.call, context.names[0], kGroup, update));
  return enrollment_answer(context, 200, updated.value);
}

template <bool kGroup>
Answer<Response> delete_enrollment(const Context& context) {
  LATCHKEY_TRY_VOID(context.registry().delete_enrollment(context.call, context.names[0], kGroup));
  return no_content();
}

template <bool kGroup>
Answer<Response> show_attestation(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(enrollment, context.registry().find_enrollment(context.names[0], kGroup));
  Names names(context.registry());
  if (enrollment.attestation != registry::AttestationKind::kSymmetricKey) {
    return answer(200, enrollment_json(enrollment, names)["attestation"]);
  }
  // No keys without a durable record of who read them.
  LATCHKEY_TRY_VOID(
      context.registry().audit(context.call, "enrollment.read_keys", resource(enrollment.id, kGroup), "ok", ""));
  return answer(200, {{"type", "symmetricKey"},
                      {"symmetricKey",
                       {{"primaryKey", base64(enrollment.primary)}, {"secondaryKey", base64(enrollment.secondary)}}}});
}

template Answer<Response> list_enrollments<false>(const Context&);
template Answer<Response> list_enrollments<true>(const Context&);
template Answer<Response> show_enrollment<false>(const Context&);
template Answer<Response> show_enrollment<true>(const Context&);
template Answer<Response> create_enrollment<false>(const Context&);
template Answer<Response> create_enrollment<true>(const Context&);
template Answer<Response> update_enrollment<false>(const Context&);
template Answer<Response> update_enrollment<true>(const Context&);
template Answer<Response> delete_enrollment<false>(const Context&);
template Answer<Response> delete_enrollment<true>(const Context&);
template Answer<Response> show_attestation<false>(const Context&);
template Answer<Response> show_attestation<true>(const Context&);

}  // namespace latchkey::hub::management
