// SPDX-License-Identifier: Apache-2.0
// Registry: the rules and the durable state behind one hub. One function an operation, each with its preconditions,
// effects and refusals (they follow Azure Device Registry's certificate management; see registry/README.md).
//
// Threads: every function may be called from any thread and blocks until its transaction is durable. One writer
// thread runs the queued operations, many in one commit, so callers that want throughput call from several threads.
// Reads see the last commit.
//
// Invariants:
//  1. Nobody is answered before COMMIT.
//  2. Every attempt at a mutation leaves an audit record in the same transaction, refusals included; a refused
//     operation changes nothing else.
//  3. A serial is stored before the certificate exists.
//  4. What matters to a verdict enters the change feed with the transaction that made it.
//
// The registry knows no X.509: CA certificates and leaves arrive as bytes with a few columns.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "platform/ports/digest.h"
#include "registry/model/audit.h"
#include "registry/model/change.h"
#include "registry/model/limits.h"
#include "registry/model/message.h"
#include "registry/model/refusal.h"
#include "registry/model/resources.h"
#include "registry/operations/faults.h"
#include "registry/roles/evaluation.h"

namespace latchkey::registry {

class Observer;
class Attendance;
struct Trial;
// Questions about the whole fleet: forecast.h, expiry.h.
struct PlannedAct;
struct ForecastOptions;
struct Forecast;
struct ExpiryQuery;
struct ExpiryReport;
struct ExpiringPageQuery;
struct ExpiringPage;

// Who asks, and when by the rehearsal's clock. Goes into the audit record.
struct Call {
  std::string actor;
  UnixMs now = 0;
  // What the session that asks showed when it connected. begin_renewal refuses kIdentifierMismatch when it is not the
  // device's any more: a request that was under way when its device was revoked must not bring it back.
  std::optional<DeviceIdentifier> shown = std::nullopt;
  // Why, for revocations; nothing: what the act itself says. Stands on CRLs and in OCSP answers.
  std::optional<RevocationReason> reason = std::nullopt;
  // From where, for the audit record: "unix socket", "127.0.0.1:51234"; empty for the hub process itself.
  std::string source = {};
  // The name of the policy with a root of its own that is to be deleted although something speaks against it: see
  // delete_policy and delete_credential. Anything but that name overrides nothing.
  std::string override_name = {};
  // The caller saw one of these states of the resource (model/etag.h); empty: whatever is there. kPreconditionFailed
  // when it is in another by now. Of devices, enrollments and hub certificates.
  std::vector<std::string> if_match = {};
  // Kept with a resource of a namespace when the act goes through, with its actor and time; what is not given stays as
  // it is. Nothing: leaves no labels.
  struct LabelChange {
    std::optional<std::string> location = std::nullopt;
    std::optional<std::string> tags = std::nullopt;
    std::optional<std::string> extra = std::nullopt;
  };
  std::optional<LabelChange> labels = std::nullopt;
  // Within registry/operations only: the rule is tried and taken back, and leaves no audit record (forecast).
  Trial* trial = nullptr;
};

// A value and the sequence number after which it is in force. `sequence` is the last change of the transaction, or
// the newest change before it if it made none: whoever waits for it waits for enough.
template <class T>
struct Committed {
  T value{};
  Sequence sequence = 0;
};

// A freshly made CA certificate, its key already stored at the key provider under `key_ref`.
struct NewCa {
  Uuid id;
  std::string subject;
  Bytes serial;
  UnixMs not_before = 0;
  UnixMs not_after = 0;
  Bytes der;
  std::string key_ref;
  KeyProfile key_profile = KeyProfile::kEcP256;
  Uuid issuer;  // the CA that signed it; itself for a root
};

// A freshly made key, stored at the key provider under `key_ref`, and the request that a customer's CA is to sign.
struct NewCsr {
  Uuid id;              // of the CA that it is for
  std::string subject;  // "CN=" and 32 hex digits, as RFC 4514 prints it
  Bytes csr;            // PKCS#10, DER
  std::string key_ref;
  KeyProfile key_profile = KeyProfile::kEcP256;
};

// What became of a CSR. That it fits was checked by whoever knows X.509 (hub/ca/activation.h).
struct SignedCa {
  Uuid id;  // of the CA whose CSR it is
  Bytes serial;
  UnixMs not_before = 0;
  UnixMs not_after = 0;
  Bytes der;
  Bytes root;  // that signed it; may be empty
};

// How long before its end an issuing CA that was signed elsewhere gets a new CSR.
inline constexpr UnixMs kOwnRootRenewalMs = 30LL * 24 * 60 * 60 * 1000;

struct NewEnrollment {
  std::string id;
  bool group = false;
  std::string namespace_name;
  AttestationKind attestation = AttestationKind::kSymmetricKey;
  Bytes primary;
  Bytes secondary;
  std::string policy_name;
  bool enabled = true;
  std::string device_id;
  AllocationPolicy allocation = AllocationPolicy::kHashed;
  std::vector<std::string> hubs = {};  // by name or host; kept by name
  ReprovisionPolicy reprovision = {};
  InitialTwin initial_twin = {};  // of devices that it assigns first, or whose data it resets; others keep theirs
};

struct EnrollmentUpdate {
  std::optional<std::string> policy_name;
  std::optional<bool> enabled;
  std::optional<AllocationPolicy> allocation = {};
  std::optional<std::vector<std::string>> hubs = {};
  std::optional<ReprovisionPolicy> reprovision = {};
  std::optional<InitialTwin> initial_twin = {};
};

// `listen` and `latency_ms` as in Hub.
struct NewHub {
  std::string name;
  std::string namespace_name;
  std::string host;
  std::string listen = {};
  std::optional<std::int64_t> latency_ms = {};
};

struct HubUpdate {
  std::optional<std::string> host = {};
  std::optional<std::string> listen = {};
  std::optional<std::optional<std::int64_t>> latency_ms = {};  // a value that is nothing: none is declared any more
};

// All enrollment groups as of one generation, in the order of their ids. They hold symmetric keys.
struct EnrollmentGroups {
  std::uint64_t generation = 0;  // another one after each change of a group
  std::vector<Enrollment> groups;
};

struct DeviceUpdate {
  std::optional<bool> enabled = std::nullopt;
  // The policy that its next certificate comes from, until a registration names another; empty: none. kInvalidArgument
  // when there is no such policy in the device's namespace.
  std::optional<std::string> policy_name = std::nullopt;
};

// One of many: see create_devices.
struct NewDevice {
  std::string id;
  DeviceUpdate initial = {};
  std::optional<Call::LabelChange> labels = std::nullopt;  // nothing: those of the call
};

// A finished or running provisioning operation, kept until `expires` so that any node can answer a poll.
struct Operation {
  std::string id;
  std::string registration_id;
  std::string status;  // "assigning", "assigned", "failed", "disabled"
  Bytes body;          // what provisioning wants to remember (its JSON answer)
  UnixMs expires = 0;
};

// What is asked for a device that proved itself to `enrollment`.
struct RegistrationRequest {
  std::string registration_id;  // as the device spells it
  Uuid enrollment;
  bool wants_certificate = false;
  Bytes serial;              // fresh, random, of the CA's making; used only if a certificate is issued
  std::string operation_id;  // the answer is kept under it (finish_issuance)
  // Stored with the registration, in one commit: that the answer is being worked on. Where the registration is refused,
  // it is not stored.
  std::optional<Operation> begun = {};
};

// The leave to sign one certificate. Carries what the registry held when the serial was stored.
struct IssuanceGrant {
  Bytes serial;
  std::string device_id;
  Uuid device;
  CredentialId credential_id;
  Uuid policy;
  Uuid ca;
  UnixMs not_before = 0;  // five minutes back
  UnixMs not_after = 0;   // by the policy, never past the issuing CA
};

struct RegistrationGrant {
  Registration registration;
  bool initial = true;  // false: this registration id was assigned before; registration.substatus says more
  std::optional<IssuanceGrant> issuance;
};

struct RevokedSerial {
  Bytes serial;
  UnixMs revoked_at = 0;
  RevocationReason reason = RevocationReason::kUnspecified;
};

// What a responder says of one serial (RFC 6960 section 2.2). Nothing is good that the registry would not stand for.
enum class Standing : std::uint8_t {
  kUnknown = 0,  // never issued below this CA: no such serial, or reserved for a certificate that nobody got to see
  kGood = 1,     // says nothing of the validity period: a certificate that expired unrevoked stays good
  kRevoked = 2,
};
struct SerialStanding {
  Standing standing = Standing::kUnknown;
  UnixMs revoked_at = 0;  // with kRevoked
  RevocationReason reason = RevocationReason::kUnspecified;
  friend bool operator==(const SerialStanding&, const SerialStanding&) = default;
};
struct StandingReport {
  CaCertificate issuer;
  std::vector<SerialStanding> serials;  // in the order of the question
};

// What a CA has to put on its next CRL. The number stands for this state of the list: each change takes another one, so
// numbers of published CRLs increase, not always by one (RFC 5280 section 5.2.3).
struct CrlOrder {
  CaCertificate ca;
  std::uint64_t number = 0;            // the CRL's number, above the last one's
  std::vector<RevokedSerial> revoked;  // every unexpired serial; for a root: its revoked issuing CAs
  // Its policy or credential was deleted: nobody signs a list of this CA after this one, so it has to be valid until
  // the CA's end (RFC 5280 section 5.1.2.5). Published by ca_ended(), not by crl_published().
  bool last = false;
};

// A device's twin: three JSON documents, which the registry keeps as text and does not read, and their versions, which
// whoever writes the documents counts on. Every device has one: until its first change it is as here. What it was given
// by its enrollment (InitialTwin) is wrapped as {"born":<UnixMs>,"value":<that text>}, because only the registry knows
// when that was; `desired` also says "version", its desired_version then.
struct Twin {
  Device device;
  std::string tags;  // all three: empty until first written
  std::string desired;
  std::string reported;
  std::uint64_t revision = 1;  // another one after each change of tags or desired: the etag
  std::uint64_t desired_version = 1;
  std::uint64_t reported_version = 1;
  std::uint64_t version = 1;  // another one after each change of anything
  UnixMs updated = 0;
};

// Somebody who will show a token of that digest until it expires.
struct NewPrincipal {
  std::string name;
  ports::Sha256 digest{};
  UnixMs expires = 0;
};

// Principal and role by name or id; the scope in full.
struct NewRoleAssignment {
  Uuid id;  // of the caller's making, so that a repeated request is not a second assignment
  std::string principal;
  std::string role;
  std::string scope;
};

// What a principal may do, as of one commit.
struct Rights {
  roles::Principal principal;
  std::vector<roles::Grant> grants;
};

struct DeviceCounts {
  std::uint64_t all = 0;
  std::uint64_t enabled = 0;
};

struct DevicePage {
  std::vector<Device> devices;
  std::string next;  // give as `after` for the next page; empty at the end
};
struct EnrollmentPage {
  std::vector<Enrollment> enrollments;
  std::string next;
};
struct RegistrationPage {
  std::vector<Registration> registrations;
  std::string next;
};

// What create_devices does between two commits: large enough that the sync to disk does not count, small enough that
// nobody else who writes waits long for it.
inline constexpr std::size_t kDevicesInOneCommit = 500;

// The name of the setting that holds the subscription's uuid; it is there from the first opening on.
inline constexpr std::string_view kSubscriptionSetting = "subscription";

// Called on the writer's thread after each commit that added changes; must be quick and must not call back.
using CommitListener = std::function<void(Sequence newest)>;

class Registry {
 public:
  struct Options {
    std::string path;               // of the database file, created 0600 when it is not there; or a URL of PostgreSQL
    std::size_t batch_limit = 256;  // operations that share one commit at the most
    bool rehearsal = false;         // allows leaf lifetimes of 1 to 3650 days
    Faults* faults = nullptr;       // outlives the registry; rehearsals only
    Limits limits = {};             // none
  };
  // `digest` chains the audit's records and outlives the registry: there is no audit without one.
  static Outcome<std::unique_ptr<Registry>> open(Options options, const ports::Digest& digest);
  virtual ~Registry() = default;

