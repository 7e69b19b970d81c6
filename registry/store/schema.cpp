// SPDX-License-Identifier: Apache-2.0
#include "registry/store/schema.h"

#include <algorithm>
#include <string_view>

namespace latchkey::registry::store {
namespace {

// Step 1. What is behind the indexes:
//  - a device revoke finds the device's live certificates without reading its old ones (certificates_of_device);
//  - a policy revoke touches one policy, two CAs and the linked hubs, however many devices there are: leaves below a
//    revoked issuing CA are dead because their CA is, so no row of theirs changes;
//  - devices are counted from indexes: their own, and the few that are disabled from theirs (devices_disabled);
//  - publishing CRLs reads only CAs that are due (cas_due) and serials that are revoked (certificates_revoked).
// A deleted policy stays as a row with `deleted` set: its number is never given again, and devices and certificates
// may still name it. CAs are never deleted: their last CRLs are published until they expire.
// Rows without foreign key keep a uuid of something that may be gone: certificates outlive their device,
// registrations their enrollment.
// Numbers of changes and audit records are INTEGER PRIMARY KEY, which is SQLite's way to say BIGINT without a tree of
// its own; enrollments are unique by kind first, so that pages of groups do not walk over a million individual ones.
constexpr char kStep1[] = R"sql(
CREATE TABLE schema_version (version BIGINT NOT NULL);
INSERT INTO schema_version (version) VALUES (0);

CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
INSERT INTO counters (name, value) VALUES ('change', 0);

CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE namespaces (
  uuid BYTEA PRIMARY KEY, name TEXT NOT NULL UNIQUE, created BIGINT NOT NULL);

CREATE TABLE cas (
  id BYTEA PRIMARY KEY, kind SMALLINT NOT NULL, status SMALLINT NOT NULL, owner BYTEA NOT NULL, issuer BYTEA NOT NULL,
  subject TEXT NOT NULL, serial BYTEA NOT NULL, not_before BIGINT NOT NULL, not_after BIGINT NOT NULL,
  der BYTEA NOT NULL, key_ref TEXT NOT NULL, revoked_at BIGINT NOT NULL,
  crl_number BIGINT NOT NULL, crl_wanted BIGINT NOT NULL);
CREATE INDEX cas_of_owner ON cas (owner);
CREATE INDEX cas_of_issuer ON cas (issuer);
CREATE INDEX cas_due ON cas (id) WHERE crl_wanted > crl_number;

CREATE TABLE credentials (
  uuid BYTEA PRIMARY KEY, namespace BYTEA NOT NULL UNIQUE REFERENCES namespaces (uuid),
  ca BYTEA NOT NULL REFERENCES cas (id), key_profile SMALLINT NOT NULL, created BIGINT NOT NULL);

CREATE TABLE policies (
  uuid BYTEA PRIMARY KEY, namespace BYTEA NOT NULL REFERENCES namespaces (uuid), name TEXT NOT NULL,
  folded_name TEXT NOT NULL, validity_days BIGINT NOT NULL, ca BYTEA NOT NULL REFERENCES cas (id),
  key_profile SMALLINT NOT NULL, number BIGINT NOT NULL, created BIGINT NOT NULL, deleted BIGINT NOT NULL,
  UNIQUE (namespace, number));
CREATE UNIQUE INDEX policies_by_name ON policies (namespace, folded_name) WHERE deleted = 0;

CREATE TABLE devices (
  uuid BYTEA PRIMARY KEY, namespace BYTEA NOT NULL REFERENCES namespaces (uuid), id TEXT NOT NULL,
  credential_id BYTEA NOT NULL, enabled SMALLINT NOT NULL, policy BYTEA, registration_id TEXT NOT NULL,
  version BIGINT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL, last_revoked BIGINT NOT NULL,
  UNIQUE (namespace, id));
CREATE INDEX devices_disabled ON devices (namespace, enabled) WHERE enabled = 0;

CREATE TABLE enrollments (
  uuid BYTEA PRIMARY KEY, is_group SMALLINT NOT NULL, id TEXT NOT NULL, folded_id TEXT NOT NULL,
  namespace BYTEA NOT NULL REFERENCES namespaces (uuid), attestation SMALLINT NOT NULL, primary_proof BYTEA NOT NULL,
  secondary_proof BYTEA NOT NULL, policy_name TEXT NOT NULL, enabled SMALLINT NOT NULL, device_id TEXT NOT NULL,
  created BIGINT NOT NULL, updated BIGINT NOT NULL,
  UNIQUE (is_group, folded_id));
CREATE INDEX enrollments_of_namespace ON enrollments (namespace);

CREATE TABLE hubs (
  uuid BYTEA PRIMARY KEY, name TEXT NOT NULL, folded_name TEXT NOT NULL UNIQUE,
  namespace BYTEA NOT NULL REFERENCES namespaces (uuid), host TEXT NOT NULL, created BIGINT NOT NULL);
CREATE INDEX hubs_of_namespace ON hubs (namespace);

CREATE TABLE hub_certificates (
  hub BYTEA NOT NULL REFERENCES hubs (uuid), name TEXT NOT NULL, ca BYTEA NOT NULL REFERENCES cas (id),
  policy BYTEA, created BIGINT NOT NULL,
  PRIMARY KEY (hub, name), UNIQUE (hub, ca));

CREATE TABLE registrations (
  folded_id TEXT PRIMARY KEY, registration_id TEXT NOT NULL, enrollment BYTEA NOT NULL,
  namespace BYTEA NOT NULL REFERENCES namespaces (uuid), device_id TEXT NOT NULL, hub BYTEA NOT NULL REFERENCES hubs (uuid),
  created BIGINT NOT NULL, updated BIGINT NOT NULL);

CREATE TABLE operations (
  id TEXT PRIMARY KEY, registration_id TEXT NOT NULL, status TEXT NOT NULL, body BYTEA NOT NULL, expires BIGINT NOT NULL);
CREATE INDEX operations_by_expiry ON operations (expires);

CREATE TABLE certificates (
  serial BYTEA PRIMARY KEY, device BYTEA NOT NULL, device_id TEXT NOT NULL, policy BYTEA NOT NULL,
  ca BYTEA NOT NULL REFERENCES cas (id), credential_id BYTEA NOT NULL, not_before BIGINT NOT NULL,
  not_after BIGINT NOT NULL, status SMALLINT NOT NULL, reserved_at BIGINT NOT NULL, issued_at BIGINT NOT NULL,
  revoked_at BIGINT NOT NULL);
CREATE INDEX certificates_of_device ON certificates (device, status, not_after);
CREATE INDEX certificates_revoked ON certificates (ca, not_after) WHERE status = 3;

CREATE TABLE changes (
  sequence INTEGER PRIMARY KEY, kind SMALLINT NOT NULL, scope BYTEA NOT NULL, id TEXT, uuid BYTEA, credential_id BYTEA,
  enabled SMALLINT, policy_number BIGINT, der BYTEA);

CREATE TABLE audit (
  number INTEGER PRIMARY KEY, at BIGINT NOT NULL, actor TEXT NOT NULL, source TEXT NOT NULL, action TEXT NOT NULL,
  resource TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
  hash BYTEA NOT NULL);
CREATE TABLE audit_head (count BIGINT NOT NULL, hash BYTEA NOT NULL);
INSERT INTO audit_head (count, hash) VALUES (0, zeroblob(32));
)sql";

// Keeps the audit append-only against mistakes, REPLACE included; whoever may write the database can drop it, which is
// what the hashes are for (docs/audit.md). Belongs to step 1. Triggers are the one thing that each database wants in
// words of its own.
constexpr char kSqliteGuards[] = R"sql(
CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit records are never changed'); END;
CREATE TRIGGER audit_never_shrinks BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit records are never deleted'); END;
CREATE TRIGGER audit_only_grows BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE number >= NEW.number)
BEGIN SELECT RAISE(ABORT, 'audit records are only appended'); END;
CREATE TRIGGER audit_head_is_one BEFORE INSERT ON audit_head
BEGIN SELECT RAISE(ABORT, 'the audit has one head'); END;
CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
BEGIN SELECT RAISE(ABORT, 'the head of the audit is never deleted'); END;
CREATE TRIGGER audit_head_goes_on BEFORE UPDATE ON audit_head WHEN NEW.count <= OLD.count
BEGIN SELECT RAISE(ABORT, 'the head of the audit never goes back'); END;
)sql";

