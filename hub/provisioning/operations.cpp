// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/internal/operations.h"

#include "agent/protocol/dps.h"
#include "hub/provisioning/internal/attestation.h"

namespace latchkey::hub::provisioning {

using registry::Operation;
using registry::Outcome;
using registry::Reason;
using registry::Refusal;
using registry::refuse;

namespace {

constexpr std::string_view kAssigning = "assigning";
constexpr std::string_view kAssigned = "assigned";
constexpr std::string_view kFailed = "failed";
constexpr std::string_view kDisabled = "disabled";

// What every state says of the registrant.
RegistrationState state_of(const std::string& operation_id, const Registrant& who, UnixMs now) {
  RegistrationState state;
  state.operation_id = operation_id;
  state.registration_id = who.registration_id;
  state.attestation = who.enrollment.attestation;
  if (who.enrollment.group) state.enrollment_group = who.enrollment.id;
  state.created = state.updated = now;
  return state;
}

}  // namespace

Operations::Operations(registry::Registry& registry, Enforcement& enforcement, const Options& options)
    : registry_(registry),
      enforcement_(enforcement),
      options_(options),
      registrations_(options.registrations_per_minute),
      polls_(options.operations_per_minute) {}

Outcome<registry::Nothing> Operations::begin(const std::string& id, const std::string& registration_id) {
  if (registrations_.take(options_.monotonic_ms()) > 0) return refuse(Reason::kThrottled, "too many registrations");
  const std::lock_guard lock(mutex_);
  running_.emplace(id, registration_id);
  return registry::Nothing{};
}

Operation Operations::begun(const std::string& id, const std::string& registration_id) const {
  const UnixMs now = options_.now();
  const StoredAnswer nothing_yet{0, now + options_.orphan_after_ms, ""};
  return {id, registration_id, std::string(kAssigning), store_answer(nothing_yet), now + options_.keep_operations_ms};
}

void Operations::finish(const Operation& result, bool stored) {
  // When this cannot be stored, polls hear "assigning" until the operation counts as abandoned.
  if (!stored) (void)registry_.put_operation(result);
  drop(result.id);
}

void Operations::drop(const std::string& id) {
  const std::lock_guard lock(mutex_);
  running_.erase(id);
}

void Operations::hold(const std::string& id, std::function<bool()> held) {
  const std::lock_guard lock(mutex_);
  holds_[id] = std::move(held);
}

bool Operations::held(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = holds_.find(id);
  if (found == holds_.end()) return false;
  if (found->second()) return true;
  holds_.erase(found);
  return false;
}

bool Operations::worked_on(const std::string& id, std::string_view registration_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = running_.find(id);
  return found != running_.end() && agent::equal_ignoring_case(found->second, registration_id);
}

Operation Operations::assigned(const std::string& id, const Registrant& who, const registry::RegistrationGrant& grant,
                               const std::vector<registry::Bytes>& chain, registry::Sequence sequence) const {
  RegistrationState state = state_of(id, who, options_.now());
  state.status = kAssigned;
  state.created = grant.registration.created;
  state.updated = grant.registration.updated;
  state.assigned_hub = grant.registration.hub;
  state.device_id = grant.registration.device_id;
  state.substatus = registry::to_string(grant.registration.substatus);
  state.chain = chain;
  if (options_.renewal_window && grant.issuance && !chain.empty()) {
    state.renewal_window = options_.renewal_window(grant.issuance->not_before, grant.issuance->not_after);
  }
  return {id, who.registration_id, state.status, store_answer({sequence, 0, state_body(state)}),
          options_.now() + options_.keep_operations_ms};
}

Operation Operations::refused(const std::string& id, const Registrant& who, const Refusal& refusal) const {
  const bool disabled = refusal.reason == Reason::kDeviceDisabled || refusal.reason == Reason::kEnrollmentDisabled;
  RegistrationState state = state_of(id, who, options_.now());
  state.status = disabled ? kDisabled : kFailed;
  if (!disabled) {
    state.error_code = dps_error(refusal.reason);
    state.error_message = refusal.detail;
  }
  return {id, who.registration_id, state.status, store_answer({0, 0, state_body(state)}),
          options_.now() + options_.keep_operations_ms};
}

Outcome<Answer> Operations::poll(std::string_view id, const Registrant& who) {
  if (polls_.take(options_.monotonic_ms()) > 0) return refuse(Reason::kThrottled, "too many operations");
  if (who.enrollment.enabled && worked_on(std::string(id), who.registration_id)) return assigning(id);
  const Refusal unknown{Reason::kOperationNotFound, "there is no such operation"};
  const auto operation = registry_.find_operation(std::string(id));
  if (!operation) return fail(is_absent(operation.error()) ? unknown : operation.error());
  const auto stored = load_answer(operation->body);
  if (!stored || operation->expires <= options_.now() ||
      !agent::equal_ignoring_case(operation->registration_id, who.registration_id)) {
    return fail(unknown);
  }
  RegistrationState state = state_of(operation->id, who, options_.now());
  if (!who.enrollment.enabled) {  // disabled since
    state.status = kDisabled;
    return Answer{200, state_body(state), {}};
  }
  if (held(operation->id)) return assigning(operation->id);
  if (operation->status == kAssigned) return poll_assigned(*operation, *stored);
  if (operation->status != kAssigning) return Answer{200, stored->body, {}};
  if (worked_on(operation->id, who.registration_id) || options_.now() < stored->orphan_at) {
    return assigning(operation->id);
  }
  state.status = kFailed;
  state.error_code = kFallbackError;
  state.error_message = "the registration was interrupted; register again";
  return Answer{200, state_body(state), {}};
}

Outcome<Answer> Operations::poll_assigned(const Operation& operation, const StoredAnswer& stored) {
  const auto applied = enforcement_.wait_applied(stored.sequence);
  if (applied) return Answer{200, stored.body, {}};
  // Told before every gate agrees, the device would be refused with its brand-new certificate.
  if (applied.error().reason == Reason::kEnforcementTimeout) return assigning(operation.id);
  return fail(applied.error());
}

}  // namespace latchkey::hub::provisioning