  // Stops the writer after what is queued; later mutations answer kShuttingDown.
  virtual void close() = 0;
  virtual void set_commit_listener(CommitListener listener) = 0;
  // What a proof is held against (enrollments) is the same as long as this is: it is another number before any act of
  // this process that may have changed it is answered. A registry has one process that writes. Costs no look-up.
  virtual std::uint64_t edition() const = 0;

  // --- settings of the data folder: id scope, nonce, "rehearsal" and the like
  virtual Outcome<std::optional<std::string>> setting(const std::string& name) = 0;
  virtual Outcome<Nothing> set_setting(const std::string& name, const std::string& value) = 0;

  // --- namespaces. Name: 3 to 64 of [a-z0-9-], alphanumeric at both ends (kInvalidName).
  virtual Outcome<Committed<Namespace>> create_namespace(const Call& call, const std::string& name) = 0;
  // kNamespaceNotEmpty while it has a credential, a device, an enrollment or a linked hub.
  virtual Outcome<Committed<Nothing>> delete_namespace(const Call& call, const std::string& name) = 0;
  virtual Outcome<Namespace> find_namespace(const std::string& name) = 0;
  virtual Outcome<std::vector<Namespace>> list_namespaces() = 0;

  // --- credential: one per namespace, called "default" (kAlreadyExists, kParentNotFound). The root signs itself
  //     (kInvalidArgument).
  virtual Outcome<Committed<Credential>> create_credential(const Call& call, const std::string& ns, NewCa root) = 0;
  // kCredentialHasPolicies while a policy exists. Irreversible. Hub certificates are left alone. The root now owes its
  // last CRL, and keeps its key for it: see ca_ended. With Call::override_name also a policy with a root of its own is
  // deleted, if it is the only one: the way out when its devices' certificates cannot be revoked.
  virtual Outcome<Committed<Nothing>> delete_credential(const Call& call, const std::string& ns) = 0;
  virtual Outcome<Credential> find_credential(const std::string& ns) = 0;
  // Brings the CA certificates of every linked hub up to date with the policies: adds missing ones, removes stale
  // ones of a policy that still exists, never those of a deleted policy. Answers how many were added and removed.
  struct SyncResult {
    int added = 0;
    int removed = 0;
  };
  virtual Outcome<Committed<SyncResult>> sync_credential(const Call& call, const std::string& ns) = 0;

