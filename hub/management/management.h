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

#include "hub/management/quotas.h"
#include "hub/management/request.h"
#include "hub/ports/enforcement.h"
#include "hub/wire/decision.h"
#include "platform/ports/clock.h"
#include "registry/firmware/model.h"
#include "registry/operations/forecast.h"
#include "registry/operations/registry.h"
#include "registry/signing/certificates.h"

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

struct DecisionFilter {
  std::string device;                      // client id; empty: all
  std::optional<registry::Reason> reason;  // nothing: all, kNone: only the accepted ones
  std::size_t limit = 50;
};

struct SeenDecision {
  std::string endpoint;  // as GateState::endpoint
  wire::Decision decision;
};

// Totals by Reason, over all endpoints, since the hub process started.
using DecisionCounts = std::array<std::uint64_t, registry::kReasonLimit>;

struct GateState {
  std::string endpoint;  // "dps", or the hub's name; of several brokers of a hub NAME/1, NAME/2, ...
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

// What stands before several brokers of a hub, at one address.
struct FrontState {
  std::string hub;
  std::string address;
  std::int64_t pid = 0;
  bool ready = false;  // runs, and knows which brokers serve
  std::uint64_t restarts = 0;
};

struct HubState {
  std::string version;
  std::string https;  // where this API is served over HTTPS; empty: nowhere
  std::string data_folder;
  std::string id_scope;
  registry::KeyProfile key_profile = registry::KeyProfile::kEcP256;  // that is used when none is asked for
  bool rehearsal = false;
  UnixMs started = 0;
  UnixMs now = 0;  // by the rehearsal's clock
  registry::Sequence newest = 0;
  std::vector<GateState> gates;
  std::string metrics = {};  // address and port where they are served; empty: nowhere
  std::vector<FrontState> fronts = {};
  std::vector<std::string> parity = {};  // what the process follows the real service in (docs/parity.md)
  std::string signing = {};              // where digests are signed, "https://..."; empty: nowhere
  std::string signing_open = {};         // timestamps, lists and CA certificates, "http://..."
};

class Insight {
 public:
  virtual ~Insight() = default;
  virtual std::vector<SeenDecision> decisions(const DecisionFilter& filter) = 0;  // newest first
  virtual DecisionCounts counts() = 0;
  // Whether the device has a live session at a hub; nothing when nobody knows.
  virtual std::optional<bool> connected(const std::string& ns, const std::string& device) = 0;
  virtual HubState status() = 0;
};

// Cloud-to-device messages: queued for the device, which gets them at once or when it next connects. What waits is in
// the registry.
class Messages {
 public:
  virtual ~Messages() = default;
  struct Outgoing {
    std::string id;  // empty: a fresh one
    std::map<std::string, std::string> properties;
    registry::Bytes payload;
    std::optional<std::int64_t> live_ms;  // until it expires; usually registry::kUsualMessageMs
  };
  virtual registry::Outcome<registry::Message> send(const registry::Call& call, const std::string& ns,
                                                    const std::string& device, const Outgoing& message) = 0;
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
  // What devices of an enrollment begin with, as the service writes it. Pure. kMalformedRequest, kInvalidArgument.
  virtual registry::Outcome<registry::InitialTwin> read_initial(const std::string& json) = 0;
  virtual registry::Outcome<Shown> show(const std::string& ns, const std::string& device) = 0;
  // kPreconditionFailed unless the twin has that `etag`, if one is given.
  virtual registry::Outcome<Shown> write(const registry::Call& call, const std::string& ns, const std::string& device,
                                         Write how, const std::string& body,
                                         const std::optional<std::string>& etag) = 0;
  // Blocks until the device has answered or its time is over.
  virtual registry::Outcome<std::string> invoke(const registry::Call& call, const std::string& ns,
                                                const std::string& device, const std::string& body) = 0;
};

// When a long-running operation of the ARM face says that it has ended. The act itself is done before it is answered;
// this is for rehearsals of clients that have to wait.
class OperationPace {
 public:
  virtual ~OperationPace() = default;
  struct Pace {
    UnixMs after_ms = 0;                            // from its start on
    unsigned polls = 0;                             // that are answered "InProgress" first
    std::optional<registry::Refusal> failure = {};  // what it says to have failed with
  };
  // As an operation begins; `action` as roles name it, `resource` by its id.
  virtual Pace begin(std::string_view action, const std::string& resource) = 0;
  // At each poll: it is not to end for now.
  virtual bool held(std::string_view action, const std::string& resource) = 0;
};

// Hubs that come and go while the process runs.
class HubActs {
 public:
  virtual ~HubActs() = default;
  // `hub.listen`: empty for an address of its own, port 0 for any free one; its host follows from that. Answers once
  // devices are served there. Refusals as Registry::create_hub; kInvalidArgument when it cannot listen there.
  virtual registry::Outcome<registry::Hub> create(const registry::Call& call, registry::NewHub hub) = 0;
  // Refusals as Registry::delete_hub. Answers once its last session is cut.
  virtual registry::Outcome<registry::Nothing> remove(const registry::Call& call, const std::string& name) = 0;
};

// How fast devices can come back after they lost access: what the hub allows, and what it was seen to do.
class PaceOfReturn {
 public:
  virtual ~PaceOfReturn() = default;
  virtual std::optional<double> registrations_per_minute() = 0;  // nothing: without limit
  virtual std::optional<double> measured_per_minute() = 0;       // certificates; nothing: none was issued yet
};

// The certificates that the hub process itself shows to devices.
class OwnCertificates {
 public:
  virtual ~OwnCertificates() = default;
  struct Own {
    std::string name;  // of the file
    registry::Bytes der;
  };
  virtual std::vector<Own> own_certificates() = 0;
};

// Ends certificates of profiles (hub/signing/service). Account and profile by their names, in any case.
class SigningRevocations {
 public:
  virtual ~SigningRevocations() = default;
  struct Order {
    std::string serial;      // hex
    std::string thumbprint;  // hex: SHA-1 of the certificate
    UnixMs effective_at = 0;
    std::string reason;  // "KeyCompromised"
    std::string remarks;
  };
  // All or none. kInvalidArgument, kNotFound, kCertificateRevoked.
  virtual registry::Outcome<registry::Nothing> revoke(const registry::Call& call, const std::string& account,
                                                      const std::string& profile, const std::vector<Order>& orders) = 0;
  // From now on revocations stay in progress until they are settled; or not any more.
  virtual void hold(bool held) = 0;
  // Ends one that is in progress, with a reason as a failure. kInvalidArgument, kNotFound, kPreconditionFailed.
  virtual registry::Outcome<registry::signing::Certificate> settle(const registry::Call& call,
                                                                   const std::string& account,
                                                                   const std::string& profile,
                                                                   const std::string& serial,
                                                                   const std::string& failure) = 0;
};

// Campaigns of firmware, and what devices are told about whose they may run (hub/firmware).
class Firmware {
 public:
  virtual ~Firmware() = default;
  using Campaign = registry::firmware::Campaign;
  using Statement = registry::firmware::Statement;
  struct Order {
    registry::Bytes bundle;  // whole
    std::string policy;      // by name; or else `devices`
    std::vector<std::string> devices;
    std::int64_t percent = 100;
  };
  // Devices that are connected hear of it before it is answered. `id`: the SHA-256 that the caller takes the bundle to
  // have. kInvalidArgument: not a bundle, another id, target or percentage; kParentNotFound, kNotFound, kAlreadyExists,
  // kPreconditionFailed.
  virtual registry::Outcome<Campaign> publish(const registry::Call& call, const std::string& ns,
                                              const registry::Bytes& id, const Order& order) = 0;
  virtual registry::Outcome<Campaign> raise(const registry::Call& call, const std::string& ns,
                                            const registry::Bytes& id, std::int64_t percent) = 0;
  virtual registry::Outcome<Campaign> withdraw(const registry::Call& call, const std::string& ns,
                                               const registry::Bytes& id) = 0;
  virtual registry::Outcome<std::vector<Campaign>> list(const std::string& ns) = 0;  // newest first
  virtual registry::Outcome<Campaign> find(const std::string& ns, const registry::Bytes& id) = 0;
  virtual registry::Outcome<registry::firmware::Tally> tally(const Campaign& campaign) = 0;
  // In the order of device ids, those after `after`.
  virtual registry::Outcome<std::vector<registry::firmware::Progress>> progress(const Campaign& campaign,
                                                                                const std::string& after,
                                                                                std::size_t limit) = 0;
  // Nothing: there are none.
  virtual registry::Outcome<std::optional<Statement>> pins() = 0;
  virtual registry::Outcome<std::optional<Statement>> revocations() = 0;
  virtual registry::Outcome<Statement> pin(const registry::Call& call, const std::vector<std::string>& ekus) = 0;
  // SubjectPublicKeyInfo, DER. The key is made when it is first asked for.
  virtual registry::Outcome<registry::Bytes> statement_key(const registry::Call& call) = 0;
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
  HubActs* hubs = nullptr;                                          // without: hubs are as they are
  OperationPace* pace = nullptr;                                    // without: operations have ended at once
  registry::Attendance* attendance = nullptr;                       // without: forecasts take nobody to be connected
  PaceOfReturn* pace_of_return = nullptr;       // without: forecasts do not say how long the return takes
  OwnCertificates* own_certificates = nullptr;  // without: expiry reports know of none
  Quotas quotas = {};                           // none
  SigningRevocations* revocations = nullptr;    // without: the hub does not sign, and takes nothing back
  Firmware* firmware = nullptr;                 // without: there is none to send
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