constexpr char kPostgresGuards[] = R"sql(
CREATE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF EXISTS (SELECT 1 FROM audit WHERE number >= NEW.number) THEN
      RAISE EXCEPTION 'audit records are only appended';
    END IF;
    RETURN NEW;
  END IF;
  IF TG_OP = 'UPDATE' THEN RAISE EXCEPTION 'audit records are never changed'; END IF;
  RAISE EXCEPTION 'audit records are never deleted';
END $$;
CREATE TRIGGER audit_guard BEFORE INSERT OR UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_guard();
CREATE TRIGGER audit_never_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_guard();

CREATE FUNCTION audit_head_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN RAISE EXCEPTION 'the audit has one head'; END IF;
  IF TG_OP <> 'UPDATE' THEN RAISE EXCEPTION 'the head of the audit is never deleted'; END IF;
  IF NEW.count <= OLD.count THEN RAISE EXCEPTION 'the head of the audit never goes back'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER audit_head_guard BEFORE INSERT OR UPDATE OR DELETE ON audit_head
FOR EACH ROW EXECUTE FUNCTION audit_head_guard();
CREATE TRIGGER audit_head_never_emptied BEFORE TRUNCATE ON audit_head
FOR EACH STATEMENT EXECUTE FUNCTION audit_head_guard();
)sql";

