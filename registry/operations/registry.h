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
#include <string>
#include <vector>

#include "registry/model/change.h"
#include "registry/model/refusal.h"
#include "registry/model/resources.h"

namespace latchkey::registry {

// Who asks, and when by the rehearsal's clock. Goes into the audit record.
struct Call {
  std::string actor;
  UnixMs now = 0;
  // What the session that asks showed when it connected. begin_renewal refuses kIdentifierMismatch when it is not the
  // device's any more: a request that was under way when its device was revoked must not bring it back.
  std::optional<DeviceIdentifier> shown = std::nullopt;
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
};

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
};

struct EnrollmentUpdate {
  std::optional<std::string> policy_name;
  std::optional<bool> enabled;
};

struct DeviceUpdate {
  std::optional<bool> enabled;
};

// What is asked for a device that proved itself to `enrollment`.
struct RegistrationRequest {
  std::string registration_id;  // as the device spells it
  Uuid enrollment;
  bool wants_certificate = false;
  Bytes serial;              // fresh, random, of the CA's making; used only if a certificate is issued
  std::string operation_id;  // the answer is kept under it (finish_issuance)
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
  bool initial = true;  // false: this registration id was assigned before
  std::optional<IssuanceGrant> issuance;
};

// A finished or running provisioning operation, kept until `expires` so that any node can answer a poll.
struct Operation {
  std::string id;
  std::string registration_id;
  std::string status;  // "assigning", "assigned", "failed", "disabled"
  Bytes body;          // what provisioning wants to remember (its JSON answer)
  UnixMs expires = 0;
};

struct RevokedSerial {
  Bytes serial;
  UnixMs revoked_at = 0;
};

// What a CA has to put on its next CRL. The number stands for this state of the list: each change takes another one, so
// numbers of published CRLs increase, not always by one (RFC 5280 section 5.2.3).
struct CrlOrder {
  CaCertificate ca;
  std::uint64_t number = 0;            // the CRL's number, above the last one's
  std::vector<RevokedSerial> revoked;  // every unexpired serial; for a root: its revoked issuing CAs
};

struct DevicePage {
  std::vector<Device> devices;
  std::string next;  // give as `after` for the next page; empty at the end
};

// Called on the writer's thread after each commit that added changes; must be quick and must not call back.
using CommitListener = std::function<void(Sequence newest)>;

class Registry {
 public:
  struct Options {
    std::string path;               // of the database file; created 0600 when it is not there
    std::size_t batch_limit = 256;  // operations that share one commit at the most
    bool rehearsal = false;         // allows leaf lifetimes of 1 to 3650 days
  };
  static Outcome<std::unique_ptr<Registry>> open(Options options);
  virtual ~Registry() = default;

  // Stops the writer after what is queued; later mutations answer kShuttingDown.
  virtual void close() = 0;
  virtual void set_commit_listener(CommitListener listener) = 0;

  // --- settings of the data folder: id scope, nonce, "rehearsal" and the like
  virtual Outcome<std::optional<std::string>> setting(const std::string& name) = 0;
  virtual Outcome<Nothing> set_setting(const std::string& name, const std::string& value) = 0;

  // --- namespaces. Name: 3 to 64 of [a-z0-9-], alphanumeric at both ends (kInvalidName).
  virtual Outcome<Committed<Namespace>> create_namespace(const Call& call, const std::string& name) = 0;
  // kNamespaceNotEmpty while it has a credential, a device, an enrollment or a linked hub.
  virtual Outcome<Committed<Nothing>> delete_namespace(const Call& call, const std::string& name) = 0;
  virtual Outcome<Namespace> find_namespace(const std::string& name) = 0;
  virtual Outcome<std::vector<Namespace>> list_namespaces() = 0;

