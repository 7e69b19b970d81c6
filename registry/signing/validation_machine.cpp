// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/validation_machine.h"

namespace latchkey::registry::signing {
namespace {

constexpr Step to(ValidationState state) { return {Move::kTo, state}; }
constexpr Step kNot = {Move::kNo, ValidationState::kFailed};
constexpr Step kNever = {Move::kCannot, ValidationState::kFailed};
constexpr Step kGoneStep = {Move::kGone, ValidationState::kFailed};

constexpr auto P = ValidationState::kInProgress;
constexpr auto A = ValidationState::kActionRequired;
constexpr auto C = ValidationState::kCompleted;
constexpr auto R = ValidationState::kRenewing;
constexpr auto F = ValidationState::kFailed;
constexpr auto E = ValidationState::kExpired;

// A renewal that comes to nothing leaves a validation that is good until its end. A renewal needs no documents: what
// changed takes a new request.
constexpr Step kTable[kValidationEvents][kValidationStates.size()] = {
    // In Progress, Action Required, Completed, Renewing, Failed, Expired
    {to(P), to(A), kNot, to(R), kNot, kNot},                        // e-mail verified
    {to(F), to(F), kNot, to(C), kNot, kNot},                        // e-mail failed
    {to(F), to(F), kNever, to(C), kNever, kNever},                  // link lapsed
    {to(A), kNot, kNot, kNot, kNot, kNot},                          // more needed
    {kNot, to(P), kNot, kNot, kNot, kNot},                          // documents supplied
    {kNot, to(C), kNot, kNot, kNot, kNot},                          // proof presented
    {to(C), to(C), kNot, to(C), kNot, kNot},                        // accepted
    {to(F), to(F), kNot, to(C), kNot, kNot},                        // refused
    {kNot, kNot, to(R), kNot, kNot, kNot},                          // renewal asked
    {kNever, kNever, to(E), to(E), kNever, kNever},                 // validity over
    {kNot, kGoneStep, kGoneStep, kGoneStep, kGoneStep, kGoneStep},  // delete
};

}  // namespace

std::string_view to_string(ValidationEvent event) {
  constexpr std::string_view kNames[] = {"e-mail verified",    "e-mail failed",   "link lapsed", "more needed",
                                         "documents supplied", "proof presented", "accepted",    "refused",
                                         "renewal asked",      "validity over",   "delete"};
  return kNames[static_cast<std::size_t>(event)];
}

Step step(ValidationState state, ValidationEvent event) {
  return kTable[static_cast<std::size_t>(event)][static_cast<std::size_t>(state) - 1];
}

std::optional<ValidationEvent> due_event(const Validation& validation, UnixMs now) {
  if (validation.completed() && now >= validation.expires) return ValidationEvent::kValidityOver;
  const bool waits = validation.state == ValidationState::kInProgress ||
                     validation.state == ValidationState::kActionRequired ||
                     validation.state == ValidationState::kRenewing;
  if (waits && validation.email_verified == 0 && now >= validation.link_sent + kLinkLivesMs) {
    return ValidationEvent::kLinkLapsed;
  }
  return std::nullopt;
}

}  // namespace latchkey::registry::signing