// Step 2. Why something was revoked (RFC 5280 section 5.3.1). What was revoked before says 0: nobody kept a reason.
constexpr char kStep2[] = R"sql(
ALTER TABLE certificates ADD COLUMN reason SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE cas ADD COLUMN reason SMALLINT NOT NULL DEFAULT 0;
)sql";

// Step 3. Twins: JSON documents that are text here. A row is made by the first change, and goes with its device.
constexpr char kStep3[] = R"sql(
CREATE TABLE twins (
  device BYTEA PRIMARY KEY REFERENCES devices (uuid) ON DELETE CASCADE, tags TEXT NOT NULL, desired TEXT NOT NULL,
  reported TEXT NOT NULL, revision BIGINT NOT NULL, desired_version BIGINT NOT NULL, reported_version BIGINT NOT NULL,
  version BIGINT NOT NULL, updated BIGINT NOT NULL);
)sql";

// Step 4. Policies whose issuing CA is signed elsewhere. While it is not, its row in cas has status 4, a key and a CSR,
// but neither certificate nor list.
constexpr char kStep4[] = R"sql(
ALTER TABLE policies ADD COLUMN own_root SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE cas ADD COLUMN csr BYTEA NOT NULL DEFAULT x'';
ALTER TABLE cas ADD COLUMN root BYTEA NOT NULL DEFAULT x'';
)sql";

// Step 5. Principals, custom roles and assignments; built-in roles are no rows. Patterns and scopes have no line ends
// in them, so that a list is one text with a line for each. An assignment goes with its principal.
constexpr char kStep5[] = R"sql(
CREATE TABLE principals (
  uuid BYTEA PRIMARY KEY, name TEXT NOT NULL, folded_name TEXT NOT NULL UNIQUE, digest BYTEA NOT NULL UNIQUE,
  created BIGINT NOT NULL, expires BIGINT NOT NULL, revoked BIGINT NOT NULL);

CREATE TABLE role_definitions (
  uuid BYTEA PRIMARY KEY, name TEXT NOT NULL, folded_name TEXT NOT NULL UNIQUE, description TEXT NOT NULL,
  actions TEXT NOT NULL, not_actions TEXT NOT NULL, data_actions TEXT NOT NULL, not_data_actions TEXT NOT NULL,
  assignable_scopes TEXT NOT NULL, created BIGINT NOT NULL);