  // --- policies. Name: 3 to 63, [0-9A-Za-z][0-9A-Za-z-]*, compares case-insensitively. Validity 7 to 90 days unless
  //     `rehearsal` allows 1 to 3650. kPolicyLimitReached where there are limits. Creation and revocation sync to the
  //     linked hubs in the same transaction; the CA that they bring has to be signed by the root that the credential
  //     has now (kIssuerReplaced), however long the signing took.
  struct NewPolicy {
    std::string name;
    int validity_days = 30;
    NewCa issuing_ca;
  };
  virtual Outcome<Committed<Policy>> create_policy(const Call& call, const std::string& ns, NewPolicy policy) = 0;
  virtual Outcome<Committed<Policy>> update_policy(const Call& call, const std::string& ns, const std::string& name,
                                                   std::optional<int> validity_days) = 0;
  // The old issuing CA goes on the root's CRL and off every linked hub; the new one replaces it under another hub
  // certificate name. Its subject must differ from the old one's (kInvalidArgument). Reason: superseded unless the
  // call has one.
  // kByorRevokeNotAllowed for a policy with a root of its own: only the customer's CA can revoke what it signed.
  virtual Outcome<Committed<Policy>> revoke_policy(const Call& call, const std::string& ns, const std::string& name,
                                                   NewCa replacement) = 0;
  // No issuance any more; leaves keep working while the hub keeps the CA certificate. Irreversible. The current issuing
  // CA and its predecessors now owe their last CRLs, and keep their keys for them: see ca_ended. One with a root of its
  // own is refused while enabled enrollments name it (kPolicyHasEnrollments: devices that are revoked would be back at
  // once) or devices hold live certificates of it (kPolicyHasDevices), each naming up to 20 of them, unless
  // Call::override_name is its name. The caller destroys the key of its pending_ca.
  virtual Outcome<Committed<Nothing>> delete_policy(const Call& call, const std::string& ns,
                                                    const std::string& name) = 0;
  virtual Outcome<Policy> find_policy(const std::string& ns, const std::string& name) = 0;
  virtual Outcome<std::vector<Policy>> list_policies(const std::string& ns) = 0;

