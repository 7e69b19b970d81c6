// SPDX-License-Identifier: Apache-2.0
#include "registry/store/hubs.h"

#include "registry/store/fold.h"

namespace latchkey::registry::store {
namespace {

const std::string kSelect = "SELECT uuid, name, namespace, host, created, listen, latency_ms FROM hubs ";
const std::string kSelectCertificate = "SELECT hub, name, ca, policy, created FROM hub_certificates ";

Hub read_hub(const Query& row) {
  Hub hub{row.id<Uuid>(0), row.text(1), row.id<Uuid>(2), row.text(3), row.integer(4), row.text(5)};
  if (!row.null(6)) hub.latency_ms = row.integer(6);
  return hub;
}

HubCertificate read_certificate(const Query& row) {
  return {row.id<Uuid>(0), row.text(1), row.id<Uuid>(2), row.optional_id<Uuid>(3), row.integer(4)};
}

}  // namespace

Outcome<Nothing> insert(Database& database, const Hub& hub) {
  return database
      .query(
          "INSERT INTO hubs (uuid, name, folded_name, namespace, host, created, listen, latency_ms) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
          hub.uuid, hub.name, fold(hub.name), hub.namespace_uuid, hub.host, hub.created, hub.listen, hub.latency_ms)
      .run();
}

Outcome<Nothing> update(Database& database, const Hub& hub) {
  return database
      .query("UPDATE hubs SET host = $1, listen = $2, latency_ms = $3 WHERE uuid = $4", hub.host, hub.listen,
             hub.latency_ms, hub.uuid)
      .run();
}

Outcome<Nothing> remove(Database& database, const Uuid& hub) {
  LATCHKEY_TRY_VOID(database.query("DELETE FROM registrations WHERE hub = $1", hub).run());
  LATCHKEY_TRY_VOID(database.query("DELETE FROM hub_certificates WHERE hub = $1", hub).run());
  return database.query("DELETE FROM hubs WHERE uuid = $1", hub).run();
}

Outcome<std::optional<Hub>> find_hub(Database& database, std::string_view name) {
  static const std::string sql = kSelect + "WHERE folded_name = $1";
  return database.query(sql, fold(name)).first(read_hub);
}

Outcome<std::optional<Hub>> find_hub_by_uuid(Database& database, const Uuid& uuid) {
  static const std::string sql = kSelect + "WHERE uuid = $1";
  return database.query(sql, uuid).first(read_hub);
}

Outcome<std::vector<Hub>> list_hubs(Database& database) {
  static const std::string sql = kSelect + "ORDER BY folded_name";
  return database.query(sql).all(read_hub);
}

Outcome<std::vector<Hub>> hubs_of(Database& database, const Uuid& ns) {
  static const std::string sql = kSelect + "WHERE namespace = $1 ORDER BY folded_name";
  return database.query(sql, ns).all(read_hub);
}

Outcome<Nothing> insert(Database& database, const HubCertificate& certificate) {
  return database
      .query("INSERT INTO hub_certificates (hub, name, ca, policy, created) VALUES ($1, $2, $3, $4, $5)",
             certificate.hub, certificate.name, certificate.ca, certificate.policy, certificate.created)
      .run();
}

Outcome<Nothing> delete_hub_certificate(Database& database, const Uuid& hub, std::string_view name) {
  return database.query("DELETE FROM hub_certificates WHERE hub = $1 AND name = $2", hub, name).run();
}

Outcome<std::optional<HubCertificate>> find_hub_certificate(Database& database, const Uuid& hub,
                                                            std::string_view name) {
  static const std::string sql = kSelectCertificate + "WHERE hub = $1 AND name = $2";
  return database.query(sql, hub, name).first(read_certificate);
}

Outcome<std::vector<HubCertificate>> hub_certificates_of(Database& database, const Uuid& hub) {
  static const std::string sql = kSelectCertificate + "WHERE hub = $1 ORDER BY name";
  return database.query(sql, hub).all(read_certificate);
}

}  // namespace latchkey::registry::store