CREATE TABLE role_assignments (
  uuid BYTEA PRIMARY KEY, principal BYTEA NOT NULL REFERENCES principals (uuid) ON DELETE CASCADE,
  role BYTEA NOT NULL, scope TEXT NOT NULL, folded_scope TEXT NOT NULL, created BIGINT NOT NULL,
  UNIQUE (principal, role, folded_scope));
CREATE INDEX role_assignments_of_role ON role_assignments (role);
)sql";

// Step 6. Several hubs: where each listens, its declared latency, and which of them an enrollment assigns. Names of
// hubs have no line ends in them, so that a list is one text with a line for each.
constexpr char kStep6[] = R"sql(
ALTER TABLE hubs ADD COLUMN listen TEXT NOT NULL DEFAULT '';
ALTER TABLE hubs ADD COLUMN latency_ms BIGINT;
ALTER TABLE enrollments ADD COLUMN allocation SMALLINT NOT NULL DEFAULT 1;
ALTER TABLE enrollments ADD COLUMN hubs TEXT NOT NULL DEFAULT '';
ALTER TABLE enrollments ADD COLUMN moves SMALLINT NOT NULL DEFAULT 1;
ALTER TABLE enrollments ADD COLUMN migrates SMALLINT NOT NULL DEFAULT 1;
ALTER TABLE registrations ADD COLUMN substatus SMALLINT NOT NULL DEFAULT 1;
CREATE INDEX registrations_of_hub ON registrations (hub);
CREATE INDEX registrations_of_enrollment ON registrations (enrollment, folded_id);
)sql";

// Step 7. What Azure Resource Manager keeps beside resources, by the paths of audit records; and what became of its
// long-running operations, of which only the newest are kept.
constexpr char kStep7[] = R"sql(
CREATE TABLE labels (
  resource TEXT PRIMARY KEY, location TEXT NOT NULL, tags TEXT NOT NULL, extra TEXT NOT NULL, created_by TEXT NOT NULL,
  created BIGINT NOT NULL, modified_by TEXT NOT NULL, modified BIGINT NOT NULL);

CREATE TABLE acts (number BIGINT PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL, expires BIGINT NOT NULL);
CREATE INDEX acts_by_expiry ON acts (expires);
)sql";

// Step 8. What ends when. Forecasts and expiry reports filter by what stands in the index, and read rows for hits
// alone.
constexpr char kStep8[] = R"sql(
CREATE INDEX certificates_by_end ON certificates (not_after, ca, not_before, device) WHERE status = 2;
CREATE INDEX enrollments_by_certificate ON enrollments (is_group, folded_id) WHERE attestation = 2;
)sql";

// Step 9. Cloud-to-device messages; connection 0 is none: it waits.
constexpr char kStep9[] = R"sql(
CREATE TABLE messages (
  number BIGINT PRIMARY KEY, device BYTEA NOT NULL REFERENCES devices (uuid) ON DELETE CASCADE, id TEXT NOT NULL,
  bag TEXT NOT NULL, payload BYTEA NOT NULL, enqueued BIGINT NOT NULL, expires BIGINT NOT NULL,
  deliveries BIGINT NOT NULL, connection BIGINT NOT NULL, kept SMALLINT NOT NULL, sent BIGINT NOT NULL);
CREATE INDEX messages_of_device ON messages (device, number);
CREATE INDEX messages_by_expiry ON messages (expires);
)sql";

// Step 10. The twin that an enrollment's devices begin with.
constexpr char kStep10[] = R"sql(
ALTER TABLE enrollments ADD COLUMN initial_tags TEXT NOT NULL DEFAULT '';
ALTER TABLE enrollments ADD COLUMN initial_desired TEXT NOT NULL DEFAULT '';
)sql";

// Step 11. All that is asked of a device's certificates stands in their index: what looks at every device reads no rows
// of certificates, which lie in the order of issuance.
constexpr char kStep11[] = R"sql(
DROP INDEX certificates_of_device;
CREATE INDEX certificates_of_device ON certificates (
  device, status, not_after, serial, credential_id, ca, not_before, issued_at, policy);
)sql";

