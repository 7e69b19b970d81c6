// SPDX-License-Identifier: Apache-2.0
#include "platform/base/moment.h"

#include <cstddef>

namespace latchkey {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  // Exactly that many digits.
  bool number(std::size_t digits, int& value) {
    if (rest_.size() < digits) return false;
    value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return false;
      value = 10 * value + (rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return true;
  }
  // One of those.
  bool take(std::string_view any) {
    if (rest_.empty() || any.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // ".1", ".123456789": to the millisecond.
  bool fraction(int& ms) {
    constexpr int kMost = 9;
    int digits = 0;
    int digit = 0;
    int unit = 100;
    for (; digits < kMost && number(1, digit); ++digits, unit /= 10) ms += digit * unit;
    return digits > 0;
  }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

int days_in(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

bool exists(const CivilTime& time) {
  if (time.year < 1 || time.month < 1 || time.month > 12) return false;
  if (time.day < 1 || time.day > days_in(time.year, time.month)) return false;
  return time.hour < 24 && time.minute < 60 && time.second < 60;
}

// "Z", "+01:00".
bool read_zone(Scanner& text, std::optional<int>& offset) {
  if (text.take("Zz")) {
    offset = 0;
    return true;
  }
  const bool east = text.take("+");
  if (!east && !text.take("-")) return false;
  int hours = 0;
  int minutes = 0;
  if (!text.number(2, hours) || !text.take(":") || !text.number(2, minutes) || hours > 23 || minutes > 59) return false;
  offset = (east ? 1 : -1) * (60 * hours + minutes);
  return true;
}

struct Read {
  WrittenTime written;
  bool seconds = false;
};

std::optional<Read> read(std::string_view words) {
  Scanner text(words);
  Read result;
  auto& time = result.written.time;
  const bool day = text.number(4, time.year) && text.take("-") && text.number(2, time.month) && text.take("-") &&
                   text.number(2, time.day);
  if (!day || !text.take("Tt ")) return std::nullopt;
  if (!text.number(2, time.hour) || !text.take(":") || !text.number(2, time.minute)) return std::nullopt;
  result.seconds = text.take(":");
  if (result.seconds && !text.number(2, time.second)) return std::nullopt;
  if (result.seconds && text.take(".") && !text.fraction(time.ms)) return std::nullopt;
  if (!text.done() && !read_zone(text, result.written.offset)) return std::nullopt;
  if (!text.done() || !exists(time)) return std::nullopt;
  return result;
}

}  // namespace

std::optional<WrittenTime> parse_time(std::string_view text) {
  const auto result = read(text);
  return result ? std::optional(result->written) : std::nullopt;
}

std::optional<UnixMs> parse_rfc3339(std::string_view text) {
  constexpr UnixMs kMinute = 60'000;
  const auto result = read(text);
  if (!result || !result->seconds || !result->written.offset) return std::nullopt;
  return utc_of(result->written.time) - *result->written.offset * kMinute;
}

// Days by the calendar that repeats every 400 years, counted from March so that the leap day is a year's last.
UnixMs utc_of(const CivilTime& time) {
  constexpr UnixMs kDaysOfEra = 146'097;
  constexpr UnixMs kEpoch = 719'468;  // days from March of the year 0 to 1970
  const UnixMs year = time.month > 2 ? time.year : time.year - 1;
  const UnixMs era = year / 400;
  const UnixMs of_era = year % 400;
  const UnixMs month = (time.month + 9) % 12;
  const UnixMs day_of_year = (153 * month + 2) / 5 + time.day - 1;
  const UnixMs day = era * kDaysOfEra + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - kEpoch;
  return (((day * 24 + time.hour) * 60 + time.minute) * 60 + time.second) * 1000 + time.ms;
}

}  // namespace latchkey
