// SPDX-License-Identifier: Apache-2.0
// The states of an identity validation: one table of states and events. Pure; validations.h drives it.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "registry/signing/model.h"

namespace latchkey::registry::signing {

enum class ValidationEvent : std::uint8_t {
  kEmailVerified,      // the link in the e-mail was followed in time
  kEmailFailed,        // the address cannot be verified
  kLinkLapsed,         // time: seven days without that
  kMoreNeeded,         // the verifier asks for documents, or for a proof of identity
  kDocumentsSupplied,  // by an organization
  kProofPresented,     // by an individual, to the verifier's partner
  kAccepted,
  kRefused,
  kRenewalAsked,
  kValidityOver,  // time
  kDelete,
};
inline constexpr std::array kValidationStates = {ValidationState::kInProgress, ValidationState::kActionRequired,
                                                 ValidationState::kCompleted,  ValidationState::kRenewing,
                                                 ValidationState::kFailed,     ValidationState::kExpired};
inline constexpr std::size_t kValidationEvents = 11;
std::string_view to_string(ValidationEvent event);  // "documents supplied"

enum class Move : std::uint8_t {
  kTo,      // Step::state
  kGone,    // nothing is left of it
  kNo,      // refused in this state
  kCannot,  // the driver's timers never bring it about
};
struct Step {
  Move move = Move::kNo;
  ValidationState state = ValidationState::kFailed;  // with kTo
};
Step step(ValidationState state, ValidationEvent event);

inline constexpr UnixMs kValidationDayMs = 24LL * 60 * 60 * 1000;
inline constexpr UnixMs kLinkLivesMs = 7 * kValidationDayMs;     // dead from then on
inline constexpr UnixMs kRenewalFromMs = 60 * kValidationDayMs;  // before the end
inline constexpr UnixMs kValidationLivesMs = 365 * kValidationDayMs;
inline constexpr std::int64_t kMostSubmissions = 3;  // of documents

// What time alone has brought about by `now`; nothing: nothing.
std::optional<ValidationEvent> due_event(const Validation& validation, UnixMs now);

}  // namespace latchkey::registry::signing