// Step 12. What the signing service makes: its CAs and timestampers, the certificates of profiles with what became of
// them, sign operations and how many there were. A certificate outlives its profile, which is named by its uuid alone.
// An operation is found by its number, which its id begins with, so that it takes one tree and no index beside.
constexpr char kStep12[] = R"sql(
CREATE TABLE signing_authorities (
  id BYTEA PRIMARY KEY, role SMALLINT NOT NULL, trust SMALLINT NOT NULL, issuer BYTEA NOT NULL, serial BYTEA NOT NULL,
  der BYTEA NOT NULL, key_ref TEXT NOT NULL, not_before BIGINT NOT NULL, not_after BIGINT NOT NULL,
  list_number BIGINT NOT NULL, list BYTEA NOT NULL, list_refresh BIGINT NOT NULL, list_due SMALLINT NOT NULL);

CREATE TABLE signing_certificates (
  serial BYTEA PRIMARY KEY, account BYTEA NOT NULL, profile BYTEA NOT NULL,
  authority BYTEA NOT NULL REFERENCES signing_authorities (id), thumbprint BYTEA NOT NULL UNIQUE, subject TEXT NOT NULL,
  eku TEXT NOT NULL, der BYTEA NOT NULL, key_ref TEXT NOT NULL, not_before BIGINT NOT NULL, not_after BIGINT NOT NULL,
  revocation SMALLINT NOT NULL, requested BIGINT NOT NULL, effective BIGINT NOT NULL, reason SMALLINT NOT NULL,
  remarks TEXT NOT NULL, failure TEXT NOT NULL);
CREATE INDEX signing_certificates_of_profile ON signing_certificates (profile, not_before);
CREATE INDEX signing_certificates_revoked ON signing_certificates (authority) WHERE revocation = 1;
CREATE INDEX signing_certificates_with_key ON signing_certificates (not_after) WHERE key_ref <> '';

CREATE TABLE signing_operations (
  number INTEGER PRIMARY KEY, id BYTEA NOT NULL, account BYTEA NOT NULL, profile BYTEA NOT NULL,
  account_name TEXT NOT NULL, profile_name TEXT NOT NULL, algorithm TEXT NOT NULL, digest BYTEA NOT NULL,
  actor TEXT NOT NULL, source TEXT NOT NULL, asked BIGINT NOT NULL, status SMALLINT NOT NULL,
  certificate BYTEA NOT NULL, signature BYTEA NOT NULL, error TEXT NOT NULL, ended BIGINT NOT NULL);
CREATE INDEX signing_operations_open ON signing_operations (number) WHERE status = 1;

CREATE TABLE signing_usage (
  account BYTEA NOT NULL, month BIGINT NOT NULL, signatures BIGINT NOT NULL, PRIMARY KEY (account, month));
)sql";

// Step 13. The control plane of code signing: subscriptions of other tenants, resource groups, registered providers,
// accounts, certificate profiles, identity validations and the e-mails about them.
constexpr char kStep13[] = R"sql(
CREATE TABLE subscriptions (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, tenant_name TEXT NOT NULL);

CREATE TABLE resource_groups (
  subscription TEXT NOT NULL, name TEXT NOT NULL, folded_name TEXT NOT NULL, location TEXT NOT NULL, tags TEXT NOT NULL,
  created_by TEXT NOT NULL, created BIGINT NOT NULL, modified_by TEXT NOT NULL, modified BIGINT NOT NULL,
  PRIMARY KEY (subscription, folded_name));

CREATE TABLE providers (
  subscription TEXT NOT NULL, folded_name TEXT NOT NULL, registered SMALLINT NOT NULL,
  PRIMARY KEY (subscription, folded_name));

CREATE TABLE signing_accounts (
  uuid BYTEA PRIMARY KEY, subscription TEXT NOT NULL, group_name TEXT NOT NULL, folded_group TEXT NOT NULL,
  name TEXT NOT NULL, folded_name TEXT NOT NULL UNIQUE, region TEXT NOT NULL, sku SMALLINT NOT NULL,
  suspended SMALLINT NOT NULL, tags TEXT NOT NULL,
  created_by TEXT NOT NULL, created BIGINT NOT NULL, modified_by TEXT NOT NULL, modified BIGINT NOT NULL);
