// SPDX-License-Identifier: Apache-2.0
// TLS connections that have not sent CONNECT yet. The broker itself gives them a minute and a half and sets no limit
// to their number, so that anybody could hold all of its descriptors: here they get a deadline, and beyond a number
// silent ones have to go: first those that never said a word, for whom nothing was done yet, then those that have been
// silent longest. Those that are not silent are counted, so that the gate begins no more handshakes than it can finish.
//
// The broker tells nobody which TLS connection a CONNECT came from. But it has one thread and handles a packet as soon
// as its bytes are read, so it is the connection that was heard last.
//
// One thread, the broker's. Time by a clock that does not stop in suspend.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace latchkey::hub::gate {

// The TLS library's object for a connection. Only ever compared, until it is reported closed.
using TlsHandle = const void*;

class Arrivals {
 public:
  struct Limits {
    std::uint64_t deadline_ms = 10'000;  // from TCP accept to CONNECT
    std::size_t silent_most = 256;       // connections that may keep silent at one time...
    std::uint64_t silent_ms = 1'000;     // ...for longer than this, that have said nothing at all...
    // ...or than this in the middle of a handshake: in a storm a client may be as busy as the broker, and what was done
    // for it would be done again.
    std::uint64_t stalled_ms = 5'000;
  };
  explicit Arrivals(const Limits& limits) : limits_(limits) {}

  void opened(TlsHandle connection, std::uint64_t now_ms);
  // A TLS record of it was read.
  void heard(TlsHandle connection, std::uint64_t now_ms);
  void closed(TlsHandle connection);
  // CONNECT came in on the connection that was heard last, which is nobody's concern any more: answers it, or nullptr.
  TlsHandle introduced();

  // Those that have to go now, until they are closed.
  std::vector<TlsHandle> overdue(std::uint64_t now_ms) const;
  std::size_t size() const { return waiting_.size(); }
  // Those that are neither silent nor older than stalled_ms.
  std::size_t busy(std::uint64_t now_ms) const;

 private:
  struct Since {
    std::uint64_t opened_ms = 0;
    std::uint64_t heard_ms = 0;
    bool spoke = false;
  };
  bool silent(const Since& since, std::uint64_t now_ms) const {
    return now_ms - since.heard_ms >= (since.spoke ? limits_.stalled_ms : limits_.silent_ms);
  }
  const Limits limits_;
  std::unordered_map<TlsHandle, Since> waiting_;
  TlsHandle last_heard_ = nullptr;
};

}  // namespace latchkey::hub::gate
