// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/provisioning.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "agent/protocol/dps.h"
#include "agent/protocol/topic_text.h"
#include "hub/provisioning/internal/answer.h"
#include "hub/provisioning/internal/attestation.h"
#include "hub/provisioning/internal/register_body.h"
#include "hub/provisioning/internal/throttle.h"

namespace latchkey::hub::provisioning {

using registry::Enrollment;
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
constexpr int kFallbackError = 500001;
constexpr std::size_t kKeptRefusals = 256;

int dps_error(Reason reason) {
  const int code = registry::faces(reason).dps_error;
  return code != 0 ? code : kFallbackError;
}

bool is_absent(const Refusal& refusal) {
  return refusal.reason == Reason::kNotFound || refusal.reason == Reason::kEnrollmentNotFound;
}

// A 401 says no more than that: which part of a wrong proof was wrong is nobody's business.
std::string_view public_message(const Refusal& refusal) {
  if (dps_error(refusal.reason) / 1000 == 401 && refusal.reason != Reason::kTokenExpired) return "Unauthorized";
  return refusal.detail;
}

void publish(const Reply& reply, std::string_view request_id, const Answer& answer) {
  std::array<std::uint8_t, agent::dps::kMaxRequestId + 64> buffer;
  const auto topic = agent::dps::write_response_topic(static_cast<std::uint16_t>(answer.status), request_id,
                                                      answer.retry_after_s, MutableBytes(buffer));
  if (topic) reply(*topic, answer.body);
}

// The `$rid` of a DPS request that cannot be read otherwise, so that it can be told so.
std::string_view rid_of_unreadable(std::string_view topic) {
  const std::size_t query = topic.find('?');
  if (query == std::string_view::npos) return {};
  return agent::find_parameter(topic.substr(query + 1), "$rid").value_or(std::string_view());
}

}  // namespace

