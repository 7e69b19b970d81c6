// SPDX-License-Identifier: Apache-2.0
#include "hub/session/internal/renewals.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/protocol/dps.h"
#include "agent/protocol/hub.h"

namespace latchkey::hub::session {

using registry::Outcome;
using registry::Reason;
using registry::Refusal;

namespace {

constexpr std::string_view kResponsePrefix = "$iothub/credentials/res/";
constexpr std::size_t kMaxRequestBody = 64 * 1024;
constexpr std::size_t kMaxCsr = 8192;  // characters of base64
constexpr std::string_view kFirstVersion = "2025-08-01";
constexpr std::size_t kMaxRepeatedRid = 128;

constexpr int kBadRequest = 400001;
constexpr int kBadCsr = 400040;
constexpr int kInProgress = 409005;
constexpr int kNothingPending = 412001;
constexpr int kThrottled = 429002;
constexpr int kServiceFault = 500001;
constexpr int kDeviceGone = 503102;

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

// What makes two requests of one id the same: the CSR, and the identity that asked. A device that was revoked in
// between needs another certificate.
std::string fingerprint_of(const std::string& csr, const std::optional<DeviceIdentifier>& shown) {
  std::string text = csr + '\n';
  if (shown) {
    for (const std::uint8_t byte : shown->encode()) text += static_cast<char>(byte);
  }
  return sha256_text(text);
}

}  // namespace

struct Renewals::Fault {
  int code = 0;
  std::string message;
  ErrorInfo info;
  std::optional<std::uint32_t> retry_after_s;
};

struct Renewals::Asked {
  Speaker speaker;
  std::string request_id;
  RenewalBody body;
  std::string fingerprint;
};

struct Renewals::Renewal {
  std::string device_id;
  std::string request_id;
  std::string fingerprint;
  std::string correlation_id;
  std::optional<DeviceIdentifier> shown;  // whom the certificate is for
  UnixMs expires = 0;
  // Guarded by Renewals::mutex_.
  bool running = true;
  bool given_up = false;
  bool enforced = false;
  registry::Sequence sequence = 0;
  std::string certificates;  // body of the 200; empty until issued
  wire::ConnectionId asked_on = 0;
  wire::ConnectionId published_on = 0;
  bool surely = false;  // it had subscribed, as far as we can know
};

// What becomes of a request: a fault, or an operation that is new or already known.
struct Renewals::Claim {
  std::optional<Fault> fault;
  RenewalPtr renewal;
  bool fresh = false;
  bool running = false;
};

void Renewals::request(const Speaker& speaker, const std::string& request_id, ByteView payload) {
  Asked asked{speaker, request_id, {}, {}};
  const auto fail_with = [&](const Fault& fault) { answer_fault(speaker.connection, request_id, fault); };
  if (!carries_renewal(speaker.api_version)) {
    return fail_with({kBadRequest, "renewal needs api-version 2025-08-01-preview or later", {}, {}});
  }
  if (payload.size() > kMaxRequestBody) return fail_with({kBadRequest, "the request is too large", {}, {}});
  auto body = read_renewal_body(payload, speaker.device_id);
  if (!body) return fail_with({body.error().error_code, body.error().message, {}, {}});
  asked.body = std::move(*body);
  asked.fingerprint = fingerprint_of(asked.body.csr, speaker.shown);
  if (const auto fault = check(asked)) return fail_with(*fault);

  const Claim claimed = claim(asked);
  if (claimed.fault) return fail_with(*claimed.fault);
  if (claimed.fresh) return begin(asked, claimed.renewal);
  answer(speaker.connection, request_id, 202, accepted_body(claimed.renewal->correlation_id, claimed.renewal->expires));
  if (!claimed.running) hand_out(claimed.renewal);
}

void Renewals::refuse_request_id(const Speaker& speaker, std::string_view request_id) {
  if (!safe_to_repeat(request_id)) return;
  answer_fault(speaker.connection, request_id,
               {kBadRequest, "a request id has 4 to 36 letters, digits and -, and no - first or last", {}, {}});
}

// What is wrong with the CSR by itself: told before anything is begun or given up for it.
std::optional<Renewals::Fault> Renewals::check(const Asked& asked) const {
  const std::string& id = asked.speaker.device_id;
  std::optional<Refusal> refusal;
  if (asked.body.csr.size() > kMaxCsr) {
    refusal = Refusal{Reason::kCsrUnreadable, "csr is longer than 8192 characters"};
  } else if (const auto checked = issuer_.check_csr(asked.body.csr, id); !checked) {
    refusal = checked.error();
  }
  if (!refusal) return std::nullopt;
  // The registry never sees a CSR: what is refused for one is put on record here.
  (void)registry_.audit(call(asked.speaker), "certificate.renew",
                        "namespaces/" + options_.namespace_name + "/devices/" + id,
                        std::string(registry::to_string(refusal->reason)), refusal->detail);
  return fault_of(*refusal);
}

Renewals::Claim Renewals::claim(const Asked& asked) {
  RenewalPtr recalled = recall(asked);
  const UnixMs now = options_.now();
  const std::lock_guard lock(mutex_);
  RenewalPtr& held = renewals_[asked.speaker.device_id];
  if (!held) held = std::move(recalled);
  if (held && held->expires <= now) {
    held->given_up = true;
    held = nullptr;
  }
  if (held && held->request_id == asked.request_id && held->fingerprint == asked.fingerprint) {
    held->asked_on = asked.speaker.connection;
    return {{}, held, false, held->running};
  }
  const bool running = held && held->running;
  const std::string& replace = asked.body.replace;
  const bool names_it = running && (replace == kReplaceAny || replace == held->request_id);
  Claim refused;
  if (!replace.empty() && replace != kReplaceAny && !names_it) {
    refused.fault = Fault{kNothingPending, "replace names no pending request", {}, {}};
  } else if (running && !names_it) {
    const ErrorInfo info{held->correlation_id, "", "", held->request_id, utc_text(held->expires)};
    refused.fault = Fault{kInProgress, "another request is being worked on", info, {}};
  } else if (options_.max_running != 0 && running_ >= options_.max_running) {
    refused.fault = Fault{kThrottled, "too many renewals", {}, options_.throttle_retry_s};
  }
  if (refused.fault) {
    if (!held) renewals_.erase(asked.speaker.device_id);
    return refused;
  }
  if (held) held->given_up = true;
  held = std::make_shared<Renewal>();
  held->device_id = asked.speaker.device_id;
  held->request_id = asked.request_id;
  held->fingerprint = asked.fingerprint;
  held->shown = asked.speaker.shown;
  held->asked_on = asked.speaker.connection;
  held->correlation_id = random_uuid();
  held->expires = now + options_.operation_ms;
  ++running_;
  return {{}, held, true, true};
}

// The same request answered before, by another node or before a restart.
Renewals::RenewalPtr Renewals::recall(const Asked& asked) {
  {
    const std::lock_guard lock(mutex_);
    if (renewals_.count(asked.speaker.device_id) != 0) return nullptr;
  }
  const auto operation = registry_.find_operation(key_of(asked.speaker.device_id));
  if (!operation || operation->expires <= options_.now()) return nullptr;
  const auto record = load_record(operation->body);
  if (!record || record->request_id != asked.request_id || record->fingerprint != asked.fingerprint) return nullptr;
  auto renewal = std::make_shared<Renewal>();
  renewal->device_id = asked.speaker.device_id;
  renewal->request_id = record->request_id;
  renewal->fingerprint = record->fingerprint;
  renewal->shown = asked.speaker.shown;
  renewal->correlation_id = record->correlation_id;
  renewal->expires = operation->expires;
  renewal->running = false;
  renewal->sequence = record->sequence;
  renewal->certificates = record->answer;
  return renewal;
}

void Renewals::begin(const Asked& asked, const RenewalPtr& renewal) {
  const auto grant =
      registry_.begin_renewal(call(asked.speaker), options_.namespace_name, renewal->device_id, issuer_.new_serial());
  if (!grant) {
    drop(renewal);
    return answer_fault(asked.speaker.connection, asked.request_id, fault_of(grant.error()));
  }
  answer(asked.speaker.connection, asked.request_id, 202, accepted_body(renewal->correlation_id, renewal->expires));
  carry_out(asked, renewal, grant->value);
}

void Renewals::carry_out(const Asked& asked, const RenewalPtr& renewal, const registry::IssuanceGrant& grant) {
  const auto chain = issuer_.issue(call(asked.speaker), grant, asked.body.csr);
  if (!chain) {
    const bool wanted = !given_up(renewal);
    drop(renewal);
    Fault fault = fault_of(chain.error());
    fault.info.correlation_id = renewal->correlation_id;
    if (chain.error().reason == Reason::kDeviceUnknown) fault.code = kDeviceGone;
    const auto live = directory_.live(renewal->device_id);
    if (wanted && live) answer_fault(live->connection, renewal->request_id, fault);
    return;
  }
  const std::string body = certificates_body(renewal->correlation_id, chain->certificates);
  if (!given_up(renewal)) {
    // Failing to remember costs a second certificate after a restart, nothing worse.
    (void)registry_.put_operation(
        {key_of(renewal->device_id), renewal->device_id, "assigned",
         store_record({renewal->request_id, renewal->fingerprint, renewal->correlation_id, chain->sequence, body}),
         renewal->expires});
  }
  {
    const std::lock_guard lock(mutex_);
    renewal->certificates = body;
    renewal->sequence = chain->sequence;
  }
  hand_out(renewal);
}

// The certificate is issued: wait until it counts, then send it to wherever the device is now.
void Renewals::hand_out(const RenewalPtr& renewal) {
  const auto applied = enforcement_.wait_applied(renewal->sequence);
  const auto live = directory_.live(renewal->device_id);
  bool wanted = false;
  {
    const std::lock_guard lock(mutex_);
    if (renewal->running) {
      --running_;
      directory_.count_renewal();
    }
    renewal->running = false;
    renewal->enforced = applied.has_value();
    wanted = !renewal->given_up && live && live->shown == renewal->shown;
    if (wanted && applied) {
      renewal->published_on = live->connection;
      renewal->surely = live->connection == renewal->asked_on;
    }
  }
  // Given up, or nobody is there: offer() sends it when the device is back, if it is still wanted.
  if (!wanted) return;
  // The same request again resumes here.
  if (!applied) return answer_fault(live->connection, renewal->request_id, fault_of(applied.error()));
  answer(live->connection, renewal->request_id, 200, renewal->certificates);
}

void Renewals::offer(const Speaker& speaker, Occasion occasion) {
  RenewalPtr renewal;
  {
    const std::lock_guard lock(mutex_);
    const auto found = renewals_.find(speaker.device_id);
    if (found == renewals_.end() || found->second->running) return;
    renewal = found->second;
    const bool sent_here = renewal->published_on == speaker.connection;
    const bool arrived = occasion == Occasion::kSpoke && sent_here && renewal->surely;
    // A connection that lives on after the answer has it. The registry remembers it for who asks again.
    if (arrived || renewal->expires <= options_.now() || renewal->shown != speaker.shown) {
      renewals_.erase(found);
      return;
    }
    if (!renewal->enforced || (occasion == Occasion::kOpened && sent_here)) return;
    renewal->published_on = speaker.connection;
    renewal->surely = occasion != Occasion::kOpened;
  }
  answer(speaker.connection, renewal->request_id, 200, renewal->certificates);
}

// The operation ends without a certificate.
void Renewals::drop(const RenewalPtr& renewal) {
  const std::lock_guard lock(mutex_);
  if (renewal->running) --running_;
  renewal->running = false;
  const auto found = renewals_.find(renewal->device_id);
  if (found != renewals_.end() && found->second == renewal) renewals_.erase(found);
}

bool Renewals::given_up(const RenewalPtr& renewal) const {
  const std::lock_guard lock(mutex_);
  return renewal->given_up;
}

// No registration's operation id has a slash, so no poll can reach it.
std::string Renewals::key_of(const std::string& device_id) const {
  return "renewal/" + options_.namespace_name + "/" + device_id;
}

Renewals::Fault Renewals::fault_of(const Refusal& refusal) const {
  Fault fault;
  fault.code = registry::faces(refusal.reason).hub_error;
  if (fault.code == 0) fault.code = kServiceFault;
  // The session is about to be cut: its device was revoked, or made anew, since it opened.
  if (refusal.reason == Reason::kIdentifierMismatch) fault.code = kDeviceGone;
  fault.message = refusal.detail;
  if (fault.code == kBadCsr) {
    fault.info.credential_error = refusal.reason == Reason::kCsrUnreadable ? "FailedToDecodeCsr" : "InvalidCsr";
    fault.info.credential_message = refusal.detail;
  }
  const int status = fault.code / 1000;
  if (status == 429) fault.retry_after_s = options_.throttle_retry_s;
  if (status == 500) fault.retry_after_s = options_.fault_retry_s;
  if (status == 503) fault.retry_after_s = options_.unavailable_retry_s;
  return fault;
}

void Renewals::answer_fault(wire::ConnectionId connection, std::string_view request_id, const Fault& fault) {
  answer(connection, request_id, fault.code / 1000,
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
