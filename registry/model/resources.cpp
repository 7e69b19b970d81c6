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

}  // namespace latchkey::registry
