// SPDX-License-Identifier: Apache-2.0
#include "hub/session/internal/mailboxes.h"

#include <algorithm>

#include "hub/session/internal/property_bag.h"

namespace latchkey::hub::session {

using registry::MessageNews;

std::shared_ptr<Mailboxes::Live> Mailboxes::find(wire::ConnectionId connection) const {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(connection);
  return found == connections_.end() ? nullptr : found->second;
}

std::shared_ptr<Mailboxes::Live> Mailboxes::current(const std::string& device_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = devices_.find(device_id);
  return found == devices_.end() ? nullptr : found->second;
}

std::mutex& Mailboxes::order_of(const std::string& device_id) {
  return order_[std::hash<std::string>{}(device_id) % order_.size()];
}

void Mailboxes::opened(const wire::Opened& opened) {
  if (!opened.identifier) return;
  const std::lock_guard order(order_of(opened.client_id));
  auto live = find(opened.connection);
  if (!live) {
    live = std::make_shared<Live>();
    live->device_id = opened.client_id;
    live->recipient = {opened.identifier->device, opened.connection, opened.kept};
    live->sent = opened.resent;  // perhaps by the hub process before this one
    const std::lock_guard lock(mutex_);
    connections_[opened.connection] = live;
    devices_[opened.client_id] = live;
  }
  const auto& filters = opened.filters;
  live->listens = std::find(filters.begin(), filters.end(), devicebound_filter(opened.client_id)) != filters.end();
  live->settled = !opened.resumes;
  live->on_way.clear();  // told again: what was on its way may be lost
  if (!live->settled) return;
  settle(*live, {MessageNews::What::kNewSession, live->recipient});
  send_waiting(*live);
}

void Mailboxes::resumed(const wire::Resumed& resumed) {
  const auto live = find(resumed.connection);
  if (!live) return;
  const std::string prefix = devicebound_topic(live->device_id, "");
  MessageNews news{MessageNews::What::kResumed, live->recipient};
  for (const auto& topic : resumed.unacknowledged) {
    if (topic.starts_with(prefix)) news.unacknowledged.push_back(topic.substr(prefix.size()));
  }
  const std::lock_guard order(order_of(live->device_id));
  settle(*live, std::move(news));
  live->settled = true;
  send_waiting(*live);
}

void Mailboxes::subscribed(const wire::Subscribed& subscribed) {
  const auto live = find(subscribed.connection);
  if (!live || subscribed.filter != devicebound_filter(live->device_id)) return;
  const std::lock_guard order(order_of(live->device_id));
  live->listens = !subscribed.ended;
  if (subscribed.ended) live->on_way.clear();  // what has no answer by now came to nobody
  send_waiting(*live);
}

void Mailboxes::delivered(const wire::Delivered& delivered) {
  const auto live = find(delivered.connection);
  if (!live) return;
  const std::lock_guard order(order_of(live->device_id));
  for (const std::uint64_t number : delivered.tags) live->on_way.erase(number);
  live->sent = true;
  (void)registry_.messages_sent(live->recipient, delivered.tags, options_.now());
}

void Mailboxes::closed(wire::ConnectionId connection) {
  const auto live = find(connection);
  if (!live) return;
  {
    const std::lock_guard order(order_of(live->device_id));
    if (live->sent && !live->recipient.kept) settle(*live, {MessageNews::What::kEnded, live->recipient});
    const std::lock_guard lock(mutex_);
    connections_.erase(connection);
    const auto device = devices_.find(live->device_id);
    if (device != devices_.end() && device->second == live) devices_.erase(device);
  }
  offer(live->device_id);  // it may have another connection by now
}

void Mailboxes::offer(const std::string& device_id) {
  const std::lock_guard order(order_of(device_id));
  if (const auto live = current(device_id)) send_waiting(*live);
}

// A storage error leaves messages where they are: the next session of the device settles them.
void Mailboxes::settle(Live& live, MessageNews news) {
  const auto any = registry_.has_messages(live.recipient.device);
  if (any && *any) (void)registry_.messages_settled(std::move(news), options_.now());
}

void Mailboxes::send_waiting(Live& live) {
  if (!live.listens || !live.settled) return;
  const auto any = registry_.has_messages(live.recipient.device);
  if (!any || !*any) return;
  auto waiting = registry_.waiting_messages(live.recipient.device, options_.now());
  if (!waiting) return;
  for (auto& message : *waiting) {
    if (!live.on_way.insert(message.number).second) continue;
    outbox_.deliver({live.recipient.connection, devicebound_topic(live.device_id, message.bag),
                     std::move(message.payload), 1, message.number});
    directory_.count_cloud_to_device();
  }
}

}  // namespace latchkey::hub::session
