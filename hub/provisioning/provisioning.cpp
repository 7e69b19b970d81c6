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
#include "hub/provisioning/internal/operations.h"
#include "hub/provisioning/internal/register_body.h"

namespace latchkey::hub::provisioning {

using registry::Enrollment;
using registry::Operation;
using registry::Outcome;
using registry::Reason;
using registry::Refusal;
using registry::refuse;

namespace {

constexpr std::size_t kKeptRefusals = 256;
constexpr const char* kRehearsed = "too many requests (rehearsed)";

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
  std::string policy;      // of that one, with its namespace; empty: none was proved
  // That one as of an edition of the registry, without its keys; good as long as that lasts, and before `until`.
  struct Proven {
    Enrollment enrollment;
    std::uint64_t edition = 0;
    UnixMs until = 0;
  };
  std::optional<Proven> proven;
};

// A registration between its 202 and its result.
struct Provisioning::Work {
  ConnectionPtr connection;  // alive also when the device has left
  Enrollment enrollment;
  std::string operation_id;
  CheckedCsrPtr csr;  // null: none was sent, or csr_refusal says why it cannot be taken
  std::optional<Refusal> csr_refusal;
  Faults::Fate fate;
  registry::Committed<registry::RegistrationGrant> grant;
  std::optional<Operation> refused;  // stored; there is no grant

