// SPDX-License-Identifier: Apache-2.0
#include "registry/firmware/bundles.h"

namespace latchkey::registry::firmware {
namespace {

using store::Database;
using store::Query;

constexpr std::size_t kPiece = std::size_t{1} << 20;  // of a row

}  // namespace

Outcome<Nothing> put_bundle(Database& db, const Bytes& bundle, ByteView content) {
  for (std::size_t at = 0; at < content.size(); at += kPiece) {
    const auto piece = content.subview(at, kPiece);
    LATCHKEY_TRY_VOID(db.query("INSERT INTO firmware_bundles (bundle, piece, content) VALUES ($1, $2, $3) ON CONFLICT "
                               "(bundle, piece) DO NOTHING",
                               bundle, at / kPiece, Bytes(piece.begin(), piece.end()))
                          .run());
  }
  return Nothing{};
}

Outcome<Nothing> drop_unused_bundles(Database& db) {
  return db
      .query("DELETE FROM firmware_bundles WHERE bundle NOT IN (SELECT bundle FROM firmware_campaigns WHERE state = 1)")
      .run();
}

// A row at a time: a whole bundle is not held twice.
Outcome<Bytes> BundleRows::read(const Bytes& bundle) {
  LATCHKEY_TRY(content, rows_.looked<Bytes>([&](Database& db) -> Outcome<Bytes> {
    Bytes whole;
    LATCHKEY_TRY_VOID(db.query("SELECT content FROM firmware_bundles WHERE bundle = $1 ORDER BY piece", bundle)
                          .each([&](const Query& row) {
                            const auto piece = row.bytes(0);
                            whole.insert(whole.end(), piece.begin(), piece.end());
                          }));
    return whole;
  }));
  if (content.empty()) return refuse(Reason::kNotFound, "the registry has no such bundle");
  return content;
}

Outcome<bool> BundleRows::has(const Bytes& bundle) {
  return rows_.looked<bool>([&](Database& db) -> Outcome<bool> {
    LATCHKEY_TRY(
        found, db.query("SELECT 1 FROM firmware_bundles WHERE bundle = $1 LIMIT 1", bundle).first([](const Query& row) {
          return row.integer(0);
        }));
    return found.has_value();
  });
}

Outcome<Nothing> BundleRows::put(const Bytes& bundle, ByteView content) {
  return rows_.keep_rows([&](Database& db) -> Outcome<Nothing> {
    LATCHKEY_TRY_VOID(put_bundle(db, bundle, content));
    return drop_unused_bundles(db);
  });
}

}  // namespace latchkey::registry::firmware
