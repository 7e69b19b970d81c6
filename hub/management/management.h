// SPDX-License-Identifier: Apache-2.0
// Management: the operator's acts as a JSON API, in the shape that Azure Resource Manager gives them (paths, property
// names, error envelope), below a short root. For the hub process, which puts a Server before it and composes the
// parts that it needs; they are declared here and implemented by hub/app.
//
// Threads: handle() is called from many threads at once and blocks until the act is committed and enforced.
//
// Invariants:
//  1. A CA key exists before the row that names it, and is destroyed when that row does not come about.
//  2. Revocations and deletions are answered when the last session that they condemn is cut; grants (create, enable,
//     sync) when every live gate holds them. Is that not confirmed in time, the answer is 504: committed, not
//     confirmed.
//  3. Key material leaves only by .../attestationmechanism, and only after its audit record is durable.
//  4. Nobody but the owner of the data folder gets further than its roles allow (docs/roles.md), on any route.
//  5. Who is refused is told the reason's code and the name of the member at fault; nothing has changed then.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hub/management/request.h"
#include "hub/wire/decision.h"
#include "platform/ports/clock.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::management {

// Makes CA keys and certificates. The key is durable before the call returns.
class CaMaker {
 public:
  virtual ~CaMaker() = default;
  virtual registry::Outcome<registry::NewCa> make_root(registry::KeyProfile profile, UnixMs now) = 0;
  // Signed by the root of the namespace's credential. kParentNotFound without one.
  virtual registry::Outcome<registry::NewCa> make_issuing(const std::string& ns, registry::KeyProfile profile,
                                                          UnixMs now) = 0;
  // A key and a CSR for somebody else's CA to sign.
  virtual registry::Outcome<registry::NewCsr> make_request(registry::KeyProfile profile) = 0;
  // Is that PEM chain what the CSR of this CA asked for? kCertificateRejected, kCertificateSubjectMismatch; the detail
  // begins with the rule's number.
  virtual registry::Outcome<registry::SignedCa> check_signed(const registry::CaCertificate& pending,
                                                             const std::string& chain, UnixMs now) = 0;
  virtual void destroy_key(const std::string& key_ref) = 0;
  // Something was revoked: sign and publish soon; does not block.
  virtual void crl_due() = 0;
  // A policy or credential was deleted: its CAs sign their last lists, and their keys are destroyed. Returns when that
  // is done; what fails is tried again until it works, also after a restart.
  virtual void end_deleted_cas() = 0;
  // Where the list of that CA lies; empty when there is none yet.
  virtual std::string crl_file(const Uuid& ca) = 0;
};

// What the gates have made of the feed. Both answer kEnforcementTimeout when a live gate does not confirm in time.
class Enforcement {
 public:
  virtual ~Enforcement() = default;
  virtual registry::Outcome<registry::Nothing> wait_applied(registry::Sequence sequence) = 0;
  virtual registry::Outcome<registry::Nothing> wait_cut(registry::Sequence sequence) = 0;  // includes applied
};

struct DecisionFilter {
  std::string device;                      // client id; empty: all
  std::optional<registry::Reason> reason;  // nothing: all, kNone: only the accepted ones
  std::size_t limit = 50;
};

struct SeenDecision {
  std::string endpoint;  // "dps" or "hub"
  wire::Decision decision;
};

// Totals by Reason, over all endpoints, since the hub process started.
using DecisionCounts = std::array<std::uint64_t, registry::kReasonLimit>;

struct GateState {
  std::string endpoint;  // "dps" or "hub"
  std::string address;   // "127.0.0.1:8883"
  std::int64_t broker_pid = 0;
  bool ready = false;  // linked, and whole state acknowledged
  registry::Sequence applied = 0;
  registry::Sequence cut = 0;
  std::uint64_t connections = 0;  // live now
  std::uint64_t messages = 0;     // device publishes let through
  std::uint64_t dropped_decisions = 0;
  std::uint64_t restarts = 0;
};

struct HubState {
  std::string version;
  std::string data_folder;
  std::string id_scope;
  registry::KeyProfile key_profile = registry::KeyProfile::kEcP256;  // that is used when none is asked for
  bool rehearsal = false;
  UnixMs started = 0;
  UnixMs now = 0;  // by the rehearsal's clock
  registry::Sequence newest = 0;
  std::vector<GateState> gates;
};

class Insight {
 public:
  virtual ~Insight() = default;
  virtual std::vector<SeenDecision> decisions(const DecisionFilter& filter) = 0;  // newest first
  virtual DecisionCounts counts() = 0;
  // Whether the device has a live session at the hub endpoint; nothing when nobody knows.
  virtual std::optional<bool> connected(const std::string& ns, const std::string& device) = 0;
  virtual HubState status() = 0;
};

// Cloud-to-device messages, accepted for delivery to a connected device.
class Messages {
 public:
  virtual ~Messages() = default;
  virtual registry::Outcome<registry::Nothing> send(const std::string& ns, const std::string& device,
                                                    const std::map<std::string, std::string>& properties,
                                                    const registry::Bytes& payload) = 0;
};

// Twins and direct methods. What is asked and answered is the service's JSON, as text.
class DeviceTwins {
 public:
  virtual ~DeviceTwins() = default;
  struct Shown {
    std::string body;
    std::string etag;
  };
  enum class Write { kMerge, kReplace };
  virtual registry::Outcome<Shown> show(const std::string& ns, const std::string& device) = 0;
  // kPreconditionFailed unless the twin has that `etag`, if one is given.
  virtual registry::Outcome<Shown> write(const registry::Call& call, const std::string& ns, const std::string& device,
                                         Write how, const std::string& body,
                                         const std::optional<std::string>& etag) = 0;
  // Blocks until the device has answered or its time is over.
  virtual registry::Outcome<std::string> invoke(const registry::Call& call, const std::string& ns,
                                                const std::string& device, const std::string& body) = 0;
};

// All outlive the Management.
struct Parts {
  registry::Registry& registry;
  const ports::Clock& clock;
  CaMaker& ca;
  Enforcement& enforcement;
  Insight& insight;
  Messages& messages;
  DeviceTwins* twins = nullptr;  // without: no such paths
  // The older flow: revoking a policy with a root of its own is not refused, but makes it pending with a new CSR.
  bool own_root_revoke_rotates = false;
  registry::roles::Parity parity = registry::roles::Parity::kSeed;  // how roles are read
};

class Management {
 public:
  explicit Management(const Parts& parts);
  ~Management();
  Response handle(const Request& request);
  // The server turned somebody away: writes the audit record.
  void peer_refused(const Caller& caller);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace latchkey::hub::management
