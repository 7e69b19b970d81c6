// SPDX-License-Identifier: Apache-2.0
#include "platform/posix/clock.h"

#include <ctime>

#include "platform/posix/rehearsal_clock.h"

namespace latchkey::posix {
namespace {

constexpr UnixMs kPlausible = 1'704'067'200'000;  // 2024-01-01

std::int64_t read_ms(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);  // cannot fail for these two clocks
  return time.tv_sec * 1000LL + time.tv_nsec / 1'000'000;
}

}  // namespace

PosixClock::PosixClock() = default;
PosixClock::PosixClock(std::string document) : rehearsal_(std::make_unique<RehearsalClock>(std::move(document))) {}
PosixClock::~PosixClock() = default;

UnixMs PosixClock::now() const {
  const UnixMs real = read_ms(CLOCK_REALTIME);
  return rehearsal_ ? rehearsal_->now(real, monotonic()) : real;
}

ports::MonotonicMs PosixClock::monotonic() const { return static_cast<ports::MonotonicMs>(read_ms(CLOCK_BOOTTIME)); }

bool PosixClock::is_set() const { return read_ms(CLOCK_REALTIME) >= kPlausible; }

}  // namespace latchkey::posix
