// SPDX-License-Identifier: Apache-2.0
#include "registry/store/messages.h"

namespace latchkey::registry::store {

Outcome<Nothing> insert(Database& database, Message& message) {
  LATCHKEY_TRY(last, database.query("SELECT COALESCE(MAX(number), 0) FROM messages").first([](const Query& row) {
    return row.integer(0);
  }));
  message.number = static_cast<std::uint64_t>(last.value_or(0)) + 1;
  return database
      .query(
          "INSERT INTO messages (number, device, id, bag, payload, enqueued, expires, deliveries, connection, kept, "
          "sent) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
          message.number, message.device, message.id, message.bag, message.payload, message.enqueued, message.expires,
          message.deliveries, message.connection, message.kept, message.sent)
      .run();
}

Outcome<Nothing> update(Database& database, const Message& message) {
  return database
      .query("UPDATE messages SET deliveries = $1, connection = $2, kept = $3, sent = $4 WHERE number = $5",
             message.deliveries, message.connection, message.kept, message.sent, message.number)
      .run();
}

Outcome<Nothing> delete_message(Database& database, std::uint64_t number) {
  return database.query("DELETE FROM messages WHERE number = $1", number).run();
}

Outcome<std::int64_t> delete_messages_of(Database& database, const Uuid& device) {
  LATCHKEY_TRY_VOID(database.query("DELETE FROM messages WHERE device = $1", device).run());
  return database.changed();
}

Outcome<Nothing> delete_expired_messages(Database& database, UnixMs now) {
  return database.query("DELETE FROM messages WHERE expires <= $1", now).run();
}

Outcome<bool> has_messages(Database& database, const Uuid& device) {
  LATCHKEY_TRY(found,
               database.query("SELECT 1 FROM messages WHERE device = $1 LIMIT 1", device).first([](const Query& row) {
                 return row.integer(0);
               }));
  return found.has_value();
}

Outcome<std::int64_t> count_waiting_messages(Database& database, const Uuid& device) {
  LATCHKEY_TRY(count, database.query("SELECT COUNT(*) FROM messages WHERE device = $1 AND connection = 0", device)
                          .first([](const Query& row) { return row.integer(0); }));
  return count.value_or(0);
}

Outcome<std::vector<Message>> messages_of(Database& database, const Uuid& device) {
  return database
      .query(
          "SELECT number, device, id, bag, LENGTH(payload), enqueued, expires, deliveries, connection, kept, sent "
          "FROM messages WHERE device = $1 ORDER BY number",
          device)
      .all([](const Query& row) {
        Message message;
        message.number = static_cast<std::uint64_t>(row.integer(0));
        message.device = row.id<Uuid>(1);
        message.id = row.text(2);
        message.bag = row.text(3);
        message.size = static_cast<std::uint64_t>(row.integer(4));
        message.enqueued = row.integer(5);
        message.expires = row.integer(6);
        message.deliveries = static_cast<std::uint32_t>(row.integer(7));
        message.connection = static_cast<std::uint64_t>(row.integer(8));
        message.kept = row.flag(9);
        message.sent = row.integer(10);
        return message;
      });
}

Outcome<Bytes> message_payload(Database& database, std::uint64_t number) {
  LATCHKEY_TRY(payload,
               database.query("SELECT payload FROM messages WHERE number = $1", number).first([](const Query& row) {
                 return row.bytes(0);
               }));
  return payload ? std::move(*payload) : Bytes{};
}

}  // namespace latchkey::registry::store
