// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/sealed_keys.h"

namespace latchkey::registry {
namespace {

using store::Database;
using store::Query;

Outcome<Bytes> get_in(Database& db, const std::string& key_ref) {
  LATCHKEY_TRY(found,
               db.query("SELECT sealed FROM sealed_keys WHERE key_ref = $1", key_ref).first([](const Query& row) {
                 return row.bytes(0);
               }));
  if (!found) return refuse(Reason::kNotFound, "there is no sealed key " + key_ref);
  return std::move(*found);
}

}  // namespace

Outcome<Nothing> SealedKeyRows::put(const SealedKeyRow& row) {
  return rows_.keep_rows([&](Database& db) -> Outcome<Nothing> {
    LATCHKEY_TRY_VOID(db.query("INSERT INTO sealed_keys (key_ref, sealed, made) VALUES ($1, $2, $3) "
                               "ON CONFLICT (key_ref) DO NOTHING",
                               row.key_ref, row.sealed, row.made)
                          .run());
    if (db.changed() == 1) return Nothing{};
    return refuse(Reason::kAlreadyExists, "there is a sealed key " + row.key_ref);
  });
}

Outcome<Bytes> SealedKeyRows::get(const std::string& key_ref) {
  return rows_.looked<Bytes>([&](Database& db) { return get_in(db, key_ref); });
}

Outcome<Nothing> SealedKeyRows::replace(const std::string& key_ref, const Bytes& before, const Bytes& after) {
  return rows_.keep_rows([&](Database& db) -> Outcome<Nothing> {
    LATCHKEY_TRY_VOID(
        db.query("UPDATE sealed_keys SET sealed = $1 WHERE key_ref = $2 AND sealed = $3", after, key_ref, before)
            .run());
    if (db.changed() == 1) return Nothing{};
    LATCHKEY_TRY_VOID(get_in(db, key_ref));
    return refuse(Reason::kPreconditionFailed, "the sealed key " + key_ref + " has changed");
  });
}

Outcome<Nothing> SealedKeyRows::erase(const std::string& key_ref) {
  return rows_.keep_rows(
      [&](Database& db) { return db.query("DELETE FROM sealed_keys WHERE key_ref = $1", key_ref).run(); });
}

Outcome<std::vector<SealedKeyRow>> SealedKeyRows::list() {
  return rows_.looked<std::vector<SealedKeyRow>>([](Database& db) {
    return db.query("SELECT key_ref, made FROM sealed_keys ORDER BY key_ref").all([](const Query& row) {
      return SealedKeyRow{row.text(0), {}, row.integer(1)};
    });
  });
}

}  // namespace latchkey::registry
