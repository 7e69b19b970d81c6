// SPDX-License-Identifier: Apache-2.0
// Calendar days, as documents and company registers have them: without a time and in no zone. Counted from 1970-01-01.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "registry/model/resources.h"

namespace latchkey::registry::signing {

using Day = std::int64_t;

// "2015-03-31", a day that exists, from 1600 on.
std::optional<Day> parse_day(std::string_view text);
// The day in UTC.
Day day_of(UnixMs at);
// The same day of the month so many months on; the month's last day where there is no such day.
Day add_months(Day day, int months);

}  // namespace latchkey::registry::signing