  // --- credential: one per namespace, called "default" (kAlreadyExists, kParentNotFound).
  virtual Outcome<Committed<Credential>> create_credential(const Call& call, const std::string& ns, NewCa root) = 0;
  // kCredentialHasPolicies while a policy exists. Irreversible. Hub certificates are left alone. Answers the root's
  // key_ref, which the caller destroys now.
  virtual Outcome<Committed<std::string>> delete_credential(const Call& call, const std::string& ns) = 0;
  virtual Outcome<Credential> find_credential(const std::string& ns) = 0;
  // Brings the CA certificates of every linked hub up to date with the policies: adds missing ones, removes stale
  // ones of a policy that still exists, never those of a deleted policy. Answers how many were added and removed.
  struct SyncResult {
    int added = 0;
    int removed = 0;
  };
  virtual Outcome<Committed<SyncResult>> sync_credential(const Call& call, const std::string& ns) = 0;

  // --- policies. Name: 3 to 63, [0-9A-Za-z][0-9A-Za-z-]*, compares case-insensitively. Validity 7 to 90 days unless
  //     `rehearsal` allows 1 to 3650. Creation and revocation sync to the linked hubs in the same transaction.
  struct NewPolicy {
    std::string name;
    int validity_days = 30;
    NewCa issuing_ca;
  };
  virtual Outcome<Committed<Policy>> create_policy(const Call& call, const std::string& ns, NewPolicy policy) = 0;
  virtual Outcome<Committed<Policy>> update_policy(const Call& call, const std::string& ns, const std::string& name,
                                                   int validity_days) = 0;
  // The old issuing CA goes on the root's CRL and off every linked hub; the new one replaces it under another hub
  // certificate name. Its subject must differ from the old one's (kInvalidArgument).
  virtual Outcome<Committed<Policy>> revoke_policy(const Call& call, const std::string& ns, const std::string& name,
                                                   NewCa replacement) = 0;
  // No issuance any more; leaves keep working while the hub keeps the CA certificate. Irreversible. Answers the key_ref
  // of the current issuing CA and of its predecessors, which the caller destroys now (their last CRLs stay).
  virtual Outcome<Committed<std::vector<std::string>>> delete_policy(const Call& call, const std::string& ns,
                                                                     const std::string& name) = 0;
  virtual Outcome<Policy> find_policy(const std::string& ns, const std::string& name) = 0;
  virtual Outcome<std::vector<Policy>> list_policies(const std::string& ns) = 0;

  // --- CAs
  virtual Outcome<CaCertificate> find_ca(const Uuid& id) = 0;
  virtual Outcome<std::vector<CaCertificate>> list_cas() = 0;
  // CAs whose list changed since their last CRL and whose key still exists.
  virtual Outcome<std::vector<CrlOrder>> due_crls(UnixMs now) = 0;
  // Makes the list of one CA due and answers it: its last CRL runs out soon, or the file is lost. Takes a new number as
  // every change of the list does. kNotFound when there is no such CA or its key was destroyed.
  virtual Outcome<CrlOrder> crl_order(const Uuid& ca, UnixMs now) = 0;
  // The CRL with that number, of an order from here, is on disk. Leaves crl_due set if the list changed meanwhile.
  virtual Outcome<Nothing> crl_published(const Uuid& ca, std::uint64_t number, std::size_t entries) = 0;

  // --- devices
  virtual Outcome<Committed<Device>> create_device(const Call& call, const std::string& ns, const std::string& id) = 0;
  virtual Outcome<Committed<Device>> update_device(const Call& call, const std::string& ns, const std::string& id,
                                                   const DeviceUpdate& update) = 0;
  // Rotates the credential id and marks every certificate ever issued to the device revoked. disable=true also
  // disables; disable=false does not enable. Succeeds on a disabled device; each call rotates again. Irreversible.
  virtual Outcome<Committed<Device>> revoke_device(const Call& call, const std::string& ns, const std::string& id,
                                                   bool disable) = 0;
  // Its certificates stay dead also when a device of that id is created again (new uuid).
  virtual Outcome<Committed<Nothing>> delete_device(const Call& call, const std::string& ns, const std::string& id) = 0;
  virtual Outcome<Device> find_device(const std::string& ns, const std::string& id) = 0;
  virtual Outcome<DevicePage> list_devices(const std::string& ns, const std::string& after, std::size_t limit) = 0;
  virtual Outcome<std::vector<IssuedCertificate>> list_certificates(const std::string& ns,
                                                                    const std::string& device) = 0;

