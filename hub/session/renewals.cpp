// SPDX-License-Identifier: Apache-2.0
#include "hub/session/internal/renewals.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "agent/protocol/dps.h"
#include "agent/protocol/hub.h"

namespace latchkey::hub::session {

using registry::Reason;
using registry::Refusal;

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::string_view kResponsePrefix = "$iothub/credentials/res/";
constexpr std::size_t kMaxRequestBody = 64 * 1024;
constexpr std::size_t kMaxCsr = 8192;  // characters of base64
constexpr std::string_view kFirstVersion = "2025-08-01";
constexpr std::size_t kMaxRepeatedRid = 128;

bool carries_renewal(std::string_view api_version) {
  return agent::dps::version_carries_csr(api_version) && api_version.substr(0, kFirstVersion.size()) >= kFirstVersion;
}

bool safe_to_repeat(std::string_view request_id) {
  return !request_id.empty() && request_id.size() <= kMaxRepeatedRid &&
         std::all_of(request_id.begin(), request_id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
                  c == '.';
         });
}

auto fault(int code, std::string message) { return fail(RenewalFault{code, std::move(message), {}, {}}); }

}  // namespace

void Renewals::request(const Speaker& speaker, const std::string& request_id, ByteView payload) {
  const auto asked = read(speaker, request_id, payload);
  if (!asked) return answer_fault(speaker.connection, request_id, asked.error());
  const auto claimed = table_.claim(*asked, recall(*asked));
  if (claimed.fault) return answer_fault(speaker.connection, request_id, *claimed.fault);
  if (claimed.fresh) return begin(*asked, claimed.renewal);
  answer(speaker.connection, request_id, 202, accepted_body(claimed.renewal->correlation_id, claimed.renewal->expires));
  if (!claimed.running) hand_out(claimed.renewal);
}

void Renewals::refuse_request_id(const Speaker& speaker, std::string_view request_id) {
  if (!safe_to_repeat(request_id)) return;
  answer_fault(speaker.connection, request_id,
               {kBadRequest, "a request id has 4 to 36 letters, digits and -, and no - first or last", {}, {}});
}

// What is wrong with the request by itself is told before anything is begun or given up for it.
Result<RenewalRequest, RenewalFault> Renewals::read(const Speaker& speaker, const std::string& request_id,
                                                    ByteView payload) const {
  if (!carries_renewal(speaker.api_version)) {
    return fault(kBadRequest, "renewal needs api-version 2025-08-01-preview or later");
  }
  if (payload.size() > kMaxRequestBody) return fault(kBadRequest, "the request is too large");
  auto body = read_renewal_body(payload, speaker.device_id);
  if (!body) return fault(body.error().error_code, body.error().message);
  auto csr = check_csr(speaker, body->csr);
  if (!csr) return fail(std::move(csr.error()));
  std::string fingerprint = fingerprint_of(body->csr, speaker.shown);
  return RenewalRequest{speaker, request_id, std::move(*body), std::move(*csr), std::move(fingerprint)};
}

Result<CheckedCsrPtr, RenewalFault> Renewals::check_csr(const Speaker& speaker, const std::string& csr) const {
  std::optional<Refusal> refusal;
  if (csr.size() > kMaxCsr) {
    refusal = Refusal{Reason::kCsrUnreadable, "csr is longer than 8192 characters"};
  } else {
    auto checked = issuer_.check_csr(csr, speaker.device_id);
    if (checked) return *std::move(checked);
    refusal = checked.error();
  }
  // The registry never sees a CSR: what is refused for one is put on record here.
  (void)registry_.audit(call(speaker), "certificate.renew",
                        "namespaces/" + options_.namespace_name + "/devices/" + speaker.device_id,
                        std::string(registry::to_string(refusal->reason)), refusal->detail);
  return fail(fault_of(*refusal, options_));
}

// The same request answered before, by another node or before a restart.
RenewalPtr Renewals::recall(const RenewalRequest& asked) {
  const std::string& device_id = asked.speaker.device_id;
  if (table_.holds(device_id)) return nullptr;
  const auto operation = registry_.find_operation(key_of(device_id));
  if (!operation || operation->expires <= options_.now()) return nullptr;
  auto record = load_record(operation->body);
  if (!record || record->request_id != asked.request_id || record->fingerprint != asked.fingerprint) return nullptr;
  return std::make_shared<Renewal>(Renewal{.device_id = device_id,
                                           .request_id = record->request_id,
                                           .fingerprint = record->fingerprint,
                                           .shown = asked.speaker.shown,
                                           .correlation_id = record->correlation_id,
                                           .expires = operation->expires,
                                           .running = false,
                                           .sequence = record->sequence,
                                           .certificates = std::move(record->answer)});
}

