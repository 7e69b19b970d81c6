// SPDX-License-Identifier: Apache-2.0
// SqlRegistry: Registry on a database. Each operation is a rule that runs on the writer's thread in a savepoint; this
// header has the frame around them: audit, change feed and sequence number. The rules stand in the .cpp files, one
// for each noun.
#pragma once

#include <atomic>

#include "registry/operations/registry.h"
#include "registry/operations/rows.h"
#include "registry/store/readers.h"
#include "registry/store/writer.h"

namespace latchkey::registry {

// What a rule has at hand. Valid during the rule only.
struct Act {
  store::Transaction& transaction;
  store::Database& db;
  const Call& call;
  std::string note;  // detail of the audit record when the rule succeeds; no secrets
  AuditFacts before = {};
  AuditFacts after = {};
  std::string_view action = {};
  Faults* faults = nullptr;

  // A fact that the act changed and the portrait of its resource does not show (store/portrait.h); no secrets.
  void changed(const std::string& name, std::string was, std::string is) {
    before.push_back({name, std::move(was)});
    after.push_back({name, std::move(is)});
  }
  UnixMs now() const { return call.now; }
  Outcome<Nothing> change(const ChangeBody& body) { return transaction.change(body); }
};

// What is being tried, for the audit record.
struct Attempt {
  std::string_view action;
  std::string resource;
  // The rule says all that changed (Act::changed), in the portrait's words; no portrait is read. For what happens
  // often.
  bool told_by_rule = false;
  // Nothing changes that a device's proof is held against: Registry::edition() stays. Nor an enrollment, a policy, a CA
  // or a hub in any other way: what is known of them stays (store/memo.h). For what devices do by themselves.
  bool leaves_enrollments = false;
};

// What the audit will say of that attempt; `changed` as differences() has it.
AuditRecord record_of(const Call& call, const Attempt& attempt, std::string outcome, std::string detail,
                      std::pair<std::string, std::string> changed);
// kPreconditionFailed unless the call takes a resource of that entity tag.
Outcome<Nothing> check_etag(const Act& act, const std::string& etag);
// The act went through: keeps what the call says of its resource's labels, or forgets those of one that is deleted.
Outcome<Nothing> keep_labels(Act& act, const Attempt& attempt);

class SqlRegistry final : public Registry, public RowKeeper {
 public:
  // As Registry::open; `hooks` are for tests, its batch_limit is taken from `options`.
  static Outcome<std::unique_ptr<SqlRegistry>> open_with(Options options, const ports::Digest& digest,
                                                         store::Writer::Options hooks);
  ~SqlRegistry() override;

  std::uint64_t commits() const { return writer_->commits(); }

