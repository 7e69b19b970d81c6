// SPDX-License-Identifier: Apache-2.0
// What an agent wants done. Views point into the core and live until its next step(): perform in order, at once.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <variant>

#include "agent/core/record.h"
#include "agent/core/report.h"
#include "platform/crypto/key.h"
#include "platform/ports/mqtt_link.h"
#include "platform/ports/storage.h"

namespace latchkey::agent {

// Answered by KeyMade or KeyFailed with the same ticket.
struct MakeKey {
  std::uint32_t ticket;
  crypto::Curve curve;
  std::string_view common_name;
};
// Answered by Stored with the same ticket.
struct Store {
  std::uint32_t ticket;
  ports::Item item;
  ByteView bytes;
};
// Read the record in that item, change its state, write it back. Answered by Stored with the same ticket.
struct MarkRecord {
  std::uint32_t ticket;
  ports::Item item;
  RecordState state;
};
// Not answered: what remains does no harm.
struct Erase {
  ports::Item item;
};
// Answered by LinkUp and LinkEnded, or LinkEnded alone (kLocal when it could not even be tried).
struct Connect {
  ports::LinkRequest request;
};
struct Disconnect {};
struct Subscribe {
  std::string_view filter;
};
struct Publish {
  std::string_view topic;
  std::string_view payload;
};

using Action = std::variant<MakeKey, Store, MarkRecord, Erase, Connect, Disconnect, Subscribe, Publish, Report>;

class Actions {
 public:
  static constexpr std::size_t kMax = 12;

  void add(const Action& action) {
    if (size_ < kMax) {
      items_[size_++] = action;
    } else {
      overflow_ = true;
    }
  }
  void clear() { size_ = 0; }
  const Action* begin() const { return items_.data(); }
  const Action* end() const { return items_.data() + size_; }
  std::size_t size() const { return size_; }
  bool overflow() const { return overflow_; }

 private:
  std::array<Action, kMax> items_{};
  std::size_t size_ = 0;
  bool overflow_ = false;
};

}  // namespace latchkey::agent
