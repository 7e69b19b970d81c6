// SPDX-License-Identifier: Apache-2.0
// The machine's clocks: CLOCK_REALTIME, moved by a rehearsal document if one is named, and CLOCK_BOOTTIME, which goes
// on while the machine sleeps. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "platform/ports/clock.h"

namespace latchkey::posix {

class RehearsalClock;

class PosixClock final : public ports::Clock {
 public:
  PosixClock();
  // `document`: path of a clock document (rehearsal_clock.h); it need not exist yet.
  explicit PosixClock(std::string document);
  ~PosixClock() override;

  UnixMs now() const override;
  ports::MonotonicMs monotonic() const override;
  // False while the real time is before this program could have been written: no battery, not yet synchronised.
  bool is_set() const override;

 private:
  const std::unique_ptr<RehearsalClock> rehearsal_;
};

}  // namespace latchkey::posix