  void close() override;
  void set_commit_listener(CommitListener listener) override;
  std::uint64_t edition() const override { return writer_->edition(); }
  void others_changed() override { writer_->others_touched(); }
  Outcome<std::optional<std::string>> setting(const std::string& name) override;
  Outcome<Nothing> set_setting(const std::string& name, const std::string& value) override;
  Outcome<Committed<Namespace>> create_namespace(const Call& call, const std::string& name) override;
  Outcome<Committed<Nothing>> delete_namespace(const Call& call, const std::string& name) override;
  Outcome<Namespace> find_namespace(const std::string& name) override;
  Outcome<std::vector<Namespace>> list_namespaces() override;
  Outcome<Committed<Credential>> create_credential(const Call& call, const std::string& ns, NewCa root) override;
  Outcome<Committed<Nothing>> delete_credential(const Call& call, const std::string& ns) override;
  Outcome<Credential> find_credential(const std::string& ns) override;
  Outcome<Committed<SyncResult>> sync_credential(const Call& call, const std::string& ns) override;
  Outcome<Committed<Policy>> create_policy(const Call& call, const std::string& ns, NewPolicy policy) override;
  Outcome<Committed<Policy>> update_policy(const Call& call, const std::string& ns, const std::string& name,
                                           std::optional<int> validity_days) override;
  Outcome<Committed<Policy>> revoke_policy(const Call& call, const std::string& ns, const std::string& name,
                                           NewCa replacement) override;
  Outcome<Committed<Nothing>> delete_policy(const Call& call, const std::string& ns, const std::string& name) override;
  Outcome<Policy> find_policy(const std::string& ns, const std::string& name) override;
  Outcome<std::vector<Policy>> list_policies(const std::string& ns) override;
  Outcome<Committed<Policy>> create_own_root_policy(const Call& call, const std::string& ns,
                                                    NewOwnRootPolicy policy) override;
  Outcome<Committed<Policy>> activate_policy(const Call& call, const std::string& ns, const std::string& name,
                                             SignedCa ca) override;
  Outcome<Committed<Policy>> request_renewal(const Call& call, const std::string& ns, const std::string& name,
                                             NewCsr request) override;
  Outcome<Committed<Policy>> rotate_own_root(const Call& call, const std::string& ns, const std::string& name,
                                             NewCsr request) override;
  Outcome<std::optional<CaCertificate>> pending_ca(const Uuid& policy) override;
  Outcome<std::vector<DueRenewal>> due_renewals(UnixMs now) override;
  Outcome<CaCertificate> find_ca(const Uuid& id) override;
  Outcome<std::vector<CaCertificate>> list_cas() override;
  Outcome<std::vector<CrlOrder>> due_crls(UnixMs now) override;
  Outcome<CrlOrder> crl_order(const Uuid& ca, UnixMs now) override;
  Outcome<Nothing> crl_published(const Uuid& ca, std::uint64_t number, std::size_t entries) override;
  Outcome<Nothing> ca_ended(const Uuid& ca, std::uint64_t number) override;
  Outcome<StandingReport> standing(const Uuid& issuer, const std::vector<Bytes>& serials) override;
  Outcome<Committed<Device>> create_device(const Call& call, const std::string& ns, const std::string& id,
                                           const DeviceUpdate& initial = {}) override;
  Outcome<Committed<std::vector<Outcome<Device>>>> create_devices(const Call& call, const std::string& ns,
                                                                  std::span<const NewDevice> devices) override;
  Outcome<Committed<Device>> update_device(const Call& call, const std::string& ns, const std::string& id,
                                           const DeviceUpdate& update) override;
  Outcome<Committed<Device>> revoke_device(const Call& call, const std::string& ns, const std::string& id,
                                           bool disable) override;
  Outcome<Committed<Nothing>> delete_device(const Call& call, const std::string& ns, const std::string& id) override;
  Outcome<Device> find_device(const std::string& ns, const std::string& id) override;
  Outcome<DevicePage> list_devices(const std::string& ns, const std::string& after, std::size_t limit) override;
  Outcome<DeviceCounts> count_devices(const std::string& ns) override;
  Outcome<std::vector<IssuedCertificate>> list_certificates(const std::string& ns, const std::string& device) override;
  Outcome<Twin> find_twin(const std::string& ns, const std::string& device) override;
  Outcome<Committed<Nothing>> put_twin(const Call& call, const std::string& ns, const Twin& before,
                                       const Twin& twin) override;
  Outcome<Nothing> report_twin(const Call& call, const Twin& before, const Twin& twin) override;
  Outcome<Committed<Message>> enqueue_message(const Call& call, const std::string& ns, const std::string& device,
                                              const NewMessage& message) override;
  Outcome<std::vector<Message>> list_messages(const std::string& ns, const std::string& device, UnixMs now) override;
  Outcome<Committed<std::uint64_t>> purge_messages(const Call& call, const std::string& ns,
                                                   const std::string& device) override;
  Outcome<bool> has_messages(const Uuid& device) override;
  Outcome<std::vector<Message>> waiting_messages(const Uuid& device, UnixMs now) override;
  Outcome<Nothing> messages_sent(const MessageRecipient& recipient, const std::vector<std::uint64_t>& numbers,
                                 UnixMs now) override;
  Outcome<Nothing> messages_settled(MessageNews news, UnixMs now) override;
  Outcome<Committed<Enrollment>> create_enrollment(const Call& call, NewEnrollment enrollment) override;
  Outcome<Committed<Enrollment>> update_enrollment(const Call& call, const std::string& id, bool group,
                                                   const EnrollmentUpdate& update) override;
  Outcome<Committed<Enrollment>> replace_enrollment(const Call& call, NewEnrollment enrollment) override;
  Outcome<Committed<Nothing>> delete_enrollment(const Call& call, const std::string& id, bool group) override;
  Outcome<Enrollment> find_enrollment(const std::string& id, bool group) override;
  Outcome<Enrollment> find_enrollment_by_uuid(const Uuid& uuid) override;
  Outcome<std::vector<Enrollment>> list_enrollments() override;
  Outcome<EnrollmentPage> enrollments_after(bool group, const std::string& after, std::size_t limit) override;
  Outcome<std::optional<EnrollmentGroups>> groups_unless(std::optional<std::uint64_t> known) override;
  using Registry::create_hub;
  Outcome<Committed<Hub>> create_hub(const Call& call, const NewHub& hub) override;
  Outcome<Committed<Hub>> update_hub(const Call& call, const std::string& name, const HubUpdate& update) override;
  Outcome<Committed<Nothing>> delete_hub(const Call& call, const std::string& name) override;
  Outcome<Hub> find_hub(const std::string& name) override;
  Outcome<std::vector<Hub>> list_hubs() override;
  Outcome<std::vector<HubCertificate>> list_hub_certificates(const std::string& hub) override;
  Outcome<Committed<Nothing>> delete_hub_certificate(const Call& call, const std::string& hub,
                                                     const std::string& name) override;
  Outcome<Committed<RegistrationGrant>> register_device(const Call& call, const RegistrationRequest& request) override;
  Outcome<Committed<IssuanceGrant>> begin_renewal(const Call& call, const std::string& ns, const std::string& device_id,
                                                  const Bytes& serial) override;
  Outcome<Committed<Nothing>> finish_issuance(const Call& call, const Bytes& serial,
                                              const std::optional<Operation>& answer = std::nullopt) override;
  Outcome<Nothing> put_operation(const Operation& operation) override;
  Outcome<Operation> find_operation(const std::string& id) override;
  Outcome<Registration> find_registration(const std::string& registration_id) override;
  Outcome<std::vector<Registration>> list_registrations() override;
  Outcome<RegistrationPage> registrations_after(const Uuid& enrollment, const std::string& after,
                                                std::size_t limit) override;
  Outcome<Committed<Nothing>> delete_registration(const Call& call, const std::string& registration_id) override;
  Outcome<Committed<roles::Principal>> create_principal(const Call& call, const NewPrincipal& principal) override;
  Outcome<Committed<roles::Principal>> revoke_principal(const Call& call, const std::string& name) override;
  Outcome<Committed<Nothing>> delete_principal(const Call& call, const std::string& name) override;
  Outcome<roles::Principal> find_principal(const std::string& name) override;
  Outcome<std::vector<roles::Principal>> list_principals() override;
  Outcome<Rights> rights_of(const Uuid& principal) override;
  Outcome<Committed<roles::RoleDefinition>> create_role_definition(const Call& call,
                                                                   roles::RoleDefinition role) override;
  Outcome<Committed<Nothing>> delete_role_definition(const Call& call, const std::string& role) override;
  Outcome<roles::RoleDefinition> find_role_definition(const std::string& role) override;
  Outcome<std::vector<roles::RoleDefinition>> list_role_definitions() override;
  Outcome<Committed<roles::RoleAssignment>> create_role_assignment(const Call& call,
                                                                   const NewRoleAssignment& assignment) override;
  Outcome<Committed<Nothing>> delete_role_assignment(const Call& call, const Uuid& assignment,
                                                     const std::string& scope) override;
  Outcome<std::vector<roles::RoleAssignment>> list_role_assignments() override;
  Outcome<Committed<Nothing>> relabel_namespace(const Call& call, const std::string& name) override;
  Outcome<Committed<Nothing>> relabel_credential(const Call& call, const std::string& ns) override;
  Outcome<Committed<Nothing>> relabel_provisioning_service(const Call& call, const std::string& name) override;
  Outcome<std::vector<Labels>> labels_of(const std::vector<std::string>& resources) override;
  Outcome<Nothing> put_act(const ActRecord& act, UnixMs now) override;
  Outcome<ActRecord> find_act(const std::string& id, UnixMs now) override;
  Outcome<Forecast> forecast(const Call& call, const PlannedAct& act, Attendance& attendance,
                             const ForecastOptions& options) override;
  Outcome<ExpiryReport> expiry_report(const ExpiryQuery& query) override;
  Outcome<ExpiringPage> expiring_devices(const ExpiringPageQuery& query) override;
  Outcome<std::vector<Enrollment>> certificate_enrollments() override;
  void set_observer(Observer* observer) override;
  Sequence newest_sequence() override;
  Outcome<std::vector<Change>> changes_after(Sequence after, std::size_t limit) override;
  Outcome<Sequence> snapshot(const Uuid& hub, const std::function<void(ChangeBody)>& visit) override;
  Outcome<Nothing> copy_to(const std::string& path) override;
  Outcome<std::vector<std::string>> key_refs_in(const std::string& path) override;
  Outcome<Committed<Nothing>> restore(const Call& call, const std::string& name, const std::string& path) override;
  Outcome<Committed<Nothing>> reset(const Call& call, const std::vector<std::string>& hubs,
                                    const std::vector<std::string>& forgotten) override;
  Outcome<Nothing> audit(const Call& call, const std::string& action, const std::string& resource,
                         const std::string& outcome, const std::string& detail) override;
  Outcome<std::vector<AuditRecord>> list_audit(std::uint64_t before, std::size_t limit) override;
  Outcome<std::vector<AuditRecord>> audit_from(std::uint64_t first, std::size_t limit) override;
  Outcome<AuditHead> audit_head() override;
  Outcome<AuditReport> verify_audit(const std::optional<AuditHead>& noted) override;