void Renewals::begin(const RenewalRequest& asked, const RenewalPtr& renewal) {
  const auto grant =
      registry_.begin_renewal(call(asked.speaker), options_.namespace_name, renewal->device_id, issuer_.new_serial());
  if (!grant) {
    table_.drop(renewal);
    return answer_fault(asked.speaker.connection, asked.request_id, fault_of(grant.error(), options_));
  }
  answer(asked.speaker.connection, asked.request_id, 202, accepted_body(renewal->correlation_id, renewal->expires));
  const auto rest = [this, asked, renewal, granted = *grant] {
    const auto began = Steady::now();
    carry_out(asked, renewal, granted);
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - began);
    table_.worked(static_cast<std::uint64_t>(took.count()));
  };
  if (!options_.apart) return rest();
  options_.apart(asked.speaker.connection, rest);
}

void Renewals::carry_out(const RenewalRequest& asked, const RenewalPtr& renewal,
                         const registry::Committed<registry::IssuanceGrant>& grant) {
  std::string body;
  // Remembered with the certificate, unless it was given up meanwhile.
  const auto keep = [&](const std::vector<registry::Bytes>& chain) {
    const auto& hint = options_.renewal_window;
    body = certificates_body(renewal->correlation_id, chain,
                             hint ? hint(grant.value.not_before, grant.value.not_after) : std::nullopt);
    return table_.wanted(*renewal) ? std::optional(record_of(*renewal, grant.sequence, body)) : std::nullopt;
  };
  const auto chain = issuer_.issue(call(asked.speaker), grant.value, *asked.csr, keep);
  if (!chain) {
    const bool wanted = table_.wanted(*renewal);
    table_.drop(renewal);
    RenewalFault fault = fault_of(chain.error(), options_);
    fault.info.correlation_id = renewal->correlation_id;
    if (chain.error().reason == Reason::kDeviceUnknown) fault.code = kDeviceGone;
    const auto live = directory_.live(renewal->device_id);
    if (wanted && live) answer_fault(live->connection, renewal->request_id, fault);
    return;
  }
  table_.issued(*renewal, chain->sequence, body);
  hand_out(renewal);
}

registry::Operation Renewals::record_of(const Renewal& renewal, registry::Sequence sequence,
                                        const std::string& certificates) const {
  return {key_of(renewal.device_id), renewal.device_id, "assigned",
          store_record({renewal.request_id, renewal.fingerprint, renewal.correlation_id, sequence, certificates}),
          renewal.expires};
}

// The certificate is issued: wait until it counts, then send it to wherever the device is now.
void Renewals::hand_out(const RenewalPtr& renewal) {
  const auto applied = enforcement_.wait_applied(renewal->sequence);
  const auto live = directory_.live(renewal->device_id);
  const auto settled = table_.settle(*renewal, applied.has_value(), live);
  if (settled.first) directory_.count_renewal();
  // Given up, or nobody is there: offer() sends it when the device is back, if it is still wanted. It may have come
  // back since we looked, when there was nothing to offer yet.
  if (!settled.send) {
    const auto back = live ? std::nullopt : directory_.live(renewal->device_id);
    if (back) offer(*back, Occasion::kOpened);
    return;
  }
  // The same request again resumes here.
  if (!applied) return answer_fault(live->connection, renewal->request_id, fault_of(applied.error(), options_));
  answer(live->connection, renewal->request_id, 200, renewal->certificates);
}

void Renewals::offer(const Speaker& speaker, Occasion occasion) {
  const auto renewal = table_.due(speaker, occasion);
  if (renewal) answer(speaker.connection, renewal->request_id, 200, renewal->certificates);
}

// No registration's operation id has a slash, so no poll can reach it.
std::string Renewals::key_of(const std::string& device_id) const {
  return "renewal/" + options_.namespace_name + "/" + device_id;
}

void Renewals::answer_fault(wire::ConnectionId connection, std::string_view request_id, const RenewalFault& fault) {
  answer(connection, request_id, fault.status(),
         error_body(fault.code, fault.message, options_.now(), fault.info, fault.retry_after_s));
}

// Nothing stands behind the rid: SDKs take the rest of the topic as the rid. (Written here and not by agent/protocol,
// which refuses to write a rid that breaks the rules.)
void Renewals::answer(wire::ConnectionId connection, std::string_view request_id, int status, const std::string& body) {
  wire::Deliver message;
  message.connection = connection;
  message.topic = std::string(kResponsePrefix) + std::to_string(status) + "/?$rid=" + std::string(request_id);
  message.payload.assign(body.begin(), body.end());
  outbox_.deliver(std::move(message));
}

}  // namespace latchkey::hub::session