  // --- policies with a root of their own ("bring your own root"). Their issuing CA is signed by the customer's CA, for
  //     a CSR made here: Policy::ca is a CA that is kPending until then, issues nothing (kPolicyPendingActivation) and
  //     has nothing to sync. Hubs trust what was signed once sync_credential is called, never by themselves.
  struct NewOwnRootPolicy {
    std::string name;
    int validity_days = 30;
    NewCsr request;
  };
  // Refusals as create_policy.
  virtual Outcome<Committed<Policy>> create_own_root_policy(const Call& call, const std::string& ns,
                                                            NewOwnRootPolicy policy) = 0;
  // The certificate for the CSR that waits: it becomes the current issuing CA; the one before stays trusted until its
  // own end. kByorNotEnabled, kNoPendingActivation, kPreconditionFailed (another CSR waits by now).
  virtual Outcome<Committed<Policy>> activate_policy(const Call& call, const std::string& ns, const std::string& name,
                                                     SignedCa ca) = 0;
  // Puts a CSR beside the active issuing CA, for the next one. kByorNotEnabled, kAlreadyExists (one waits already),
  // kPreconditionFailed (it has more than kOwnRootRenewalMs to live).
  virtual Outcome<Committed<Policy>> request_renewal(const Call& call, const std::string& ns, const std::string& name,
                                                     NewCsr request) = 0;
  // The older flow, which the real service no longer offers: every issuing CA of the policy is revoked and off the
  // hubs, and the policy is pending with this CSR. kByorNotEnabled.
  virtual Outcome<Committed<Policy>> rotate_own_root(const Call& call, const std::string& ns, const std::string& name,
                                                     NewCsr request) = 0;
  // The CA of that policy whose CSR waits, if there is one.
  virtual Outcome<std::optional<CaCertificate>> pending_ca(const Uuid& policy) = 0;
  // For whom request_renewal is due at `now`.
  struct DueRenewal {
    std::string namespace_name;
    Policy policy;
  };
  virtual Outcome<std::vector<DueRenewal>> due_renewals(UnixMs now) = 0;

