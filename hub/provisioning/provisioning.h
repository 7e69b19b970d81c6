// SPDX-License-Identifier: Apache-2.0
// Provisioning: the hub's side of the Device Provisioning Service over MQTT. Devices register with what they were
// given at the factory (a symmetric key or an X.509 certificate) and a CSR, and poll until they are told their hub and
// handed their operational certificate.
//
// The DPS gate holds no keys: it conveys what each connection showed, and this room verifies it at every request, since
// the enrollment may have been disabled, deleted or given another key meanwhile. (Where the registry says that none was
// touched since the last time, and the token has not expired, the last answer is the answer.) A wrong proof leaves the
// connection open and answers 401, as the real service does.
//
// Threads: every function may be called from any thread, several at once; opened() and request() block on the registry
// and (request) on signing and on the gates. No lock is held during any call out of this room.
//
// Invariants:
//  1. A register is answered with 202 once its operation is stored, in one commit with the registration and the serial
//     or with its refusal; signing follows on the same thread.
//  2. "assigned" goes out only once every live hub gate has what makes the device acceptable.
//  3. The finished operation lies in the registry: any node can answer the poll.
//  4. Nothing tells a wrong proof apart from an id that is not enrolled.
//
// Source: "Communicate with DPS using the MQTT protocol"; the preview's certificate signing requests as SDKs send them.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hub/provisioning/ports.h"
#include "hub/throttle/renewal_windows.h"
#include "hub/throttle/throttle.h"
#include "hub/wire/envelope.h"
#include "registry/operations/registry.h"

namespace latchkey::agent::dps {
struct RequestTopic;
}

namespace latchkey::hub::provisioning {

class Attestation;
class Operations;
struct RegisterBody;
struct Answer;

// Publishes to the connection that asked.
using Reply = std::function<void(std::string_view topic, std::string_view payload)>;

struct Options {
  std::string id_scope;
  std::function<UnixMs()> now;                                           // the rehearsal's clock
  std::function<std::uint64_t()> monotonic_ms = throttle::monotonic_ms;  // what throttles go by
  std::uint32_t retry_after_s = 1;             // what 202 asks a device to wait; 0 is told as 0
  std::uint32_t fault_retry_s = 5;             // what 5xx asks for
  std::uint32_t throttle_retry_s = 10;         // what 429 asks for
  std::uint32_t registrations_per_minute = 0;  // of the whole service; 0: no limit (the real service: 1000)
  std::uint32_t operations_per_minute = 0;     // polls; likewise
  // Hears of every assignment as soon as it holds, and answers the host that the device is told. Empty: that of its
  // hub.
  std::function<std::string(const registry::Registration&)> placed = {};
  // What 202 asks for instead while that is more; empty: retry_after_s always.
  std::function<std::uint32_t()> running_wait_s = {};
  std::int64_t orphan_after_ms = 10'000;  // an operation that nobody works on any more counts as failed by then
  std::int64_t keep_operations_ms = 86'400'000;
  Faults* faults = nullptr;                   // of a rehearsal; outlives the room
  throttle::RenewalHint renewal_window = {};  // told with each certificate; empty: never
};

struct Counters {
  std::uint64_t registrations = 0;  // worked on to a result
  std::uint64_t assigned = 0;
  std::uint64_t failed = 0;
  std::uint64_t disabled = 0;
  std::uint64_t unauthorized = 0;  // requests answered 401
  std::uint64_t throttled = 0;
};

// A request answered with an error, and why in truth: the device is told less.
struct RefusedRequest {
  UnixMs at = 0;
  std::string registration_id;
  std::string peer;
  registry::Reason reason = registry::Reason::kNone;
  std::string detail;
};

class Provisioning {
 public:
  // All outlive this object; requests have ended before it goes.
  Provisioning(registry::Registry& registry, CertificateIssuer& issuer, CertificateVerifier& verifier,
               Enforcement& enforcement, Options options);
  ~Provisioning();

  // A connection opened, or asked to take a verified session's place (Opened::attempt: it is closed already and only
  // judged). True when what it showed proves the id, even where the enrollment is disabled: it may stay and be told so.
  bool opened(const wire::Opened& opened);
  void closed(wire::ConnectionId connection);

  // Is this publish the start of a registration: the one kind of request that takes long?
  static bool registers(std::string_view device_topic);
  // The policy of the enrollment that a connection proved itself to when it opened, to be fair by: namespace and name.
  // One text for all that proved nothing, another for all without a policy.
  std::string group_of(wire::ConnectionId connection) const;
  // Instead of request(): 429 at once, without a look at the proof, the body or the registry.
  void turn_away(wire::ConnectionId connection, std::string_view device_topic, std::uint32_t retry_after_s,
                 const Reply& reply);

  // One publish of a device. `reply` is called once, or never: connection unknown, topic not of DPS, no usable `$rid`.
  void request(wire::ConnectionId connection, std::string_view device_topic, ByteView payload, const Reply& reply);

  Counters counters() const;
  // The last 256, newest first.
  std::vector<RefusedRequest> refusals() const;

 private:
  struct Connection;
  struct Work;
  using ConnectionPtr = std::shared_ptr<Connection>;

  ConnectionPtr find(wire::ConnectionId id) const;
  registry::Outcome<registry::Enrollment> attest(Connection& connection);
  std::optional<registry::Enrollment> proven_before(const Connection& connection, std::uint64_t edition) const;
  void remember(Connection& connection, const registry::Enrollment& enrollment, std::uint64_t edition);
  registry::Outcome<Answer> answer(const ConnectionPtr& connection, const agent::dps::RequestTopic& topic,
                                   ByteView payload, std::unique_ptr<Work>& work);
  registry::Outcome<Answer> start(std::unique_ptr<Work> fresh, RegisterBody body, std::unique_ptr<Work>& work);
  registry::Outcome<registry::Nothing> begin(Work& work);
  registry::Outcome<registry::Nothing> register_device(Work& work);
  void audit_csr(const Connection& connection, const registry::Refusal& refusal);
  registry::Outcome<RegisterBody> read_register(const Connection& connection, ByteView payload) const;
  void finish(const Work& work);
  registry::Operation carry_out(const Work& work, bool& stored);
  Answer throttled(const Connection& connection, std::uint32_t retry_after_s, std::string why);
  Answer refusal_answer(const Connection& connection, const registry::Refusal& refusal);
  registry::Call call(const Connection& connection) const;

  registry::Registry& registry_;
  CertificateIssuer& issuer_;
  const Options options_;
  const std::unique_ptr<Attestation> attestation_;
  const std::unique_ptr<Operations> operations_;

  mutable std::mutex mutex_;
  // Guarded by mutex_; of a Connection also `running`, `enrollment`, `group`, `policy` and `proven`.
  std::unordered_map<wire::ConnectionId, ConnectionPtr> connections_;
  Counters counters_;
  std::deque<RefusedRequest> refusals_;
};

}  // namespace latchkey::hub::provisioning
