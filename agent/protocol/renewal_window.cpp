// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/renewal_window.h"

#include <array>

#include "agent/protocol/json_members.h"

namespace latchkey::agent {
namespace {

using Token = JsonReader::Token;

constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
constexpr std::uint32_t kYears[] = {1970, 2105};
constexpr std::uint32_t kDaysBefore1970 = 719'468;  // since 0000-03-01

bool digit(char c) { return c >= '0' && c <= '9'; }

// Year, month, day, hour, minute, second. False for another shape.
using Parts = std::array<std::uint32_t, 6>;
bool read_parts(std::string_view text, Parts& parts) {
  if (text.size() <= kShape.size()) return false;
  std::size_t part = 0;
  std::size_t at = 0;
  for (; at < kShape.size(); ++at) {
    const bool wants_digit = kShape[at] == 'd';
    if (wants_digit ? !digit(text[at]) : text[at] != kShape[at]) return false;
    if (wants_digit) parts[part] = parts[part] * 10 + static_cast<std::uint32_t>(text[at] - '0');
    if (!wants_digit) ++part;
  }
  if (text[at] == '.') {
    const std::size_t first = ++at;
    while (at < text.size() && digit(text[at])) ++at;
    if (at == first) return false;
  }
  return text.substr(at) == "Z";
}

std::uint32_t days_in(std::uint32_t year, std::uint32_t month) {
  const bool leap = year % 4 == 0 && year != 2100;  // within kYears
  return month == 2 ? (leap ? 29 : 28) : 30 + ((month + month / 8) & 1);
}

Result<void> read_time(JsonReader& reader, std::uint32_t& out) {
  LATCHKEY_TRY(token, reader.next());
  out = token == Token::kString ? parse_utc_seconds(reader.string().raw) : 0;
  return reader.skip(token);
}

}  // namespace

std::uint32_t parse_utc_seconds(std::string_view text) {
  Parts parts{};
  if (!read_parts(text, parts)) return 0;
  const auto [year, month, day, hour, minute, second] = parts;
  if (year < kYears[0] || year > kYears[1] || month < 1 || month > 12 || day < 1 || day > days_in(year, month)) {
    return 0;
  }
  if (hour > 23 || minute > 59 || second > 59) return 0;
  // Years start in March, so that leap days come last.
  const std::uint32_t y = month <= 2 ? year - 1 : year;
  const std::uint32_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const std::uint32_t days = 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - kDaysBefore1970;
  return ((days * 24 + hour) * 60 + minute) * 60 + second;
}

Result<void> read_renewal_window(JsonReader& reader, RenewalWindow& out) {
  out = {};
  LATCHKEY_TRY(token, reader.next());
  if (token != Token::kObjectBegin) return reader.skip(token);
  LATCHKEY_TRY_VOID(read_members(reader, [&](JsonString key) {
    if (key.equals("start")) return read_time(reader, out.start_s);
    if (key.equals("end")) return read_time(reader, out.end_s);
    return skip_value(reader);
  }));
  if (out.start_s == 0 || out.end_s == 0) out = {};
  return {};
}

}  // namespace latchkey::agent