  const std::string& registration_id() const { return connection->shown.client_id; }
  Registrant registrant() const { return {registration_id(), enrollment}; }
};

Provisioning::Provisioning(registry::Registry& registry, CertificateIssuer& issuer, CertificateVerifier& verifier,
                           Enforcement& enforcement, Options options)
    : registry_(registry),
      issuer_(issuer),
      options_(std::move(options)),
      attestation_(std::make_unique<Attestation>(registry, verifier, options_.id_scope)),
      operations_(std::make_unique<Operations>(registry, enforcement, options_)) {}

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

// What proved an enrollment proves it again while nothing changed that it was held against.
std::optional<Enrollment> Provisioning::proven_before(const Connection& connection, std::uint64_t edition) const {
  const std::lock_guard lock(mutex_);
  const auto& proven = connection.proven;
  if (!proven || proven->edition != edition || proven->until <= options_.now()) return std::nullopt;
  return proven->enrollment;
}

void Provisioning::remember(Connection& connection, const Enrollment& enrollment, std::uint64_t edition) {
  Connection::Proven proven{enrollment, edition, Attestation::good_until(connection.shown)};
  for (auto* key : {&proven.enrollment.primary, &proven.enrollment.secondary}) {
    wipe(MutableBytes(key->data(), key->size()));
    key->clear();
  }
  const std::lock_guard lock(mutex_);
  connection.enrollment = enrollment.id;
  connection.group = enrollment.group;
  connection.policy = std::string(view(to_text(enrollment.namespace_uuid))) + "/" + enrollment.policy_name;
  connection.proven = std::move(proven);
}

Outcome<Enrollment> Provisioning::attest(Connection& connection) {
  const std::uint64_t edition = registry_.edition();  // before anything is looked up
  if (auto before = proven_before(connection, edition)) return std::move(*before);
  std::string known;
  bool group = false;
  {
    const std::lock_guard lock(mutex_);
    known = connection.enrollment;
    group = connection.group;
  }
  auto proven = attestation_->attest(connection.shown, group ? known : std::string(), options_.now());
  if (proven) {
    remember(connection, *proven, edition);
    return proven;
  }
  // Who proved itself on this very connection may know that its enrollment is gone.
  if (!known.empty() && dps_error(proven.error().reason) / 1000 == 401) {
    const auto still = registry_.find_enrollment(known, group);
    if (!still && is_absent(still.error())) return refuse(Reason::kEnrollmentNotFound, "the enrollment was deleted");
  }
  return proven;
}

bool Provisioning::registers(std::string_view device_topic) {
  const auto topic = agent::dps::parse_request_topic(device_topic);
  return topic && topic->kind == agent::dps::RequestKind::kRegister;
}

std::string Provisioning::group_of(wire::ConnectionId id) const {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(id);
  return found == connections_.end() ? std::string() : found->second->policy;
}

void Provisioning::turn_away(wire::ConnectionId id, std::string_view device_topic, std::uint32_t retry_after_s,
                             const Reply& reply) {
  const ConnectionPtr connection = find(id);
  const auto topic = agent::dps::parse_request_topic(device_topic);
  if (!connection || !topic) return;
  publish(reply, topic->request_id, throttled(*connection, retry_after_s, "too many registrations wait"));
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
  const auto told = answer(connection, *topic, payload, work);
  publish(reply, topic->request_id, told ? *told : refusal_answer(*connection, told.error()));
  if (work) finish(*work);
}

Outcome<Answer> Provisioning::answer(const ConnectionPtr& connection, const agent::dps::RequestTopic& topic,
                                     ByteView payload, std::unique_ptr<Work>& work) {
  const std::string& registration_id = connection->shown.client_id;
  LATCHKEY_TRY(enrollment, attest(*connection));
  const auto username = agent::dps::parse_username(connection->shown.username);
  if (!username || !agent::well_formed_version(username->api_version)) {
    return refuse(Reason::kUnsupportedApiVersion, "the api-version cannot be read");
  }
  if (topic.kind == agent::dps::RequestKind::kPoll) {
    const auto wait = options_.faults ? options_.faults->poll(registration_id, enrollment) : std::nullopt;
    if (wait) return throttled(*connection, *wait, kRehearsed);
    return operations_->poll(topic.operation_id, {registration_id, enrollment});
  }
  auto body = read_register(*connection, payload);
  if (!body && body.error().reason == Reason::kCsrUnreadable) audit_csr(*connection, body.error());
  if (!body) return fail(body.error());
  Faults::Fate fate;
  if (options_.faults) fate = options_.faults->registration(registration_id, enrollment);
  if (fate.throttled_s) return throttled(*connection, *fate.throttled_s, kRehearsed);
  auto fresh = std::make_unique<Work>();
  fresh->connection = connection;
  fresh->enrollment = std::move(enrollment);
  fresh->fate = std::move(fate);
  return start(std::move(fresh), std::move(*body), work);
}

// --- register

Outcome<Answer> Provisioning::start(std::unique_ptr<Work> fresh, RegisterBody body, std::unique_ptr<Work>& work) {
  Connection& connection = *fresh->connection;
  if (body.csr) {
    auto checked = issuer_.check_csr(*body.csr, fresh->registration_id());
    if (!checked) audit_csr(connection, checked.error());
    // Readable but not acceptable: that is a result, told by the poll.
    if (!checked && checked.error().reason != Reason::kCsrRejected) return fail(checked.error());
    if (!checked) fresh->csr_refusal = checked.error();
    if (checked) fresh->csr = *std::move(checked);
  }
  {
    const std::lock_guard lock(mutex_);
    // Asked again while the first still runs: the same operation.
    if (!connection.running.empty()) {
      return Answer{202, assigning_body(connection.running), asked_wait_s(options_)};
    }
    connection.running = fresh->operation_id = new_operation_id();
  }
  if (const auto begun = begin(*fresh); !begun) {
    const std::lock_guard lock(mutex_);
    connection.running.clear();
    return fail(begun.error());
  }
  if (fresh->fate.held) operations_->hold(fresh->operation_id, fresh->fate.held);
  Answer accepted{202, assigning_body(fresh->operation_id), asked_wait_s(options_)};
  work = std::move(fresh);
  return accepted;
}

// All that is stored before the 202, in one commit: that the operation is worked on, the registration and its serial;
// or, where the registration is refused, that.
Outcome<registry::Nothing> Provisioning::begin(Work& work) {
  LATCHKEY_TRY_VOID(operations_->begin(work.operation_id, work.registration_id()));
  const auto registered = register_device(work);
  if (registered) return registered;
  work.refused = operations_->refused(work.operation_id, work.registrant(), registered.error());
  auto stored = registry_.put_operation(*work.refused);
  if (!stored) operations_->drop(work.operation_id);
  return stored;
}

Outcome<registry::Nothing> Provisioning::register_device(Work& work) {
  // A disabled enrollment is refused, and audited, by the registry below, whatever the CSR was.
  if (work.csr_refusal && work.enrollment.enabled) return fail(*work.csr_refusal);
  if (work.fate.failed) return fail(*work.fate.failed);
  registry::RegistrationRequest request;
  request.registration_id = work.registration_id();
  request.enrollment = work.enrollment.uuid;
  // Without a good one, which only a disabled enrollment gets here with, the wish is all that counts.
  request.wants_certificate = (work.csr || work.csr_refusal) && !work.fate.without_certificate;
  if (request.wants_certificate) request.serial = issuer_.new_serial();
  request.operation_id = work.operation_id;
  request.begun = operations_->begun(work.operation_id, work.registration_id());
  LATCHKEY_TRY(grant, registry_.register_device(call(*work.connection), request));
  work.grant = std::move(grant);
  if (options_.placed) work.grant.value.registration.hub = options_.placed(work.grant.value.registration);
  return registry::Nothing{};
}

registry::Call Provisioning::call(const Connection& connection) const {
  registry::Call call{"dps", options_.now()};
  call.source = connection.shown.peer;
  return call;
}

// The registry never sees a CSR: what is refused for one is put on record here.
void Provisioning::audit_csr(const Connection& connection, const Refusal& refusal) {
  (void)registry_.audit(call(connection), "device.register", "registrations/" + connection.shown.client_id,
                        std::string(registry::to_string(refusal.reason)), refusal.detail);
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
  bool stored = work.refused.has_value();
  const Operation operation = stored ? *work.refused : carry_out(work, stored);
  operations_->finish(operation, stored);
  const std::lock_guard lock(mutex_);
  work.connection->running.clear();
  ++counters_.registrations;
  if (operation.status == "assigned") ++counters_.assigned;
  if (operation.status == "failed") ++counters_.failed;
  if (operation.status == "disabled") ++counters_.disabled;
}

// `stored`: the answer lies in the registry by now, together with the certificate.
Operation Provisioning::carry_out(const Work& work, bool& stored) {
  const auto& grant = work.grant;
  const auto refused = [&](const Refusal& why) {
    return operations_->refused(work.operation_id, work.registrant(), why);
  };
  Operation operation;
  const auto assigned = [&](const std::vector<registry::Bytes>& chain) {
    operation = operations_->assigned(work.operation_id, work.registrant(), grant.value, chain, grant.sequence);
    return operation;
  };
  // No policy: the device is assigned, and no chain is made.
  if (!grant.value.issuance || (!work.csr && !work.csr_refusal)) return assigned({});
  if (!work.csr) return refused(*work.csr_refusal);
  const auto chain = issuer_.issue(call(*work.connection), *grant.value.issuance, *work.csr, assigned);
  if (!chain) return refused(chain.error());
  stored = true;
  return operation;
}

Answer Provisioning::throttled(const Connection& connection, std::uint32_t retry_after_s, std::string why) {
  auto answer = refusal_answer(connection, {Reason::kThrottled, std::move(why)});
  answer.retry_after_s = retry_after_s;
  return answer;
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
