// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/model.h"

namespace latchkey::registry::signing {

std::string_view to_string(ProfileType type) {
  switch (type) {
    case ProfileType::kPublicTrust: return "PublicTrust";
    case ProfileType::kPrivateTrust: return "PrivateTrust";
    case ProfileType::kPrivateTrustCiPolicy: return "PrivateTrustCIPolicy";
    case ProfileType::kVbsEnclave: return "VBSEnclave";
    case ProfileType::kPublicTrustTest: return "PublicTrustTest";
  }
  return "";
}

std::optional<ProfileType> profile_type(std::string_view name) {
  for (const auto type : kProfileTypes) {
    if (to_string(type) == name) return type;
  }
  return std::nullopt;
}

std::string_view to_string(ProfileStatus status) {
  switch (status) {
    case ProfileStatus::kActive: return "Active";
    case ProfileStatus::kDisabled: return "Disabled";
    case ProfileStatus::kSuspended: return "Suspended";
  }
  return "";
}

std::string_view to_string(IdentityKind kind) { return kind == IdentityKind::kPublic ? "Public" : "Private"; }

std::string_view to_string(IdentitySubject subject) {
  return subject == IdentitySubject::kOrganization ? "Organization" : "Individual";
}

std::string_view to_string(ValidationState state) {
  switch (state) {
    case ValidationState::kInProgress: return "In Progress";
    case ValidationState::kActionRequired: return "Action Required";
    case ValidationState::kCompleted:
    case ValidationState::kRenewing: return "Completed";
    case ValidationState::kFailed: return "Failed";
    case ValidationState::kExpired: return "Expired";
  }
  return "";
}

}  // namespace latchkey::registry::signing