CREATE INDEX signing_accounts_of_group ON signing_accounts (subscription, folded_group, folded_name);

CREATE TABLE identity_validations (
  uuid BYTEA PRIMARY KEY, subscription TEXT NOT NULL, account BYTEA, kind SMALLINT NOT NULL, subject SMALLINT NOT NULL,
  fields TEXT NOT NULL, incorporated TEXT NOT NULL, state SMALLINT NOT NULL, reason TEXT NOT NULL,
  link_sent BIGINT NOT NULL, email_verified BIGINT NOT NULL, submissions BIGINT NOT NULL, expires BIGINT NOT NULL,
  reminded SMALLINT NOT NULL,
  created_by TEXT NOT NULL, created BIGINT NOT NULL, modified_by TEXT NOT NULL, modified BIGINT NOT NULL);
CREATE INDEX identity_validations_of_account ON identity_validations (account);
CREATE INDEX identity_validations_of_subscription ON identity_validations (subscription);

CREATE TABLE certificate_profiles (
  uuid BYTEA PRIMARY KEY, account BYTEA NOT NULL REFERENCES signing_accounts (uuid), name TEXT NOT NULL,
  folded_name TEXT NOT NULL, type SMALLINT NOT NULL, validation BYTEA NOT NULL, includes BIGINT NOT NULL,
  status SMALLINT NOT NULL, eku TEXT NOT NULL UNIQUE,
  created_by TEXT NOT NULL, created BIGINT NOT NULL, modified_by TEXT NOT NULL, modified BIGINT NOT NULL,
  UNIQUE (account, folded_name));
CREATE INDEX certificate_profiles_of_validation ON certificate_profiles (validation);

CREATE TABLE signing_mails (
  number INTEGER PRIMARY KEY, validation BYTEA NOT NULL, recipient TEXT NOT NULL, subject TEXT NOT NULL,
  body TEXT NOT NULL, created BIGINT NOT NULL, delivered BIGINT NOT NULL);
CREATE INDEX signing_mails_waiting ON signing_mails (number) WHERE delivered = 0;
)sql";

// Step 14. Firmware: campaigns, the last that each device said, of itself and of each campaign, and statements. Devices
// of a campaign are one text with a line for each.
constexpr char kStep14[] = R"sql(
CREATE TABLE firmware_campaigns (
  namespace BYTEA NOT NULL REFERENCES namespaces (uuid) ON DELETE CASCADE, bundle BYTEA NOT NULL,
  number BIGINT NOT NULL UNIQUE, size BIGINT NOT NULL, board TEXT NOT NULL, version TEXT NOT NULL, image BYTEA NOT NULL,
  policy BYTEA, policy_name TEXT NOT NULL, devices TEXT NOT NULL, percent SMALLINT NOT NULL, state SMALLINT NOT NULL,
  created BIGINT NOT NULL, updated BIGINT NOT NULL,
  PRIMARY KEY (namespace, bundle));
CREATE INDEX firmware_campaigns_active ON firmware_campaigns (namespace, number) WHERE state = 1;
CREATE INDEX firmware_campaigns_of_image ON firmware_campaigns (namespace, image, number);

CREATE TABLE firmware_devices (
  device BYTEA PRIMARY KEY REFERENCES devices (uuid) ON DELETE CASCADE, report SMALLINT NOT NULL, reason TEXT NOT NULL,
  version TEXT NOT NULL, board TEXT NOT NULL, image BYTEA NOT NULL, pins BIGINT NOT NULL, revocations BIGINT NOT NULL,
  at BIGINT NOT NULL);

CREATE TABLE firmware_progress (
  namespace BYTEA NOT NULL, bundle BYTEA NOT NULL, device BYTEA NOT NULL REFERENCES devices (uuid) ON DELETE CASCADE,
  report SMALLINT NOT NULL, reason TEXT NOT NULL, version TEXT NOT NULL, board TEXT NOT NULL, image BYTEA NOT NULL,
  pins BIGINT NOT NULL, revocations BIGINT NOT NULL, at BIGINT NOT NULL,
  PRIMARY KEY (namespace, bundle, device),
  FOREIGN KEY (namespace, bundle) REFERENCES firmware_campaigns (namespace, bundle) ON DELETE CASCADE);
