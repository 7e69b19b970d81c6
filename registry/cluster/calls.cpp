// SPDX-License-Identifier: Apache-2.0
#include "registry/cluster/calls.h"

namespace latchkey::registry::cluster {

Outcome<std::vector<CallState>> list_calls(store::Database& database) {
  return database
      .query(
          "SELECT id, caller, namespace, device, connect_ms, response_ms, absent, deaf, server, ended FROM calls "
          "ORDER BY id")
      .all([](const store::Query& row) {
        return CallState{row.id<Uuid>(0), row.text(1), row.text(2), row.text(3), row.integer(4),
                         row.integer(5),  row.text(6), row.flag(7), row.text(8), row.flag(9)};
      });
}

Outcome<Nothing> put_call(store::Database& database, const DeviceCall& call) {
  LATCHKEY_TRY_VOID(
      database
          .query("INSERT INTO calls (id, caller, namespace, device, method, payload, connect_ms, response_ms, absent, "
                 "deaf, server, ended, reason, answer) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', 0, '', 0, 0, '') "
                 "ON CONFLICT (id) DO NOTHING",
                 call.id, call.caller, call.namespace_name, call.device, call.method, call.payload, call.connect_ms,
                 call.response_ms)
          .run());
  database.announce();
  return Nothing{};
}

Outcome<std::optional<DeviceCall>> take_call(store::Database& database, const Uuid& id, const std::string& server) {
  LATCHKEY_TRY(taken, database
                          .query("UPDATE calls SET server = $1 WHERE id = $2 AND server = '' RETURNING id, caller, "
                                 "namespace, device, method, payload, connect_ms, response_ms",
                                 server, id)
                          .all([](const store::Query& row) {
                            return DeviceCall{row.id<Uuid>(0), row.text(1), row.text(2),    row.text(3),
                                              row.text(4),     row.text(5), row.integer(6), row.integer(7)};
                          }));
  if (taken.empty()) return std::optional<DeviceCall>();
  return std::optional(std::move(taken.front()));
}

Outcome<Nothing> deny_call(store::Database& database, const Uuid& id, const std::string& node, bool deaf) {
  if (deaf) LATCHKEY_TRY_VOID(database.query("UPDATE calls SET deaf = 1 WHERE id = $1", id).run());
  LATCHKEY_TRY_VOID(database.query("UPDATE calls SET absent = absent || $1 WHERE id = $2", node + "\n", id).run());
  database.announce();
  return Nothing{};
}

Outcome<Nothing> end_call(store::Database& database, const Uuid& id, const std::string& server, const CallEnd& end) {
  const std::int64_t reason = end.refusal ? static_cast<std::int64_t>(*end.refusal) : 0;
  LATCHKEY_TRY_VOID(
      database
          .query("UPDATE calls SET ended = 1, reason = $1, answer = $2 WHERE id = $3 AND server = $4 AND ended = 0",
                 reason, end.text, id, server)
          .run());
  database.announce();
  return Nothing{};
}

Outcome<std::optional<CallEnd>> find_call_end(store::Database& database, const Uuid& id) {
  return database.query("SELECT reason, answer FROM calls WHERE id = $1 AND ended = 1", id)
      .first([](const store::Query& row) {
        CallEnd end;
        if (row.integer(0) != 0) end.refusal = row.value<Reason>(0);
        end.text = row.text(1);
        return end;
      });
}

Outcome<bool> give_call_up(store::Database& database, const Uuid& id) {
  LATCHKEY_TRY(gone, database.query("DELETE FROM calls WHERE id = $1 AND server = '' RETURNING deaf", id)
                         .all([](const store::Query& row) { return row.integer(0); }));
  return !gone.empty();
}

Outcome<Nothing> remove_call(store::Database& database, const Uuid& id) {
  return database.query("DELETE FROM calls WHERE id = $1", id).run();
}

}  // namespace latchkey::registry::cluster
