// SPDX-License-Identifier: Apache-2.0
#include "registry/cluster/claim_rows.h"

#include <functional>

#include "registry/cluster/node.h"

namespace latchkey::registry::cluster {
namespace {

ClaimRow read_claim(const store::Query& row) {
  ClaimRow claim;
  claim.place = {row.text(0), row.text(1)};
  claim.node = row.id<Uuid>(2);
  claim.number = row.integer(3);
  return claim;
}

// The last of `count` new numbers. Holds the counter until the transaction ends.
Outcome<ClaimNumber> take_numbers(store::Database& database, std::size_t count) {
  LATCHKEY_TRY(last, database
                         .query("UPDATE counters SET value = value + $1 WHERE name = 'session' RETURNING value",
                                static_cast<std::int64_t>(count))
                         .first([](const store::Query& row) { return row.integer(0); }));
  if (!last) return refuse(Reason::kStorage, "the registry has no counter of sessions");
  return *last;
}

Outcome<Nothing> write_claim(store::Database& database, const Uuid& node, const Claim& claim, ClaimNumber number) {
  return database
      .query(
          "INSERT INTO sessions (hub, device, node, number) VALUES ($1, $2, $3, $4) ON CONFLICT (hub, device) DO "
          "UPDATE SET node = excluded.node, number = excluded.number WHERE sessions.node = excluded.node OR "
          "sessions.number <= $5 OR NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.incarnation = sessions.node AND "
          "nodes.state = $6)",
          claim.place.hub, claim.place.device, node, number, claim.over, NodeState::kLive)
      .run();
}

Outcome<std::vector<ClaimRow>> write_all(store::Database& database, const Uuid& node, const ClaimBatch& batch) {
  LATCHKEY_TRY(last, take_numbers(database, batch.claims.size()));
  const auto before = last - static_cast<ClaimNumber>(batch.claims.size());
  for (const auto& place : batch.vacated) {
    LATCHKEY_TRY_VOID(
        database
            .query("DELETE FROM sessions WHERE hub = $1 AND device = $2 AND node = $3", place.hub, place.device, node)
            .run());
  }
  auto number = before;
  for (const auto& claim : batch.claims) LATCHKEY_TRY_VOID(write_claim(database, node, claim, ++number));
  // Which of them took their places: no other row has one of these numbers.
  return claims_behind(database, before, batch.claims.size());
}

template <class Answer>
Outcome<Answer> in_transaction(store::Database& database, const std::function<Outcome<Answer>()>& work) {
  LATCHKEY_TRY_VOID(database.begin_write());
  auto done = work();
  if (!done) {
    database.rollback();
    return done;
  }
  LATCHKEY_TRY_VOID(database.commit());
  return done;
}

}  // namespace

Outcome<ClaimNumber> newest_claim(store::Database& database) {
  LATCHKEY_TRY(newest, database.query("SELECT value FROM counters WHERE name = 'session'").first([](const auto& row) {
    return row.integer(0);
  }));
  return newest.value_or(0);
}

Outcome<std::vector<ClaimRow>> claims_behind(store::Database& database, ClaimNumber number, std::size_t most) {
  return database
      .query("SELECT hub, device, node, number FROM sessions WHERE number > $1 ORDER BY number LIMIT $2", number,
             static_cast<std::int64_t>(most))
      .all(read_claim);
}

Outcome<std::vector<ClaimRow>> claims_of(store::Database& database, const Uuid& node) {
  return database.query("SELECT hub, device, node, number FROM sessions WHERE node = $1", node).all(read_claim);
}

Outcome<std::vector<ClaimRow>> write_claims(store::Database& database, const Uuid& node, const ClaimBatch& batch) {
  return in_transaction<std::vector<ClaimRow>>(database, [&] { return write_all(database, node, batch); });
}

Outcome<bool> claimed_by_others(store::Database& database, const Place& place, const std::string& but) {
  LATCHKEY_TRY(claim, database
                          .query("SELECT 1 FROM sessions s JOIN nodes n ON n.incarnation = s.node WHERE s.hub = $1 AND "
                                 "s.device = $2 AND n.state = $3 AND n.name <> $4",
                                 place.hub, place.device, NodeState::kLive, but)
                          .first([](const store::Query& row) { return row.integer(0); }));
  return claim.has_value();
}

Outcome<std::vector<std::string>> claimed_by_others(store::Database& database, const std::string& hub,
                                                    const std::string& but) {
  return database
      .query(
          "SELECT s.device FROM sessions s JOIN nodes n ON n.incarnation = s.node WHERE s.hub = $1 AND n.state = $2 "
          "AND n.name <> $3",
          hub, NodeState::kLive, but)
      .all([](const store::Query& row) { return row.text(0); });
}

Outcome<Nothing> forget_void_claims(store::Database& database) {
  return in_transaction<Nothing>(database, [&]() -> Outcome<Nothing> {
    LATCHKEY_TRY_VOID(take_numbers(database, 0));
    return database
        .query(
            "DELETE FROM sessions WHERE NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.incarnation = sessions.node AND "
            "nodes.state = $1)",
            NodeState::kLive)
        .run();
  });
}

}  // namespace latchkey::registry::cluster
