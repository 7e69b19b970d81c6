// SPDX-License-Identifier: Apache-2.0
// The clock document of a rehearsal: a small JSON file that moves and stretches the wall clock of every process that
// reads it, so that a demonstration of expiry does not have to wait. The hub reads it, agents read it (--clock FILE).
//
//   {"offset": 86400.0, "rate": 60.0, "since": 1700000000.0}
//
//   offset  seconds added to the time; default 0
//   rate    how fast time runs from `since` on; default 1, 0 stands still, never negative
//   since   Unix seconds (real time) from which `rate` counts; required when rate is not 1
//
//   now = since + (real - since) * rate + offset
//
// Unknown members are ignored. Monotonic time is never touched.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "platform/base/ids.h"
#include "platform/ports/clock.h"

namespace latchkey::posix {

struct RehearsalDocument {
  double offset_s = 0;
  double rate = 1;
  double since_s = 0;  // has no effect while rate is 1
};

// kMalformed: no JSON object, a member of another type, not finite or out of range, `since` missing.
Result<RehearsalDocument> parse_rehearsal_document(std::string_view json);

UnixMs rehearsal_time(const RehearsalDocument& document, UnixMs real);

// A document in a file that may change or be replaced at any time. Looks at it at most every 50 ms of monotonic time,
// reads it when inode, size or time stamps changed, and keeps the last good one when it is missing or malformed
// (before the first good one: real time). Thread-safe.
class RehearsalClock {
 public:
  static constexpr ports::MonotonicMs kRecheckMs = 50;

  explicit RehearsalClock(std::string path) : path_(std::move(path)) {}

  UnixMs now(UnixMs real, ports::MonotonicMs monotonic);
  RehearsalDocument document(ports::MonotonicMs monotonic);

 private:
  struct Version {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t modified_ns = 0, changed_ns = 0;
    bool operator==(const Version&) const = default;
  };
  void refresh(ports::MonotonicMs monotonic);

  const std::string path_;
  std::mutex mutex_;  // guards what follows
  RehearsalDocument document_;
  Version version_;
  bool checked_ = false;
  ports::MonotonicMs checked_at_ = 0;
};

}  // namespace latchkey::posix
