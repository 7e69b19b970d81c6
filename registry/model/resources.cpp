// SPDX-License-Identifier: Apache-2.0
#include "registry/model/resources.h"

namespace latchkey::registry {

std::string_view to_string(KeyProfile profile) { return profile == KeyProfile::kEcP384 ? "ec-p384" : "ec-p256"; }

std::optional<KeyProfile> parse_key_profile(std::string_view text) {
  if (text == "ec-p256") return KeyProfile::kEcP256;
  if (text == "ec-p384") return KeyProfile::kEcP384;
  return std::nullopt;
}

namespace {

struct NamedReason {
  RevocationReason reason;
  std::string_view name;
};
constexpr NamedReason kReasons[] = {
    {RevocationReason::kUnspecified, "unspecified"},
    {RevocationReason::kKeyCompromise, "keyCompromise"},
    {RevocationReason::kCaCompromise, "cACompromise"},
    {RevocationReason::kAffiliationChanged, "affiliationChanged"},
    {RevocationReason::kSuperseded, "superseded"},
    {RevocationReason::kCessationOfOperation, "cessationOfOperation"},
    {RevocationReason::kPrivilegeWithdrawn, "privilegeWithdrawn"},
};

}  // namespace

std::string_view to_string(RevocationReason reason) {
  for (const auto& one : kReasons) {
    if (one.reason == reason) return one.name;
  }
  return "unspecified";
}

std::optional<RevocationReason> parse_revocation_reason(std::string_view text) {
  for (const auto& one : kReasons) {
    if (one.name == text) return one.reason;
  }
  return std::nullopt;
}

std::string_view to_string(AllocationPolicy policy) {
  switch (policy) {
    case AllocationPolicy::kHashed: return "hashed";
    case AllocationPolicy::kGeoLatency: return "geoLatency";
    case AllocationPolicy::kStatic: return "static";
  }
  return "hashed";
}

std::optional<AllocationPolicy> parse_allocation_policy(std::string_view text) {
  for (const auto policy : {AllocationPolicy::kHashed, AllocationPolicy::kGeoLatency, AllocationPolicy::kStatic}) {
    if (to_string(policy) == text) return policy;
  }
  return std::nullopt;
}

std::string_view to_string(Substatus substatus) {
  switch (substatus) {
    case Substatus::kInitialAssignment: return "initialAssignment";
    case Substatus::kDeviceDataMigrated: return "deviceDataMigrated";
    case Substatus::kDeviceDataReset: return "deviceDataReset";
    case Substatus::kReprovisionedToInitialAssignment: return "reprovisionedToInitialAssignment";
  }
  return "initialAssignment";
}

}  // namespace latchkey::registry
