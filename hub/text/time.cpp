// SPDX-License-Identifier: Apache-2.0
#include "hub/text/time.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace latchkey::hub::text {
namespace {

struct Parts {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<std::chrono::milliseconds> time;
  std::chrono::weekday weekday;
};

// <chrono> and not gmtime_r, which takes a lock that all threads of the process share.
Parts parts_of(UnixMs at) {
  using namespace std::chrono;
  const sys_time<milliseconds> instant{milliseconds(at)};
  const auto day = floor<days>(instant);
  return {year_month_day(day), hh_mm_ss<milliseconds>(instant - day), weekday(day)};
}

template <class... Values>
std::string printed(const char* format, Values... values) {
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

// To the millisecond, without the letter for the zone.
std::string to_milliseconds(UnixMs at) {
  const auto p = parts_of(at);
  return printed("%04d-%02u-%02uT%02d:%02d:%02d.%03d", static_cast<int>(p.date.year()),
                 static_cast<unsigned>(p.date.month()), static_cast<unsigned>(p.date.day()),
                 static_cast<int>(p.time.hours().count()), static_cast<int>(p.time.minutes().count()),
                 static_cast<int>(p.time.seconds().count()), static_cast<int>(p.time.subseconds().count()));
}

}  // namespace

std::string iso8601(UnixMs at) { return to_milliseconds(at) + "Z"; }

std::string iso8601_ticks(UnixMs at) { return to_milliseconds(at) + "0000Z"; }

std::string rfc7231(UnixMs at) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto p = parts_of(at);
  return printed("%s, %02u %s %04d %02d:%02d:%02d GMT", kDays[p.weekday.c_encoding()],
                 static_cast<unsigned>(p.date.day()), kMonths[static_cast<unsigned>(p.date.month()) - 1],
                 static_cast<int>(p.date.year()), static_cast<int>(p.time.hours().count()),
                 static_cast<int>(p.time.minutes().count()), static_cast<int>(p.time.seconds().count()));
}

}  // namespace latchkey::hub::text