  // --- enrollments. Ids compare case-insensitively; a policy that is named must exist at creation and update.
  virtual Outcome<Committed<Enrollment>> create_enrollment(const Call& call, NewEnrollment enrollment) = 0;
  virtual Outcome<Committed<Enrollment>> update_enrollment(const Call& call, const std::string& id, bool group,
                                                           const EnrollmentUpdate& update) = 0;
  virtual Outcome<Committed<Nothing>> delete_enrollment(const Call& call, const std::string& id, bool group) = 0;
  virtual Outcome<Enrollment> find_enrollment(const std::string& id, bool group) = 0;
  virtual Outcome<std::vector<Enrollment>> list_enrollments() = 0;

  // --- hubs
  virtual Outcome<Committed<Hub>> create_hub(const Call& call, const std::string& ns, const std::string& name,
                                             const std::string& host) = 0;
  virtual Outcome<Committed<Hub>> update_hub_host(const Call& call, const std::string& name,
                                                  const std::string& host) = 0;
  virtual Outcome<Hub> find_hub(const std::string& name) = 0;
  virtual Outcome<std::vector<Hub>> list_hubs() = 0;
  virtual Outcome<std::vector<HubCertificate>> list_hub_certificates(const std::string& hub) = 0;
  // Retires every leaf below that CA on this hub.
  virtual Outcome<Committed<Nothing>> delete_hub_certificate(const Call& call, const std::string& hub,
                                                             const std::string& name) = 0;

  // --- provisioning and issuance
  // Assigns a hub to a device that proved itself: creates the device on first use (its id is the first spelling),
  // points it at the enrollment's policy and, if a certificate is wanted and the enrollment names a policy, reserves
  // the serial. Refusals: kEnrollmentNotFound, kEnrollmentDisabled, kDeviceDisabled, kPolicyMissing, kNoHub.
  // A device whose enrollment is individual and names a device_id gets that id.
  virtual Outcome<Committed<RegistrationGrant>> register_device(const Call& call,
                                                                const RegistrationRequest& request) = 0;
  // Renewal of a connected device: by its own policy. Refusals: kDeviceUnknown, kDeviceDisabled, kPolicyMissing,
  // kEnrollmentDisabled (its registration's enrollment exists and is disabled; a deleted enrollment still renews),
  // kNotConfigured (never had a policy).
  virtual Outcome<Committed<IssuanceGrant>> begin_renewal(const Call& call, const std::string& ns,
                                                          const std::string& device_id, const Bytes& serial) = 0;
  // The certificate was signed: its row becomes issued (or revoked, if the device was revoked meanwhile).
  virtual Outcome<Committed<Nothing>> finish_issuance(const Call& call, const Bytes& serial) = 0;
  virtual Outcome<Nothing> put_operation(const Operation& operation) = 0;  // also prunes expired ones
  virtual Outcome<Operation> find_operation(const std::string& id) = 0;
  virtual Outcome<Registration> find_registration(const std::string& registration_id) = 0;
  virtual Outcome<std::vector<Registration>> list_registrations() = 0;

  // --- the change feed
  virtual Sequence newest_sequence() = 0;
  // Changes after `after`, in order, at most `limit`. kPreconditionFailed when they were pruned: take a snapshot.
  virtual Outcome<std::vector<Change>> changes_after(Sequence after, std::size_t limit) = 0;
  // Everything that a hub's gate needs, as of one sequence number, in pieces: all anchors of the hub, all devices of
  // its namespace. `visit` is called on this thread.
  virtual Outcome<Sequence> snapshot(const Uuid& hub, const std::function<void(ChangeBody)>& visit) = 0;

  // --- audit. Newest first when `after` is 0.
  virtual Outcome<Nothing> audit(const Call& call, const std::string& action, const std::string& resource,
                                 const std::string& outcome, const std::string& detail) = 0;
  virtual Outcome<std::vector<AuditRecord>> list_audit(std::uint64_t before, std::size_t limit) = 0;
};

}  // namespace latchkey::registry
