// SPDX-License-Identifier: Apache-2.0
// What the writer has read of rows that seldom change (enrollments, policies, CAs, hubs), for as long as none of them
// has: devices ask for the same few over and over, and on another machine each answer is a wait for the network.
//
// It holds for one edition (Transaction::touch), a number in the registry that goes on in the commit of every act that
// may change such a row, whichever node's it is. A transaction reads it when it has its turn, so nothing is found here
// that a statement of that transaction would not find.
//
// Threads: the writer's alone.
#pragma once

#include <any>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "platform/base/bytes.h"
#include "registry/model/refusal.h"

namespace latchkey::registry::store {

class Memo {
 public:
  // From here on what is read is of that edition, by that connection: another one may be to a server that lost some.
  void begin(std::int64_t edition, std::uint64_t connection) {
    if (edition != edition_ || connection != connection_ || found_.size() > kMost) found_.clear();
    edition_ = edition;
    connection_ = connection;
    holds_ = true;
  }
  // Nothing is known, nor kept, until begin().
  void forget() {
    found_.clear();
    holds_ = false;
  }

  // What `read` answered for that key of that kind of row; errors are not kept.
  template <class Read>
  std::invoke_result_t<Read> recall(std::string_view kind, std::string_view key, Read read) {
    if (!holds_) return read();
    using Found = typename std::invoke_result_t<Read>::value_type;
    std::string name(kind);
    name += '/';
    name += key;
    if (const auto known = found_.find(name); known != found_.end()) return std::any_cast<const Found&>(known->second);
    LATCHKEY_TRY(found, read());
    found_.emplace(std::move(name), found);
    return found;
  }

 private:
  static constexpr std::size_t kMost = 1'000;

  std::int64_t edition_ = -1;
  std::uint64_t connection_ = 0;
  bool holds_ = false;
  std::unordered_map<std::string, std::any> found_;
};

}  // namespace latchkey::registry::store
