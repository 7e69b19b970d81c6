// SPDX-License-Identifier: Apache-2.0
// Cloud-to-device messages: what waits in the registry goes out over the connection that a device has, and what is
// learnt of its fate goes back. Threads: any; all block on the registry. A device's messages leave under a lock of that
// device's, so in their order.
//
// A message is sent when the broker says that it has it (wire::Delivered), and settled by what becomes of the session:
// see model/message.h. Until the first, it waits in the registry, and only this process knows that it is on its way.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "hub/session/internal/directory.h"

namespace latchkey::hub::session {

class Mailboxes {
 public:
  // All outlive this object.
  Mailboxes(registry::Registry& registry, Outbox& outbox, Directory& directory, const Options& options)
      : registry_(registry), outbox_(outbox), directory_(directory), options_(options) {}

  // Every connection whose certificate names a device, also when it is told again after a lost link.
  void opened(const wire::Opened& opened);
  void resumed(const wire::Resumed& resumed);
  void subscribed(const wire::Subscribed& subscribed);
  void delivered(const wire::Delivered& delivered);
  void closed(wire::ConnectionId connection);

  // Sends what waits, if the device is connected and listens.
  void offer(const std::string& device_id);

 private:
  // Guarded by the device's lock, but for the first two.
  struct Live {
    std::string device_id;
    registry::MessageRecipient recipient;
    bool listens = false;
    bool settled = false;            // what earlier connections left is known: nothing goes out before
    bool sent = false;               // the registry may have messages that went over this connection
    std::set<std::uint64_t> on_way;  // numbers of messages that the broker has not confirmed
  };

  std::shared_ptr<Live> find(wire::ConnectionId connection) const;
  std::shared_ptr<Live> current(const std::string& device_id) const;
  std::mutex& order_of(const std::string& device_id);
  void settle(Live& live, registry::MessageNews news);
  void send_waiting(Live& live);

  registry::Registry& registry_;
  Outbox& outbox_;
  Directory& directory_;
  const Options& options_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::unordered_map<wire::ConnectionId, std::shared_ptr<Live>> connections_;
  std::unordered_map<std::string, std::shared_ptr<Live>> devices_;  // the newest connection of each
  std::array<std::mutex, 64> order_;
};

}  // namespace latchkey::hub::session
