// SPDX-License-Identifier: Apache-2.0
#include "platform/semihosting/wall_clock.h"

#include <ctime>

#include "platform/semihosting/semihosting.h"

namespace latchkey::semihosting {
namespace {

std::int64_t g_offset_s = 0;

std::int64_t now_s() { return std::int64_t{host_time()} + g_offset_s; }

}  // namespace

UnixMs wall_clock() { return UnixMs{now_s()} * 1000; }

void set_wall_clock_offset(std::int64_t seconds) { g_offset_s = seconds; }

}  // namespace latchkey::semihosting

extern "C" time_t time(time_t* out) {
  const auto now = static_cast<time_t>(latchkey::semihosting::wall_clock() / 1000);
  if (out != nullptr) *out = now;
  return now;
}
