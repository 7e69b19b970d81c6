// SPDX-License-Identifier: Apache-2.0
#include "registry/store/messages.h"

#include <algorithm>

#include "registry/operations/internal/names.h"
#include "registry/operations/internal/rules.h"
#include "registry/store/device_news.h"

namespace latchkey::registry {
namespace {

using What = MessageNews::What;
enum class Fate { kStays, kGoes, kWaitsAgain };

// Sent long enough ago that its device, which stayed connected, has had it.
bool had(const Message& message, UnixMs now) { return message.sent + kMessageLockMs <= now; }

// A session that is not kept leaves no word of what was acknowledged: time tells, or else it is sent again.
bool done_by_time(const Message& message, UnixMs now) {
  return message.connection != 0 && !message.kept && had(message, now);
}

// What a broker keeps of a session says nothing of what went over another one, at this node or elsewhere. The upper
// half of a connection's number is its broker process's own.
bool same_broker(std::uint64_t connection, std::uint64_t other) { return connection >> 32 == other >> 32; }

bool take_out(std::vector<std::string>& bags, const std::string& bag) {
  const auto found = std::find(bags.begin(), bags.end(), bag);
  if (found == bags.end()) return false;
  bags.erase(found);
  return true;
}

Fate fate_of(const Message& message, MessageNews& news, UnixMs now) {
  const bool here = message.connection == news.recipient.connection;
  switch (news.what) {
    case What::kResumed:
      if (here) return Fate::kStays;
      if (!same_broker(message.connection, news.recipient.connection)) return Fate::kWaitsAgain;
      return take_out(news.unacknowledged, message.bag) ? Fate::kWaitsAgain : Fate::kGoes;
    case What::kNewSession: return here ? Fate::kStays : Fate::kWaitsAgain;
    case What::kEnded:
      if (!here) return Fate::kStays;
      return had(message, now) ? Fate::kGoes : Fate::kWaitsAgain;
  }
  return Fate::kStays;
}

Outcome<Nothing> settle(store::Database& db, Message message, Fate fate) {
  if (fate == Fate::kStays) return Nothing{};
  if (fate == Fate::kGoes || message.deliveries >= kMaxMessageDeliveries)
    return store::delete_message(db, message.number);
  message.connection = 0;
  return store::update(db, message);
}

// Beyond that many the oldest go that their device had time to acknowledge.
Outcome<Nothing> bound_sent(store::Database& db, const Uuid& device, UnixMs now) {
  LATCHKEY_TRY(messages, store::messages_of(db, device));
  auto sent = std::count_if(messages.begin(), messages.end(), [](const Message& one) { return one.connection != 0; });
  for (const auto& message : messages) {
    const bool many = sent > static_cast<std::ptrdiff_t>(kMaxSentMessages);
    if (message.connection == 0 || !(done_by_time(message, now) || (many && had(message, now)))) continue;
    LATCHKEY_TRY_VOID(store::delete_message(db, message.number));
    --sent;
  }
  return Nothing{};
}

// What is said to a device changes nothing of it: not whom its labels name as the last to change it either.
Call unlabelled(Call call) {
  call.labels.reset();
  return call;
}

}  // namespace

Outcome<Committed<Message>> SqlRegistry::enqueue_message(const Call& call, const std::string& ns, const std::string& id,
                                                         const NewMessage& fresh) {
  const Call silent = unlabelled(call);
  return mutate<Message>(silent, {"device.sendMessage", device_path(ns, id)}, [&](Act& act) -> Outcome<Message> {
    LATCHKEY_TRY(device, existing_device(act.db, ns, id));
    if (fresh.expires <= act.now() || fresh.expires > act.now() + kMostMessageMs) {
      return refuse(Reason::kInvalidArgument, "a message lives for more than nothing and at most two days");
    }
    LATCHKEY_TRY_VOID(store::delete_expired_messages(act.db, act.now()));
    LATCHKEY_TRY(waiting, store::count_waiting_messages(act.db, device.uuid));
    if (waiting >= static_cast<std::int64_t>(kMaxWaitingMessages)) {
      return refuse(Reason::kQueueFull, "403004: " + std::to_string(waiting) + " messages wait for device '" + id +
                                            "' already: the most that its queue takes");
    }
    Message message;
    message.device = device.uuid;
    message.id = fresh.id;
    message.bag = fresh.bag;
    message.payload = fresh.payload;
    message.size = fresh.payload.size();
    message.enqueued = act.now();
    message.expires = fresh.expires;
    LATCHKEY_TRY_VOID(store::insert(act.db, message));
    LATCHKEY_TRY_VOID(store::tell_nodes(act.db, {0, ns, device.uuid, id, 0, {}}));
    act.note = "message '" + fresh.id + "', " + std::to_string(message.size) + " bytes";
    return message;
  });
}

Outcome<std::vector<Message>> SqlRegistry::list_messages(const std::string& ns, const std::string& id, UnixMs now) {
  return read<std::vector<Message>>([&](store::Database& db) -> Outcome<std::vector<Message>> {
    LATCHKEY_TRY(device, existing_device(db, ns, id));
    LATCHKEY_TRY(messages, store::messages_of(db, device.uuid));
    std::erase_if(messages, [now](const Message& one) { return one.expires <= now || done_by_time(one, now); });
    return messages;
  });
}

Outcome<Committed<std::uint64_t>> SqlRegistry::purge_messages(const Call& call, const std::string& ns,
                                                              const std::string& id) {
  const Call silent = unlabelled(call);
  return mutate<std::uint64_t>(silent, {"device.purgeMessages", device_path(ns, id)},
                               [&](Act& act) -> Outcome<std::uint64_t> {
                                 LATCHKEY_TRY(device, existing_device(act.db, ns, id));
                                 LATCHKEY_TRY_VOID(store::delete_expired_messages(act.db, act.now()));
                                 LATCHKEY_TRY(purged, store::delete_messages_of(act.db, device.uuid));
                                 act.note = std::to_string(purged) + " messages";
                                 return static_cast<std::uint64_t>(purged);
                               });
}

Outcome<bool> SqlRegistry::has_messages(const Uuid& device) {
  return read<bool>([&](store::Database& db) { return store::has_messages(db, device); });
}

Outcome<std::vector<Message>> SqlRegistry::waiting_messages(const Uuid& device, UnixMs now) {
  return read<std::vector<Message>>([&](store::Database& db) -> Outcome<std::vector<Message>> {
    LATCHKEY_TRY(messages, store::messages_of(db, device));
    std::erase_if(messages, [now](const Message& one) { return one.connection != 0 || one.expires <= now; });
    for (auto& message : messages) {
      LATCHKEY_TRY(payload, store::message_payload(db, message.number));
      message.payload = std::move(payload);
    }
    return messages;
  });
}

Outcome<Nothing> SqlRegistry::messages_sent(const MessageRecipient& recipient,
                                            const std::vector<std::uint64_t>& numbers, UnixMs now) {
  return keep([&](store::Database& db) -> Outcome<Nothing> {
    LATCHKEY_TRY(messages, store::messages_of(db, recipient.device));
    for (auto& message : messages) {
      if (std::find(numbers.begin(), numbers.end(), message.number) == numbers.end()) continue;
      message.connection = recipient.connection;
      message.kept = recipient.kept;
      message.sent = now;
      ++message.deliveries;
      LATCHKEY_TRY_VOID(store::update(db, message));
    }
    return bound_sent(db, recipient.device, now);
  });
}

Outcome<Nothing> SqlRegistry::messages_settled(MessageNews news, UnixMs now) {
  return keep([&](store::Database& db) -> Outcome<Nothing> {
    LATCHKEY_TRY(messages, store::messages_of(db, news.recipient.device));
    for (auto& message : messages) {
      if (message.connection == 0) continue;
      const Fate fate = fate_of(message, news, now);
      LATCHKEY_TRY_VOID(settle(db, std::move(message), fate));
    }
    return Nothing{};
  });
}

}  // namespace latchkey::registry