  Outcome<Nothing> attempt(const Call& call, std::string_view action, const std::string& resource,
                           const std::function<Outcome<Nothing>(RowAct&)>& rule) override;
  Outcome<Nothing> keep_rows(const std::function<Outcome<Nothing>(store::Database&)>& rule) override;
  Outcome<Nothing> look(const std::function<Outcome<Nothing>(store::Database&)>& look) override;

 private:
  SqlRegistry(Options options, const ports::Digest& digest, std::unique_ptr<store::Writer> writer);

  // Runs a rule as one operation. Its audit record is written with it, or, when it refuses, instead of it.
  template <class T>
  Outcome<Committed<T>> mutate(const Call& call, const Attempt& attempt, const std::function<Outcome<T>(Act&)>& rule) {
    Committed<T> committed;
    LATCHKEY_TRY(sequence, run(call, attempt, [&](Act& act) -> Outcome<Nothing> {
                   LATCHKEY_TRY(value, rule(act));
                   committed.value = std::move(value);
                   return Nothing{};
                 }));
    committed.sequence = sequence;
    return committed;
  }
  Outcome<Sequence> run(const Call& call, const Attempt& attempt, const std::function<Outcome<Nothing>(Act&)>& rule);

  // The same for a call with a trial: nothing is kept of it.
  Outcome<Sequence> try_out(const Call& call, const Attempt& attempt,
                            const std::function<Outcome<Nothing>(Act&)>& rule);
  Outcome<Nothing> run_planned(const Call& call, const PlannedAct& act);

  // One commit of create_devices.
  Outcome<Sequence> create_together(const Call& call, const std::string& ns, std::span<const NewDevice> devices,
                                    std::vector<Outcome<Device>>& made);

  // Stores an operation, and removes those that have expired, at most once a second.
  Outcome<Nothing> store_operation(store::Database& db, const Operation& operation, UnixMs now);

  // A write that is no operation of anybody's: bookkeeping of the hub process, not audited.
  Outcome<Nothing> keep(const std::function<Outcome<Nothing>(store::Database&)>& rule);

  template <class T>
  Outcome<T> read(const std::function<Outcome<T>(store::Database&)>& look) {
    LATCHKEY_TRY(view, readers_.view());
    return look(*view);
  }

  const Options options_;
  const ports::Digest& digest_;
  UnixMs pruned_at_ = 0;              // operations; the writer's thread alone
  std::atomic<UnixMs> last_now_ = 0;  // of the newest call: the only notion of time that the registry has

  std::atomic<Observer*> observer_ = nullptr;

  // The writer's connection closes last: only it can tidy up the write-ahead log.
  std::unique_ptr<store::Writer> writer_;
  store::Readers readers_;
};

}  // namespace latchkey::registry
