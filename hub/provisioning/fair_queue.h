// SPDX-License-Identifier: Apache-2.0
// A bounded queue that is fair between groups: whoever is taken out is of the group whose turn it is, one of each after
// the other, and within a group the oldest.
//
// No group may hold more than is still free in all (the dynamic threshold of Choudhury and Hahne): one alone gets half
// of the room, two a third each, and whoever comes later always finds some. A wave of one group fills its own part and
// is in nobody else's way.
//
// One thread at a time; what the queue is for has a lock.
#pragma once

#include <cstddef>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace latchkey::hub::provisioning {

template <class Item>
class FairQueue {
 public:
  struct Limits {
    std::size_t count = 0;
    std::size_t bytes = 0;
  };
  explicit FairQueue(const Limits& limits) : limits_(limits) {}

  // Is there room for one more of that group, of so many bytes, where `room` may wait in all (at most Limits::count)?
  bool fits(const std::string& group, std::size_t bytes, std::size_t room) const {
    const Held held = held_by(group);
    return held.count < free_of(room) && bytes <= limits_.bytes - bytes_ &&
           held.bytes + bytes <= limits_.bytes - bytes_;
  }
  // Is little of what that group may have left?
  bool crowded(const std::string& group, std::size_t room) const {
    const Held held = held_by(group);
    return 4 * held.count >= 3 * free_of(room) || 4 * held.bytes >= 3 * (limits_.bytes - bytes_);
  }
  // It fits.
  void push(const std::string& group, std::size_t bytes, Item item) {
    auto found = groups_.find(group);
    if (found == groups_.end()) {
      turns_.push_back({group, {}, 0});
      found = groups_.emplace(group, std::prev(turns_.end())).first;
    }
    found->second->items.emplace_back(bytes, std::move(item));
    found->second->bytes += bytes;
    ++count_;
    bytes_ += bytes;
  }
  std::optional<Item> pop() {
    if (turns_.empty()) return std::nullopt;
    Group& group = turns_.front();
    auto [bytes, item] = std::move(group.items.front());
    group.items.pop_front();
    group.bytes -= bytes;
    --count_;
    bytes_ -= bytes;
    if (group.items.empty()) {
      groups_.erase(group.name);
      turns_.pop_front();
    } else {
      turns_.splice(turns_.end(), turns_, turns_.begin());
    }
    return std::move(item);
  }

  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  std::size_t bytes() const { return bytes_; }
  std::size_t groups() const { return groups_.size(); }

 private:
  struct Group {
    std::string name;
    std::deque<std::pair<std::size_t, Item>> items;  // never empty
    std::size_t bytes = 0;
  };
  struct Held {
    std::size_t count = 0;
    std::size_t bytes = 0;
  };
  Held held_by(const std::string& group) const {
    const auto found = groups_.find(group);
    return found == groups_.end() ? Held{} : Held{found->second->items.size(), found->second->bytes};
  }
  std::size_t free_of(std::size_t room) const {
    const std::size_t all = room < limits_.count ? room : limits_.count;
    return count_ < all ? all - count_ : 0;
  }

  const Limits limits_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  std::list<Group> turns_;  // whose turn it is comes first
  std::unordered_map<std::string, typename std::list<Group>::iterator> groups_;
};

}  // namespace latchkey::hub::provisioning
