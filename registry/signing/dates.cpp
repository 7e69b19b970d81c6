// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/dates.h"

#include <charconv>
#include <chrono>

namespace latchkey::registry::signing {
namespace {

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.front() == '-') return std::nullopt;
  return value;
}

}  // namespace

std::optional<Day> parse_day(std::string_view text) {
  using namespace std::chrono;
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto y = number(text.substr(0, 4));
  const auto m = number(text.substr(5, 2));
  const auto d = number(text.substr(8, 2));
  if (!y || !m || !d || *y < 1600) return std::nullopt;
  const year_month_day day(year(*y), month(static_cast<unsigned>(*m)), std::chrono::day(static_cast<unsigned>(*d)));
  if (!day.ok()) return std::nullopt;
  return sys_days(day).time_since_epoch().count();
}

Day day_of(UnixMs at) {
  constexpr UnixMs kDayMs = 24LL * 60 * 60 * 1000;
  return at >= 0 ? at / kDayMs : (at - kDayMs + 1) / kDayMs;
}

Day add_months(Day day, int months) {
  using namespace std::chrono;
  const year_month_day from(sys_days(days(static_cast<int>(day))));
  const year_month to = year_month(from.year(), from.month()) + std::chrono::months(months);
  const year_month_day same(to.year(), to.month(), from.day());
  const sys_days at = same.ok() ? sys_days(same) : sys_days(to / last);
  return at.time_since_epoch().count();
}

}  // namespace latchkey::registry::signing
