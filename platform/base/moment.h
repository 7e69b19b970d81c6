// SPDX-License-Identifier: Apache-2.0
// Moments as people and programs write them: RFC 3339 section 5.6. Pure; threads: any.
#pragma once

#include <optional>
#include <string_view>

#include "platform/base/ids.h"

namespace latchkey {

// A date and a time of day, of no zone in particular.
struct CivilTime {
  int year = 1970;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int ms = 0;
};

struct WrittenTime {
  CivilTime time;
  std::optional<int> offset;  // minutes east of UTC; nothing: no zone is written
};

// "2026-11-21T13:22:18.123Z", "2026-11-21 14:22+01:00", "2026-11-21T14:22": seconds, their parts (cut off behind the
// millisecond) and the zone may be left out. Nothing when it is anything else, or a day or time that there is not; leap
// seconds are none here.
std::optional<WrittenTime> parse_time(std::string_view text);

// The same, with seconds and a zone, as RFC 3339 wants it.
std::optional<UnixMs> parse_rfc3339(std::string_view text);

// As if the zone were UTC; the time is one that parse_time has read.
UnixMs utc_of(const CivilTime& time);

}  // namespace latchkey