  // --- CAs
  virtual Outcome<CaCertificate> find_ca(const Uuid& id) = 0;
  virtual Outcome<std::vector<CaCertificate>> list_cas() = 0;
  // CAs whose list changed since their last CRL and whose key still exists.
  virtual Outcome<std::vector<CrlOrder>> due_crls(UnixMs now) = 0;
  // Makes the list of one CA due and answers it: its last CRL runs out soon, or the file is lost. Takes a new number as
  // every change of the list does. kNotFound when there is no such CA or its key was destroyed.
  virtual Outcome<CrlOrder> crl_order(const Uuid& ca, UnixMs now) = 0;
  // The CRL with that number, of an order from here, is on disk. Leaves crl_due set if the list changed meanwhile.
  // A deleted CA stays due whatever was published: only its last list ends that.
  virtual Outcome<Nothing> crl_published(const Uuid& ca, std::uint64_t number, std::size_t entries) = 0;
  // The last CRL of a deleted CA, with that number, is on disk and valid until the CA's end: nothing is due of it any
  // more, and no row names its key, which the caller destroys now. After a crash before that, it is a key that nobody
  // names. kPreconditionFailed: the CA is not deleted, or its list changed since the order (order again). kNotFound.
  virtual Outcome<Nothing> ca_ended(const Uuid& ca, std::uint64_t number) = 0;

  // How these serials stand below that CA, all as of one commit. A leaf is revoked when its row says so, when its
  // device has another identity by now, or when its issuing CA is revoked; for a root the serials are those of issuing
  // CAs. kNotFound: there is no such CA. Costs two reads by key a serial.
  virtual Outcome<StandingReport> standing(const Uuid& issuer, const std::vector<Bytes>& serials) = 0;

  // --- devices
  // As it is to be at first; nothing said: enabled, without a policy. kDeviceLimitReached where there are limits.
  virtual Outcome<Committed<Device>> create_device(const Call& call, const std::string& ns, const std::string& id,
                                                   const DeviceUpdate& initial = {}) = 0;
  // As that many calls of create_device, each with its outcome, audit record and change, but with one commit for each
  // kDevicesInOneCommit of them: one that is refused keeps none of the others from being made. The outcomes stand in
  // the order of the question. kStorage and kShuttingDown, as an answer to all: what was committed before stays.
  virtual Outcome<Committed<std::vector<Outcome<Device>>>> create_devices(const Call& call, const std::string& ns,
                                                                          std::span<const NewDevice> devices) = 0;
  virtual Outcome<Committed<Device>> update_device(const Call& call, const std::string& ns, const std::string& id,
                                                   const DeviceUpdate& update) = 0;
  // Rotates the credential id and marks every certificate ever issued to the device revoked. disable=true also
  // disables; disable=false does not enable. Reason: unspecified unless the call has one. Succeeds on a disabled
  // device; each call rotates again. Irreversible.
  virtual Outcome<Committed<Device>> revoke_device(const Call& call, const std::string& ns, const std::string& id,
                                                   bool disable) = 0;
  // Reason: cessationOfOperation. Its certificates stay dead also when a device of that id is created again (new uuid).
  virtual Outcome<Committed<Nothing>> delete_device(const Call& call, const std::string& ns, const std::string& id) = 0;
  virtual Outcome<Device> find_device(const std::string& ns, const std::string& id) = 0;
  virtual Outcome<DevicePage> list_devices(const std::string& ns, const std::string& after, std::size_t limit) = 0;
  virtual Outcome<DeviceCounts> count_devices(const std::string& ns) = 0;
  virtual Outcome<std::vector<IssuedCertificate>> list_certificates(const std::string& ns,
                                                                    const std::string& device) = 0;

  // --- twins. kNotFound, kParentNotFound as for devices. A twin is gone with its device.
  virtual Outcome<Twin> find_twin(const std::string& ns, const std::string& device) = 0;
  // Stores the documents if the twin's device and version are still those that `before` was read with, else
  // kPreconditionFailed: read again. `twin` has the new versions, and the newer `version` of all.
  virtual Outcome<Committed<Nothing>> put_twin(const Call& call, const std::string& ns, const Twin& before,
                                               const Twin& twin) = 0;
  // The same for what a device reports of itself, which is no act of an operator's and not audited. What its session
  // showed has to be its device's still (Call::shown, kIdentifierMismatch).
  virtual Outcome<Nothing> report_twin(const Call& call, const Twin& before, const Twin& twin) = 0;