CREATE INDEX firmware_progress_of_device ON firmware_progress (device);

CREATE TABLE firmware_statements (
  kind SMALLINT NOT NULL, version BIGINT NOT NULL, content TEXT NOT NULL, body BYTEA NOT NULL, made BIGINT NOT NULL,
  PRIMARY KEY (kind, version));
)sql";

// Step 15. Several nodes on one registry (registry/cluster). A row for each name, durable; `beat`, `applied` and `cut`
// are written often, and no index is on them. The counter 'edition' is how a node sees what another one's operators
// changed.
constexpr char kStep15[] = R"sql(
CREATE TABLE nodes (
  name TEXT PRIMARY KEY, incarnation BYTEA NOT NULL, state SMALLINT NOT NULL, beat BIGINT NOT NULL,
  lease BIGINT NOT NULL, applied BIGINT NOT NULL, cut BIGINT NOT NULL, address TEXT NOT NULL, version TEXT NOT NULL,
  draining SMALLINT NOT NULL);
INSERT INTO counters (name, value) VALUES ('edition', 0);
)sql";

// Step 16. Private keys that hub nodes share, sealed under a node key that the registry never has.
constexpr char kStep16[] = R"sql(
CREATE TABLE sealed_keys (key_ref TEXT PRIMARY KEY, sealed BYTEA NOT NULL, made BIGINT NOT NULL);
)sql";

// Step 17. One session a device over all nodes (registry/cluster/claims.h): by whom a device's session at a hub was
// claimed last, a node's incarnation. Rows come and go with sessions; nodes follow them by number.
constexpr char kStep17[] = R"sql(
CREATE TABLE sessions (
  hub TEXT NOT NULL, device TEXT NOT NULL, node BYTEA NOT NULL, number BIGINT NOT NULL, PRIMARY KEY (hub, device));
CREATE INDEX sessions_by_number ON sessions (number);
INSERT INTO counters (name, value) VALUES ('session', 0);
)sql";

// Step 18. What passes between nodes beside the feed: what devices are to hear, a log that is read on from a number;
// and direct methods that wait for a device at another node. Both are short.
constexpr char kStep18[] = R"sql(
CREATE TABLE device_news (
  number BIGINT PRIMARY KEY, namespace TEXT NOT NULL, device BYTEA NOT NULL, device_id TEXT NOT NULL,
  version BIGINT NOT NULL, patch TEXT NOT NULL);

CREATE TABLE calls (
  id BYTEA PRIMARY KEY, caller TEXT NOT NULL, namespace TEXT NOT NULL, device TEXT NOT NULL, method TEXT NOT NULL,
  payload TEXT NOT NULL, connect_ms BIGINT NOT NULL, response_ms BIGINT NOT NULL, absent TEXT NOT NULL,
  deaf SMALLINT NOT NULL, server TEXT NOT NULL, ended SMALLINT NOT NULL, reason SMALLINT NOT NULL,
  answer TEXT NOT NULL);
)sql";

// Step 19. What nodes share beside the registry's resources: what each says of its devices, for whoever drains it; who
// of them tells an e-mail; and the revocation lists that one of them signs, as all serve them.
constexpr char kStep19[] = R"sql(
ALTER TABLE nodes ADD COLUMN sessions BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN drained SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE signing_mails ADD COLUMN claim TEXT NOT NULL DEFAULT '';
CREATE TABLE status_lists (
  path TEXT PRIMARY KEY, version BIGINT NOT NULL UNIQUE, number BIGINT NOT NULL, list BYTEA NOT NULL);
INSERT INTO counters (name, value) VALUES ('status list', 0);
)sql";

// Step 20. Bundles of active campaigns where several nodes give them out (registry/firmware/bundles.h), in pieces.
constexpr char kStep20[] = R"sql(
CREATE TABLE firmware_bundles (
  bundle BYTEA NOT NULL, piece BIGINT NOT NULL, content BYTEA NOT NULL, PRIMARY KEY (bundle, piece));
)sql";

