// SPDX-License-Identifier: Apache-2.0
// Dates and times of day in UTC, as certificates and timestamps write them, and the moments that they mean.
#pragma once

#include "platform/base/ids.h"

namespace latchkey::crypto {

struct CivilTime {
  int year = 1970;
  int month = 1;  // 1 to 12
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

// Days from 1970-01-01 in the proleptic Gregorian calendar; years start in March so that leap days come last.
inline std::int64_t days_from_civil(int year, int month, int day) {
  const std::int64_t y = month <= 2 ? year - 1 : year;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t year_of_era = y - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

// Fields out of range are not looked for; the answer is then some other moment.
inline UnixMs unix_ms_of(const CivilTime& time) {
  const std::int64_t hours = days_from_civil(time.year, time.month, time.day) * 24 + time.hour;
  return ((hours * 60 + time.minute) * 60 + time.second) * 1000;
}

}  // namespace latchkey::crypto