  // --- cloud-to-device messages (model/message.h). They go with their device.
  // kQueueFull while kMaxWaitingMessages wait; kInvalidArgument unless it expires within kMostMessageMs.
  virtual Outcome<Committed<Message>> enqueue_message(const Call& call, const std::string& ns,
                                                      const std::string& device, const NewMessage& message) = 0;
  // Those that wait and those that are not known to be acknowledged, in their order.
  virtual Outcome<std::vector<Message>> list_messages(const std::string& ns, const std::string& device, UnixMs now) = 0;
  // Removes them all; answers how many.
  virtual Outcome<Committed<std::uint64_t>> purge_messages(const Call& call, const std::string& ns,
                                                           const std::string& device) = 0;
  // What sessions do with them is no act of an operator's and not audited. has_messages costs one read by index.
  virtual Outcome<bool> has_messages(const Uuid& device) = 0;
  // In their order, with payloads; none that has expired.
  virtual Outcome<std::vector<Message>> waiting_messages(const Uuid& device, UnixMs now) = 0;
  // The broker has them for that connection. Those that are gone are passed over.
  virtual Outcome<Nothing> messages_sent(const MessageRecipient& recipient, const std::vector<std::uint64_t>& numbers,
                                         UnixMs now) = 0;
  virtual Outcome<Nothing> messages_settled(MessageNews news, UnixMs now) = 0;

  // --- enrollments. Ids compare case-insensitively; a policy that is named must exist at creation and update, hubs
  // that
  //     are named must be linked to its namespace (kInvalidArgument). Static allocation names exactly one.
  virtual Outcome<Committed<Enrollment>> create_enrollment(const Call& call, NewEnrollment enrollment) = 0;
  virtual Outcome<Committed<Enrollment>> update_enrollment(const Call& call, const std::string& id, bool group,
                                                           const EnrollmentUpdate& update) = 0;
  // Everything that the enrollment says is new from now on; its id, its kind and its namespace stay (kInvalidArgument).
  // Refusals as create_enrollment, kEnrollmentNotFound.
  virtual Outcome<Committed<Enrollment>> replace_enrollment(const Call& call, NewEnrollment enrollment) = 0;
  virtual Outcome<Committed<Nothing>> delete_enrollment(const Call& call, const std::string& id, bool group) = 0;
  virtual Outcome<Enrollment> find_enrollment(const std::string& id, bool group) = 0;
  virtual Outcome<Enrollment> find_enrollment_by_uuid(const Uuid& uuid) = 0;
  virtual Outcome<std::vector<Enrollment>> list_enrollments() = 0;
  // A page of them, at most 1,000; costs what is on it. By id, without regard to case.
  virtual Outcome<EnrollmentPage> enrollments_after(bool group, const std::string& after, std::size_t limit) = 0;
  // The groups, or nothing while `known` is still their generation: that costs one row, whoever changed what in which
  // process. A token does not name its group, so whoever attests holds on to the list and asks this before each use.
  virtual Outcome<std::optional<EnrollmentGroups>> groups_unless(std::optional<std::uint64_t> known) = 0;

  // --- hubs. Name: 1 to 64 of [0-9A-Za-z-], compares case-insensitively. A new one trusts the issuing CAs of the
  //     policies that the service manages; those with a root of their own need sync_credential.
  virtual Outcome<Committed<Hub>> create_hub(const Call& call, const NewHub& hub) = 0;
  Outcome<Committed<Hub>> create_hub(const Call& call, const std::string& ns, const std::string& name,
                                     const std::string& host) {
    return create_hub(call, NewHub{name, ns, host});
  }
  virtual Outcome<Committed<Hub>> update_hub(const Call& call, const std::string& name, const HubUpdate& update) = 0;
  // kHubHasDevices, naming up to 20 of them, while devices are assigned to it, unless Call::override_name is its name:
  // then their registrations go with it, and they are assigned anew when they register again. Enrollments that name it
  // stay, and assign to the others that they name.
  virtual Outcome<Committed<Nothing>> delete_hub(const Call& call, const std::string& name) = 0;
  virtual Outcome<Hub> find_hub(const std::string& name) = 0;
  virtual Outcome<std::vector<Hub>> list_hubs() = 0;
  virtual Outcome<std::vector<HubCertificate>> list_hub_certificates(const std::string& hub) = 0;
  // Retires every leaf below that CA on this hub.
  virtual Outcome<Committed<Nothing>> delete_hub_certificate(const Call& call, const std::string& hub,
                                                             const std::string& name) = 0;