constexpr const char* kSteps[] = {kStep1,  kStep2,  kStep3,  kStep4,  kStep5,  kStep6,  kStep7,
                                  kStep8,  kStep9,  kStep10, kStep11, kStep12, kStep13, kStep14,
                                  kStep15, kStep16, kStep17, kStep18, kStep19, kStep20};
static_assert(sizeof(kSteps) / sizeof(kSteps[0]) == kSchemaVersion);

Outcome<Nothing> newer(int version) {
  return refuse(Reason::kStorage, "the database has schema version " + std::to_string(version) +
                                      "; this program knows " + std::to_string(kSchemaVersion) +
                                      ": it was made by a newer Latchkey; run that one");
}

bool holds(const std::vector<std::string>& tables, std::string_view name) {
  return std::find(tables.begin(), tables.end(), name) != tables.end();
}

Outcome<Nothing> take_step(Database& database, int step) {
  LATCHKEY_TRY_VOID(database.execute(kSteps[step]));
  if (step != 0) return Nothing{};
  return database.execute(database.kind() == StoreKind::kSqlite ? kSqliteGuards : kPostgresGuards);
}

Outcome<Nothing> take_steps(Database& database) {
  if (database.kind() == StoreKind::kPostgres) {
    // Nodes that begin at one time do so one after the other. An index over a large table may take its time.
    LATCHKEY_TRY_VOID(database.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"));
    LATCHKEY_TRY_VOID(database.query("SELECT pg_advisory_xact_lock(7310582947105537)").run());
  }
  LATCHKEY_TRY(version, schema_version_of(database));
  if (version > kSchemaVersion) return newer(version);
  if (version == kSchemaVersion) return Nothing{};
  for (int step = version; step < kSchemaVersion; ++step) LATCHKEY_TRY_VOID(take_step(database, step));
  return database.query("UPDATE schema_version SET version = $1", kSchemaVersion).run();
}

// What follows each "CREATE TABLE " of the steps.
std::vector<std::string> read_tables() {
  constexpr std::string_view kCreate = "CREATE TABLE ";
  std::vector<std::string> tables;
  for (const std::string_view step : kSteps) {
    for (auto at = step.find(kCreate); at != std::string_view::npos; at = step.find(kCreate, at)) {
      at += kCreate.size();
      tables.emplace_back(step.substr(at, step.find(' ', at) - at));
    }
  }
  return tables;
}

}  // namespace

const std::vector<std::string>& schema_tables() {
  static const auto tables = read_tables();
  return tables;
}

// Others call a table schema_version, too.
Outcome<int> schema_version_of(Database& database) {
  LATCHKEY_TRY(tables, database.tables());
  if (tables.empty()) return 0;
  if (!holds(tables, "schema_version") || !holds(tables, "audit_head") || !holds(tables, "counters")) {
    return refuse(Reason::kStorage, "the database is someone else's: it has a table '" + tables.front() +
                                        "' and not Latchkey's; name an empty one");
  }
  LATCHKEY_TRY(version, database.query("SELECT version FROM schema_version").first([](const Query& row) {
    return row.integer(0);
  }));
  return static_cast<int>(version.value_or(0));
}

Outcome<Nothing> make_ready(Database& database) {
  if (database.kind() == StoreKind::kSqlite) return migrate(database);
  LATCHKEY_TRY(version, schema_version_of(database));
  if (version == kSchemaVersion) return Nothing{};
  if (version == 0) return migrate(database);
  if (version > kSchemaVersion) return newer(version);
  return refuse(Reason::kStorage, "the database has schema version " + std::to_string(version) +
                                      "; this program needs " + std::to_string(kSchemaVersion) +
                                      ": stop every node, make a backup, and run latchkey db migrate");
}

Outcome<Nothing> migrate(Database& database) {
  LATCHKEY_TRY_VOID(database.begin_write());
  auto taken = take_steps(database);
  if (!taken) {
    database.rollback();
    return taken;
  }
  return database.commit();
}

}  // namespace latchkey::registry::store
