// SPDX-License-Identifier: Apache-2.0
#include "hub/cli/internal/local_time.h"

#include <array>
#include <ctime>
#include <set>

#include "platform/base/moment.h"

namespace latchkey::hub::cli {
namespace {

constexpr UnixMs kSecond = 1000;

std::tm parts_of(UnixMs at, bool local) {
  const std::time_t seconds = at / kSecond;
  std::tm parts{};
  if (local) {
    ::localtime_r(&seconds, &parts);
  } else {
    ::gmtime_r(&seconds, &parts);
  }
  return parts;
}

std::string printed(const std::tm& parts, const char* format) {
  std::array<char, 96> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

// Seconds east of UTC.
UnixMs offset_at(UnixMs at) { return static_cast<UnixMs>(parts_of(at, true).tm_gmtoff); }

// All moments at which local clocks show what would be `shown` in UTC: none, one or two. No clock is changed twice in
// two days, so that only the offsets of a day before and a day after come into question.
std::set<UnixMs> moments_of(UnixMs shown) {
  constexpr UnixMs kDay = 86'400 * kSecond;
  std::set<UnixMs> moments;
  for (const UnixMs near : {shown - kDay, shown + kDay}) {
    const UnixMs at = shown - offset_at(near) * kSecond;
    if (at + offset_at(at) * kSecond == shown) moments.insert(at);
  }
  return moments;
}

}  // namespace

tl::expected<UnixMs, std::string> read_moment(const std::string& text) {
  constexpr UnixMs kMinute = 60 * kSecond;
  const auto fail = [&](const std::string& why) { return tl::unexpected<std::string>("'" + text + "' " + why); };
  const auto written = parse_time(text);
  if (!written) return fail("is no time like 2026-01-31T12:00 (local), 2026-01-31T12:00:00Z or 2026-01-31T12:00+01:00");
  const UnixMs shown = utc_of(written->time);
  if (written->offset) return shown - *written->offset * kMinute;
  ::tzset();
  const auto moments = moments_of(shown);
  if (moments.empty()) return fail("is skipped by the clocks of this zone; say which offset you mean, as in +01:00");
  if (moments.size() > 1) return fail("comes twice in this zone; say which offset you mean, as in +01:00");
  return *moments.begin();
}

std::string utc_text(UnixMs at) { return printed(parts_of(at, false), "%Y-%m-%dT%H:%M:%SZ"); }

std::string local_text(UnixMs at) { return printed(parts_of(at, true), "%Y-%m-%d %H:%M:%S %z (%Z)"); }

}  // namespace latchkey::hub::cli