// One device connection. What it showed never changes; the rest is guarded by Provisioning::mutex_.
struct Provisioning::Connection {
  explicit Connection(const wire::Opened& opened) : shown(opened) {}
  ~Connection() { wipe(MutableBytes(reinterpret_cast<std::uint8_t*>(shown.password.data()), shown.password.size())); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  wire::Opened shown;
  std::string running;     // operation id of the registration that is being worked on
  std::string enrollment;  // id of the enrollment that it last proved itself to
  bool group = false;      // is that one a group?
};

// A registration between its 202 and its result.
struct Provisioning::Work {
  ConnectionPtr connection;  // alive also when the device has left
  Enrollment enrollment;
  std::string operation_id;
  std::optional<std::string> csr;
  std::optional<Refusal> csr_refusal;
};

Provisioning::Provisioning(registry::Registry& registry, CertificateIssuer& issuer, CertificateVerifier& verifier,
                           Enforcement& enforcement, Options options)
    : registry_(registry),
      issuer_(issuer),
      enforcement_(enforcement),
      options_(std::move(options)),
      attestation_(std::make_unique<Attestation>(registry, verifier, options_.id_scope)),
      registrations_(std::make_unique<Throttle>(options_.registrations_per_minute)),
      operations_(std::make_unique<Throttle>(options_.operations_per_minute)) {}

Provisioning::~Provisioning() = default;

bool Provisioning::opened(const wire::Opened& opened) {
  auto connection = std::make_shared<Connection>(opened);
  if (!opened.attempt) {
    const std::lock_guard lock(mutex_);
    // One that is told again after a lost link is known better here: the gate keeps no token.
    connection = connections_.try_emplace(opened.connection, std::move(connection)).first->second;
  }
  return attest(*connection).has_value();
}

void Provisioning::closed(wire::ConnectionId connection) {
  const std::lock_guard lock(mutex_);
  connections_.erase(connection);
}

Counters Provisioning::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

std::vector<RefusedRequest> Provisioning::refusals() const {
  const std::lock_guard lock(mutex_);
  return {refusals_.rbegin(), refusals_.rend()};
}

Provisioning::ConnectionPtr Provisioning::find(wire::ConnectionId id) const {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second;
}

Outcome<Enrollment> Provisioning::attest(Connection& connection) {
  std::string known;
  bool group = false;
  {
    const std::lock_guard lock(mutex_);
    known = connection.enrollment;
    group = connection.group;
  }
  auto proven = attestation_->attest(connection.shown, group ? known : std::string(), options_.now());
  if (proven) {
    const std::lock_guard lock(mutex_);
    connection.enrollment = proven->id;
    connection.group = proven->group;
    return proven;
  }
  // Who proved itself on this very connection may know that its enrollment is gone.
  if (!known.empty() && dps_error(proven.error().reason) / 1000 == 401) {
    const auto still = registry_.find_enrollment(known, group);
    if (!still && is_absent(still.error())) return refuse(Reason::kEnrollmentNotFound, "the enrollment was deleted");
  }
  return proven;
}

void Provisioning::request(wire::ConnectionId id, std::string_view device_topic, ByteView payload, const Reply& reply) {
  const ConnectionPtr connection = find(id);
  if (!connection) return;
  const auto topic = agent::dps::parse_request_topic(device_topic);
  if (!topic && topic.error() == Status::kNotFound) return;
  if (!topic) {
    publish(reply, rid_of_unreadable(device_topic),
            refusal_answer(*connection, {Reason::kMalformedRequest, "the topic names no operation"}));
    return;
  }
  std::unique_ptr<Work> work;
  publish(reply, topic->request_id, answer(connection, *topic, payload, work));
  if (work) finish(*work);
}

Answer Provisioning::answer(const ConnectionPtr& connection, const agent::dps::RequestTopic& topic, ByteView payload,
                            std::unique_ptr<Work>& work) {
  const auto enrollment = attest(*connection);
  if (!enrollment) return refusal_answer(*connection, enrollment.error());
  const auto username = agent::dps::parse_username(connection->shown.username);
  if (!username || !agent::well_formed_version(username->api_version)) {
    return refusal_answer(*connection, {Reason::kUnsupportedApiVersion, "the api-version cannot be read"});
  }
  if (topic.kind == agent::dps::RequestKind::kPoll) return poll(*connection, *enrollment, topic.operation_id);
  auto body = read_register(*connection, payload);
  if (!body && body.error().reason == Reason::kCsrUnreadable) audit_csr(connection->shown.client_id, body.error());
  if (!body) return refusal_answer(*connection, body.error());
  return start(connection, *enrollment, std::move(*body), work);
}

// --- register

Answer Provisioning::start(const ConnectionPtr& connection, const Enrollment& enrollment, RegisterBody body,
                           std::unique_ptr<Work>& work) {
  const std::string& registration_id = connection->shown.client_id;
  auto fresh = std::make_unique<Work>();
  fresh->connection = connection;
  fresh->enrollment = enrollment;
  fresh->csr = std::move(body.csr);
  if (fresh->csr) {
    const auto checked = issuer_.check_csr(*fresh->csr, registration_id);
    if (!checked) audit_csr(registration_id, checked.error());
    // Readable but not acceptable: that is a result, told by the poll.
    if (!checked && checked.error().reason != Reason::kCsrRejected) return refusal_answer(*connection, checked.error());
    if (!checked) fresh->csr_refusal = checked.error();
  }
  {
    const std::lock_guard lock(mutex_);
    // Asked again while the first still runs: the same operation.
    if (!connection->running.empty()) {
      return {202, assigning_body(connection->running), options_.retry_after_s};
    }
    connection->running = fresh->operation_id = new_operation_id();
    running_.insert(fresh->operation_id);
  }
  if (const auto admitted = admit(fresh->operation_id, registration_id); !admitted) {
    settle(*fresh);
    return refusal_answer(*connection, admitted.error());
  }
  Answer accepted{202, assigning_body(fresh->operation_id), options_.retry_after_s};
  work = std::move(fresh);
  return accepted;
}

// The registry never sees a CSR: what is refused for one is put on record here.
void Provisioning::audit_csr(const std::string& registration_id, const Refusal& refusal) {
  (void)registry_.audit(call(), "device.register", "registrations/" + registration_id,
                        std::string(registry::to_string(refusal.reason)), refusal.detail);
}

// The operation exists before its id is told.
Outcome<registry::Nothing> Provisioning::admit(const std::string& operation_id, const std::string& registration_id) {
  const UnixMs now = options_.now();
  if (!registrations_->admit(now)) return refuse(Reason::kThrottled, "too many registrations");
  const StoredAnswer nothing_yet{0, now + options_.orphan_after_ms, ""};
  return registry_.put_operation({operation_id, registration_id, std::string(kAssigning), store_answer(nothing_yet),
                                  now + options_.keep_operations_ms});
}

void Provisioning::settle(const Work& work) {
  const std::lock_guard lock(mutex_);
  work.connection->running.clear();
  running_.erase(work.operation_id);
}

Outcome<RegisterBody> Provisioning::read_register(const Connection& connection, ByteView payload) const {
  auto body = read_register_body(payload);
  if (!body) return body;
  const auto& named = body->registration_id;
  if (named && !agent::equal_ignoring_case(*named, connection.shown.client_id)) {
    return refuse(Reason::kMalformedRequest, "registrationId is not the connection's");
  }
  if (!body->csr) return body;
  const auto username = agent::dps::parse_username(connection.shown.username);
  if (!username || !agent::dps::version_carries_csr(username->api_version)) {
    return refuse(Reason::kUnsupportedApiVersion, "csr needs api-version 2025-07-01-preview or later");
  }
  if (body->csr->empty() || body->csr->size() > kMaxCsr) {
    return refuse(Reason::kCsrUnreadable, "csr is empty or longer than 8192 characters");
  }
  return body;
}

// --- the work behind a 202

void Provisioning::finish(const Work& work) {
  const Operation operation = carry_out(work);
  // When this cannot be stored, polls hear "assigning" until the operation counts as abandoned.
  (void)registry_.put_operation(operation);
  settle(work);
  const std::lock_guard lock(mutex_);
  ++counters_.registrations;
  if (operation.status == kAssigned) ++counters_.assigned;
  if (operation.status == kFailed) ++counters_.failed;
  if (operation.status == kDisabled) ++counters_.disabled;
}

Operation Provisioning::carry_out(const Work& work) {
  // A disabled enrollment is refused, and audited, by the registry below, whatever the CSR was.
  if (work.csr_refusal && work.enrollment.enabled) return refused(work, *work.csr_refusal);
  registry::RegistrationRequest request;
  request.registration_id = work.connection->shown.client_id;
  request.enrollment = work.enrollment.uuid;
  request.wants_certificate = work.csr.has_value();
  if (request.wants_certificate) request.serial = issuer_.new_serial();
  request.operation_id = work.operation_id;
  const auto grant = registry_.register_device(call(), request);
  if (!grant) return refused(work, grant.error());
  // No policy: the device is assigned, and no chain is made.
  if (!grant->value.issuance || !work.csr) return assigned(work, grant->value, {}, grant->sequence);
  const auto chain = issuer_.issue(call(), *grant->value.issuance, *work.csr);
  if (!chain) return refused(work, chain.error());
  return assigned(work, grant->value, *chain, std::max(grant->sequence, chain->sequence));
}

Operation Provisioning::assigned(const Work& work, const registry::RegistrationGrant& grant, const IssuedChain& chain,
                                 registry::Sequence sequence) {
  RegistrationState state;
  state.operation_id = work.operation_id;
  state.registration_id = work.connection->shown.client_id;
  state.status = kAssigned;
  state.attestation = work.enrollment.attestation;
  if (work.enrollment.group) state.enrollment_group = work.enrollment.id;
  state.created = grant.registration.created;
  state.updated = grant.registration.updated;
  state.assigned_hub = grant.registration.hub;
  state.device_id = grant.registration.device_id;
  state.substatus = grant.initial ? "initialAssignment" : "reprovisionedToInitialAssignment";
  state.chain = chain.certificates;
  return {work.operation_id, state.registration_id, state.status, store_answer({sequence, 0, state_body(state)}),
          options_.now() + options_.keep_operations_ms};
}

Operation Provisioning::refused(const Work& work, const Refusal& refusal) {
  const bool disabled = refusal.reason == Reason::kDeviceDisabled || refusal.reason == Reason::kEnrollmentDisabled;
  RegistrationState state;
  state.operation_id = work.operation_id;
  state.registration_id = work.connection->shown.client_id;
  state.status = disabled ? kDisabled : kFailed;
  state.attestation = work.enrollment.attestation;
  if (work.enrollment.group) state.enrollment_group = work.enrollment.id;
  state.created = state.updated = options_.now();
  if (!disabled) {
    state.error_code = dps_error(refusal.reason);
    state.error_message = refusal.detail;
  }
  return {work.operation_id, state.registration_id, state.status, store_answer({0, 0, state_body(state)}),
          options_.now() + options_.keep_operations_ms};
}

// --- poll

Answer Provisioning::poll(const Connection& connection, const Enrollment& enrollment, std::string_view operation_id) {
  if (!operations_->admit(options_.now()))
    return refusal_answer(connection, {Reason::kThrottled, "too many operations"});
  const Refusal unknown{Reason::kOperationNotFound, "there is no such operation"};
  const auto operation = registry_.find_operation(std::string(operation_id));
  if (!operation) return refusal_answer(connection, is_absent(operation.error()) ? unknown : operation.error());
  const auto stored = load_answer(operation->body);
  // Another device's operation is as unknown as one that never was.
  if (!stored || operation->expires <= options_.now() ||
      !agent::equal_ignoring_case(operation->registration_id, connection.shown.client_id)) {
    return refusal_answer(connection, unknown);
  }
  RegistrationState state;
  state.operation_id = operation->id;
  state.registration_id = connection.shown.client_id;
  state.attestation = enrollment.attestation;
  if (enrollment.group) state.enrollment_group = enrollment.id;
  state.created = state.updated = options_.now();
  if (!enrollment.enabled) {  // disabled since
    state.status = kDisabled;
    return {200, state_body(state), {}};
  }
  if (operation->status == kAssigned) return poll_assigned(connection, *operation);
  if (operation->status != kAssigning) return {200, stored->body, {}};
  bool ours = false;
  {
    const std::lock_guard lock(mutex_);
    ours = running_.count(operation->id) != 0;
  }
  if (ours || options_.now() < stored->orphan_at) {
    return {202, assigning_body(operation->id), options_.retry_after_s};
  }
  state.status = kFailed;
  state.error_code = kFallbackError;
  state.error_message = "the registration was interrupted; register again";
  return {200, state_body(state), {}};
}

Answer Provisioning::poll_assigned(const Connection& connection, const Operation& operation) {
  const auto stored = load_answer(operation.body);
  const auto applied = enforcement_.wait_applied(stored->sequence);
  if (applied) return {200, stored->body, {}};
  // Told before every gate agrees, the device would be refused with its brand-new certificate.
  if (applied.error().reason == Reason::kEnforcementTimeout) {
    return {202, assigning_body(operation.id), options_.retry_after_s};
  }
  return refusal_answer(connection, applied.error());
}

Answer Provisioning::refusal_answer(const Connection& connection, const Refusal& refusal) {
  const int code = dps_error(refusal.reason);
  Answer answer{code / 1000, error_body(code, public_message(refusal), options_.now()), {}};
  if (answer.status == 429) answer.retry_after_s = options_.throttle_retry_s;
  if (answer.status >= 500) answer.retry_after_s = options_.fault_retry_s;
  const std::lock_guard lock(mutex_);
  if (answer.status == 401) ++counters_.unauthorized;
  if (answer.status == 429) ++counters_.throttled;
  refusals_.push_back(
      {options_.now(), connection.shown.client_id, connection.shown.peer, refusal.reason, refusal.detail});
  if (refusals_.size() > kKeptRefusals) refusals_.pop_front();
  return answer;
}

}  // namespace latchkey::hub::provisioning
