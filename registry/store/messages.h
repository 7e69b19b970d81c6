// SPDX-License-Identifier: Apache-2.0
// Rows of cloud-to-device messages. They go with their device.
#pragma once

#include "registry/model/message.h"
#include "registry/store/sql.h"

namespace latchkey::registry::store {

// Gives the message its number, the highest.
Outcome<Nothing> insert(Database& database, Message& message);
// What is sent may change: deliveries, connection, kept, sent.
Outcome<Nothing> update(Database& database, const Message& message);
Outcome<Nothing> delete_message(Database& database, std::uint64_t number);
Outcome<std::int64_t> delete_messages_of(Database& database, const Uuid& device);
// Of every device: by index, so it costs what it removes.
Outcome<Nothing> delete_expired_messages(Database& database, UnixMs now);

Outcome<bool> has_messages(Database& database, const Uuid& device);
Outcome<std::int64_t> count_waiting_messages(Database& database, const Uuid& device);
// In their order, without payloads.
Outcome<std::vector<Message>> messages_of(Database& database, const Uuid& device);
Outcome<Bytes> message_payload(Database& database, std::uint64_t number);

}  // namespace latchkey::registry::store