  // --- provisioning and issuance
  // Assigns a hub to a device that proved itself, by the enrollment's allocation; one that was assigned before moves
  // only if that says so and its reprovisioning allows it. Creates the device on first use (its id is the first
  // spelling), points it at the enrollment's policy and, if a certificate is wanted and the enrollment names a policy,
  // reserves the serial. Refusals: kEnrollmentNotFound, kEnrollmentDisabled, kDeviceDisabled, kPolicyMissing, kNoHub.
  // A device whose enrollment is individual and names a device_id gets that id.
  virtual Outcome<Committed<RegistrationGrant>> register_device(const Call& call,
                                                                const RegistrationRequest& request) = 0;
  // Renewal of a connected device: by its own policy. Refusals: kDeviceUnknown, kDeviceDisabled, kPolicyMissing,
  // kEnrollmentDisabled (its registration's enrollment exists and is disabled; a deleted enrollment still renews),
  // kNotConfigured (never had a policy).
  virtual Outcome<Committed<IssuanceGrant>> begin_renewal(const Call& call, const std::string& ns,
                                                          const std::string& device_id, const Bytes& serial) = 0;
  // The certificate was signed: its row becomes issued (or revoked, if the device was revoked meanwhile). `answer` is
  // stored with it, in one commit: what a poll, or the same request again, will hear.
  virtual Outcome<Committed<Nothing>> finish_issuance(const Call& call, const Bytes& serial,
                                                      const std::optional<Operation>& answer = std::nullopt) = 0;
  virtual Outcome<Nothing> put_operation(const Operation& operation) = 0;  // prunes expired ones now and then
  virtual Outcome<Operation> find_operation(const std::string& id) = 0;
  virtual Outcome<Registration> find_registration(const std::string& registration_id) = 0;
  virtual Outcome<std::vector<Registration>> list_registrations() = 0;
  // A page of those of one enrollment, at most 1,000; costs what is on it. By id, without regard to case.
  virtual Outcome<RegistrationPage> registrations_after(const Uuid& enrollment, const std::string& after,
                                                        std::size_t limit) = 0;
  // The device stays, with its certificates; when it registers again, it is assigned as if for the first time.
  virtual Outcome<Committed<Nothing>> delete_registration(const Call& call, const std::string& registration_id) = 0;

  // --- principals: callers with a token, at most 1,000. Name: 1 to 64 of [0-9A-Za-z._-], compares case-insensitively
  //     (kInvalidName). Principals, roles and assignments do not touch the change feed.
  virtual Outcome<Committed<roles::Principal>> create_principal(const Call& call, const NewPrincipal& principal) = 0;
  // Its token proves nothing from now on; the principal stays, with its assignments, to be looked at. Irreversible.
  virtual Outcome<Committed<roles::Principal>> revoke_principal(const Call& call, const std::string& name) = 0;
  // Its assignments go with it: a namesake starts with nothing.
  virtual Outcome<Committed<Nothing>> delete_principal(const Call& call, const std::string& name) = 0;
  virtual Outcome<roles::Principal> find_principal(const std::string& name) = 0;
  virtual Outcome<std::vector<roles::Principal>> list_principals() = 0;
  // kNotFound when there is no such principal (any more).
  virtual Outcome<Rights> rights_of(const Uuid& principal) = 0;

  // --- role definitions: the built-in ones and custom ones, named by id or name. A custom role cannot be changed: what
  //     was assigned means the same for ever. At least one pattern and one assignable scope (kInvalidArgument).
  virtual Outcome<Committed<roles::RoleDefinition>> create_role_definition(const Call& call,
                                                                           roles::RoleDefinition role) = 0;
  // kPreconditionFailed while it is assigned, and for built-in roles.
  virtual Outcome<Committed<Nothing>> delete_role_definition(const Call& call, const std::string& role) = 0;
  virtual Outcome<roles::RoleDefinition> find_role_definition(const std::string& role) = 0;
  virtual Outcome<std::vector<roles::RoleDefinition>> list_role_definitions() = 0;

  // --- role assignments. kAlreadyExists when the principal holds the role at that very scope.
  virtual Outcome<Committed<roles::RoleAssignment>> create_role_assignment(const Call& call,
                                                                           const NewRoleAssignment& assignment) = 0;
  // kNotFound unless it is at that scope, which is where the caller was found allowed to delete it.
  virtual Outcome<Committed<Nothing>> delete_role_assignment(const Call& call, const Uuid& assignment,
                                                             const std::string& scope) = 0;
  virtual Outcome<std::vector<roles::RoleAssignment>> list_role_assignments() = 0;

  // --- labels: what is kept beside resources (model/resources.h). These change nothing else; devices and policies
  //     take theirs with their own update. kNotFound, kParentNotFound.
  virtual Outcome<Committed<Nothing>> relabel_namespace(const Call& call, const std::string& name) = 0;
  virtual Outcome<Committed<Nothing>> relabel_credential(const Call& call, const std::string& ns) = 0;
  // The provisioning service is no row of the registry: whoever calls this knows its name.
  virtual Outcome<Committed<Nothing>> relabel_provisioning_service(const Call& call, const std::string& name) = 0;
  // Of resources as audit records spell them ("namespaces/plant/devices/pump"), in their order; empty where there are
  // none. Costs a read by key for each.
  virtual Outcome<std::vector<Labels>> labels_of(const std::vector<std::string>& resources) = 0;

