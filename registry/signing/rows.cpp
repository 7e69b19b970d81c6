// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/internal/rows.h"

#include "registry/store/fold.h"

namespace latchkey::registry::signing {

using store::Database;
using store::fold;
using store::Query;

namespace {

constexpr const char* kGroupColumns =
    "SELECT subscription, name, location, tags, created_by, created, modified_by, modified FROM resource_groups ";

ResourceGroup read_group(const Query& row) {
  return {row.text(0), row.text(1), row.text(2), row.text(3), read_stamp(row, 4)};
}

constexpr const char* kAccountColumns =
    "SELECT uuid, subscription, group_name, name, region, sku, suspended, tags, created_by, created, modified_by, "
    "modified FROM signing_accounts ";

Account read_account(const Query& row) {
  return {row.id<Uuid>(0), {row.text(1), row.text(2)}, row.text(3), row.text(4), row.value<Sku>(5), row.flag(6),
          row.text(7),     read_stamp(row, 8)};
}

constexpr const char* kProfileColumns =
    "SELECT uuid, account, name, type, validation, includes, status, eku, created_by, created, modified_by, modified "
    "FROM certificate_profiles ";

Profile read_profile(const Query& row) {
  return {row.id<Uuid>(0),
          row.id<Uuid>(1),
          row.text(2),
          row.value<ProfileType>(3),
          row.id<Uuid>(4),
          static_cast<std::uint32_t>(row.integer(5)),
          row.value<ProfileStatus>(6),
          row.text(7),
          read_stamp(row, 8)};
}

}  // namespace

Stamp stamp_of(const RowAct& act) { return {act.call.actor, act.now(), act.call.actor, act.now()}; }

void touch(const RowAct& act, Stamp& stamp) {
  stamp.modified_by = act.call.actor;
  stamp.modified = act.now();
}

Stamp read_stamp(const Query& row, int first) {
  return {row.text(first), row.integer(first + 1), row.text(first + 2), row.integer(first + 3)};
}

Outcome<Nothing> insert(Database& db, const ResourceGroup& group) {
  return db
      .query("INSERT INTO resource_groups VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)", group.subscription, group.name,
             fold(group.name), group.location, group.tags, group.stamp.created_by, group.stamp.created,
             group.stamp.modified_by, group.stamp.modified)
      .run();
}

Outcome<Nothing> update(Database& db, const ResourceGroup& group) {
  return db
      .query(
          "UPDATE resource_groups SET tags = $1, modified_by = $2, modified = $3 WHERE subscription = $4 AND "
          "folded_name = $5",
          group.tags, group.stamp.modified_by, group.stamp.modified, group.subscription, fold(group.name))
      .run();
}

Outcome<Nothing> remove_group(Database& db, const Where& where) {
  return db
      .query("DELETE FROM resource_groups WHERE subscription = $1 AND folded_name = $2", where.subscription,
             fold(where.group))
      .run();
}

Outcome<std::optional<ResourceGroup>> find_group(Database& db, const Where& where) {
  static const std::string sql = std::string(kGroupColumns) + "WHERE subscription = $1 AND folded_name = $2";
  return db.query(sql, where.subscription, fold(where.group)).first(read_group);
}

Outcome<std::vector<ResourceGroup>> groups_of(Database& db, const std::string& subscription) {
  static const std::string sql = std::string(kGroupColumns) + "WHERE subscription = $1 ORDER BY folded_name";
  return db.query(sql, subscription).all(read_group);
}

Outcome<Nothing> insert(Database& db, const Account& account) {
  return db
      .query("INSERT INTO signing_accounts VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
             account.uuid, account.where.subscription, account.where.group, fold(account.where.group), account.name,
             fold(account.name), account.region, account.sku, account.suspended, account.tags, account.stamp.created_by,
             account.stamp.created, account.stamp.modified_by, account.stamp.modified)
      .run();
}

Outcome<Nothing> update(Database& db, const Account& account) {
  return db
      .query(
          "UPDATE signing_accounts SET sku = $1, suspended = $2, tags = $3, modified_by = $4, modified = $5 WHERE "
          "uuid = $6",
          account.sku, account.suspended, account.tags, account.stamp.modified_by, account.stamp.modified, account.uuid)
      .run();
}

Outcome<Nothing> remove_account(Database& db, const Uuid& account) {
  LATCHKEY_TRY_VOID(db.query("DELETE FROM certificate_profiles WHERE account = $1", account).run());
  LATCHKEY_TRY_VOID(db.query("UPDATE identity_validations SET account = NULL WHERE account = $1", account).run());
  return db.query("DELETE FROM signing_accounts WHERE uuid = $1", account).run();
}

Outcome<std::optional<Account>> find_account(Database& db, std::string_view name) {
  static const std::string sql = std::string(kAccountColumns) + "WHERE folded_name = $1";
  return db.query(sql, fold(name)).first(read_account);
}

Outcome<std::optional<Account>> find_account(Database& db, const Uuid& uuid) {
  static const std::string sql = std::string(kAccountColumns) + "WHERE uuid = $1";
  return db.query(sql, uuid).first(read_account);
}

Outcome<std::vector<Account>> accounts_of(Database& db, const Where& where) {
  static const std::string in_group =
      std::string(kAccountColumns) + "WHERE subscription = $1 AND folded_group = $2 ORDER BY folded_name";
  static const std::string all = std::string(kAccountColumns) + "WHERE subscription = $1 ORDER BY folded_name";
  if (where.group.empty()) return db.query(all, where.subscription).all(read_account);
  return db.query(in_group, where.subscription, fold(where.group)).all(read_account);
}

Outcome<Nothing> insert(Database& db, const Profile& profile) {
  return db
      .query("INSERT INTO certificate_profiles VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
             profile.uuid, profile.account, profile.name, fold(profile.name), profile.type, profile.validation,
             profile.includes, profile.status, profile.eku, profile.stamp.created_by, profile.stamp.created,
             profile.stamp.modified_by, profile.stamp.modified)
      .run();
}

Outcome<Nothing> update(Database& db, const Profile& profile) {
  return db
      .query("UPDATE certificate_profiles SET status = $1, modified_by = $2, modified = $3 WHERE uuid = $4",
             profile.status, profile.stamp.modified_by, profile.stamp.modified, profile.uuid)
      .run();
}

Outcome<Nothing> remove_profile(Database& db, const Uuid& profile) {
  return db.query("DELETE FROM certificate_profiles WHERE uuid = $1", profile).run();
}

Outcome<std::optional<Profile>> find_profile(Database& db, const Uuid& account, std::string_view name) {
  static const std::string sql = std::string(kProfileColumns) + "WHERE account = $1 AND folded_name = $2";
  return db.query(sql, account, fold(name)).first(read_profile);
}

Outcome<std::optional<Profile>> find_profile(Database& db, const Uuid& uuid) {
  static const std::string sql = std::string(kProfileColumns) + "WHERE uuid = $1";
  return db.query(sql, uuid).first(read_profile);
}

Outcome<std::vector<Profile>> profiles_of(Database& db, const Uuid& account) {
  static const std::string sql = std::string(kProfileColumns) + "WHERE account = $1 ORDER BY folded_name";
  return db.query(sql, account).all(read_profile);
}

}  // namespace latchkey::registry::signing
