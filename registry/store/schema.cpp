// SPDX-License-Identifier: Apache-2.0
#include "registry/store/schema.h"

namespace latchkey::registry::store {
namespace {

// Step 1. What is behind the indexes:
//  - a device revoke finds the device's live certificates without reading its old ones (certificates_of_device);
//  - a policy revoke touches one policy, two CAs and the linked hubs, however many devices there are: leaves below a
//    revoked issuing CA are dead because their CA is, so no row of theirs changes;
//  - publishing CRLs reads only CAs that are due (cas_due) and serials that are revoked (certificates_revoked).
// A deleted policy stays as a row with `deleted` set: its number is never given again, and devices and certificates
// may still name it. CAs are never deleted: their last CRLs are published until they expire.
// Rows without foreign key keep a uuid of something that may be gone: certificates outlive their device,
// registrations their enrollment.
constexpr char kStep1[] = R"sql(
CREATE TABLE schema_version (version BIGINT NOT NULL);
INSERT INTO schema_version (version) VALUES (0);

CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
INSERT INTO counters (name, value) VALUES ('change', 0), ('audit', 0);

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

CREATE TABLE enrollments (
  uuid BYTEA PRIMARY KEY, is_group SMALLINT NOT NULL, id TEXT NOT NULL, folded_id TEXT NOT NULL,
  namespace BYTEA NOT NULL REFERENCES namespaces (uuid), attestation SMALLINT NOT NULL, primary_proof BYTEA NOT NULL,
  secondary_proof BYTEA NOT NULL, policy_name TEXT NOT NULL, enabled SMALLINT NOT NULL, device_id TEXT NOT NULL,
  created BIGINT NOT NULL, updated BIGINT NOT NULL,
  UNIQUE (folded_id, is_group));
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
  sequence BIGINT PRIMARY KEY, kind SMALLINT NOT NULL, scope BYTEA NOT NULL, id TEXT, uuid BYTEA, credential_id BYTEA,
  enabled SMALLINT, policy_number BIGINT, der BYTEA);

CREATE TABLE audit (
  number BIGINT PRIMARY KEY, at BIGINT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, resource TEXT NOT NULL,
  outcome TEXT NOT NULL, detail TEXT NOT NULL);
)sql";

constexpr const char* kSteps[] = {kStep1};
static_assert(sizeof(kSteps) / sizeof(kSteps[0]) == kSchemaVersion);

Outcome<int> version_of(Database& database) {
  LATCHKEY_TRY(tables, database.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'")
                           .first([](const Query& row) { return row.integer(0); }));
  if (!tables) return 0;
  LATCHKEY_TRY(version, database.query("SELECT version FROM schema_version").first([](const Query& row) {
    return row.integer(0);
  }));
  return static_cast<int>(version.value_or(0));
}

Outcome<Nothing> take_steps(Database& database) {
  LATCHKEY_TRY(version, version_of(database));
  if (version > kSchemaVersion) {
    return refuse(Reason::kStorage, "the database has schema version " + std::to_string(version) +
                                        "; this program knows " + std::to_string(kSchemaVersion));
  }
  for (int step = version; step < kSchemaVersion; ++step) LATCHKEY_TRY_VOID(database.execute(kSteps[step]));
  return database.query("UPDATE schema_version SET version = $1", kSchemaVersion).run();
}

}  // namespace

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