  // --- what became of long-running operations; kept until they expire, the newest 10,000 at most. kNotFound.
  virtual Outcome<Nothing> put_act(const ActRecord& act, UnixMs now) = 0;
  virtual Outcome<ActRecord> find_act(const std::string& id, UnixMs now) = 0;

  // --- what would be, and what will be. They change nothing and leave no audit record.
  // Of an act with that call (Call::override_name, Call::if_match). Reads every device that it concerns. kNotFound,
  // kParentNotFound: what the act is about is not there; other refusals of the act are part of the answer.
  virtual Outcome<Forecast> forecast(const Call& call, const PlannedAct& act, Attendance& attendance,
                                     const ForecastOptions& options) = 0;
  // Reads what is live and expired lately by index, and of that what ends soon or is due: see expiry.h. kNotFound.
  virtual Outcome<ExpiryReport> expiry_report(const ExpiryQuery& query) = 0;
  // The same, by name. Costs what it skips; pages of what ends within N days skip little. kInvalidArgument, kNotFound.
  virtual Outcome<ExpiringPage> expiring_devices(const ExpiringPageQuery& query) = 0;
  // Enrollments that devices prove themselves to with certificates, by id.
  virtual Outcome<std::vector<Enrollment>> certificate_enrollments() = 0;
  // From now on; nullptr: nobody. The observer outlives the registry, or is taken away before it goes.
  virtual void set_observer(Observer* observer) = 0;

  // --- the change feed
  virtual Sequence newest_sequence() = 0;
  // Changes after `after`, in order, at most `limit`. kPreconditionFailed when they were pruned: take a snapshot.
  virtual Outcome<std::vector<Change>> changes_after(Sequence after, std::size_t limit) = 0;
  // Everything that a hub's gate needs, as of one sequence number, in pieces: all anchors of the hub, all devices of
  // its namespace. `visit` is called on this thread.
  virtual Outcome<Sequence> snapshot(const Uuid& hub, const std::function<void(ChangeBody)>& visit) = 0;

  // --- the state as a whole, in rehearsals (else kInvalidArgument): everything but the audit, which goes on, the
  //     settings and the numbering of changes. Afterwards every follower of the feed has to take a snapshot.
  // A copy as of one commit in a new file, 0600; beside the state it holds what else there is now. kAlreadyExists:
  // there is a file at `path`.
  virtual Outcome<Nothing> copy_to(const std::string& path) = 0;
  // The names of the keys that the CAs in such a copy have.
  virtual Outcome<std::vector<std::string>> key_refs_in(const std::string& path) = 0;
  // Makes the state that of the copy. `name` is for the audit. kPreconditionFailed: the copy has another version of the
  // schema. The keys of its CAs are the caller's to put back before, and its hubs the caller's to serve afterwards.
  virtual Outcome<Committed<Nothing>> restore(const Call& call, const std::string& name, const std::string& path) = 0;
  // Empties the state, and removes the settings named `forgotten`. kPreconditionFailed unless `hubs` are the hubs that
  // there are, in order, each as "hub in default": those that the caller makes anew.
  virtual Outcome<Committed<Nothing>> reset(const Call& call, const std::vector<std::string>& hubs,
                                            const std::vector<std::string>& forgotten) = 0;

  // --- audit. Each operation above writes its own record, with what it changed; audit() is for attempts that never
  //     became an operation. Records are never changed or deleted, also when what they speak of is.
  virtual Outcome<Nothing> audit(const Call& call, const std::string& action, const std::string& resource,
                                 const std::string& outcome, const std::string& detail) = 0;
  // Newest first, those with numbers below `before` (0: from the newest); at most 10,000.
  virtual Outcome<std::vector<AuditRecord>> list_audit(std::uint64_t before, std::size_t limit) = 0;
  // Oldest first, those with numbers from `first` on; at most 10,000.
  virtual Outcome<std::vector<AuditRecord>> audit_from(std::uint64_t first, std::size_t limit) = 0;
  virtual Outcome<AuditHead> audit_head() = 0;
  // Walks the whole chain, in pages, so that the writer is not held up: about a second for 250,000 records. `noted`, a
  // head that was put down elsewhere, has to be part of it: only that finds a chain that was rewritten as a whole.
  virtual Outcome<AuditReport> verify_audit(const std::optional<AuditHead>& noted) = 0;

  // Whoever else writes to this registry has changed what edition() speaks of: it goes on.
  virtual void others_changed() = 0;
};

}  // namespace latchkey::registry
