// SPDX-License-Identifier: Apache-2.0
// TLS connections that have not sent CONNECT yet. The broker itself gives them a minute and a half and sets no limit
// to their number, so that anybody could hold all of its descriptors: here they get a deadline, and beyond a number
// those that have been silent longest have to go.
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
    std::uint64_t silent_ms = 1'000;     // ...for longer than this: a handshake under load is not silence
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

 private:
  struct Since {
    std::uint64_t opened_ms = 0;
    std::uint64_t heard_ms = 0;
  };
  const Limits limits_;
  std::unordered_map<TlsHandle, Since> waiting_;
  TlsHandle last_heard_ = nullptr;
};

}  // namespace latchkey::hub::gate
