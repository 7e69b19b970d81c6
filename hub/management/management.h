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
//  4. Who is refused is told the reason's code and the name of the member at fault; nothing has changed then.
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
  virtual void destroy_key(const std::string& key_ref) = 0;
  // Something was revoked: sign and publish soon; does not block.
  virtual void crl_due() = 0;
  // Publishes every list that is due and returns when it is done: called before keys are destroyed for good, so that
  // the last list of a CA is complete.
  virtual void publish_due_crls() = 0;
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

// All outlive the Management.
struct Parts {
  registry::Registry& registry;
  const ports::Clock& clock;
  CaMaker& ca;
  Enforcement& enforcement;
  Insight& insight;
  Messages& messages;
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
