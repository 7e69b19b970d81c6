// SPDX-License-Identifier: Apache-2.0
#include "agent/story/status_json.h"

#include "agent/story/report_text.h"

namespace latchkey::agent {
namespace {

struct Date {
  std::uint32_t year;
  std::uint32_t month;
  std::uint32_t day;
};

// The proleptic Gregorian calendar, in years that begin with March: the leap day is the last one of them.
Date date_of(std::uint32_t days_since_1970) {
  constexpr std::uint32_t kDaysTo1970 = 719'468;  // since 1 March of the year 0
  constexpr std::uint32_t kEra = 146'097;         // days of 400 years
  const std::uint32_t days = days_since_1970 + kDaysTo1970;
  const std::uint32_t in_era = days % kEra;
  const std::uint32_t year = (in_era - in_era / 1'460 + in_era / 36'524 - in_era / 146'096) / 365;
  const std::uint32_t in_year = in_era - (365 * year + year / 4 - year / 100);
  const std::uint32_t march_month = (5 * in_year + 2) / 153;
  const std::uint32_t month = march_month < 10 ? march_month + 3 : march_month - 9;
  return {days / kEra * 400 + year + (month <= 2 ? 1 : 0), month, in_year - (153 * march_month + 2) / 5 + 1};
}

void put_name(TextWriter& out, std::string_view name) { out.put(",\"").put(name).put("\":"); }

void put_text(TextWriter& out, std::string_view name, std::string_view text) {
  put_name(out, name);
  out.put('"').put_json_escaped(text).put('"');
}

void put_number(TextWriter& out, std::string_view name, std::uint64_t number) {
  put_name(out, name);
  out.put_decimal(number);
}

void put_time(TextWriter& out, std::string_view name, bool known, UnixMs time) {
  put_name(out, name);
  out.put('"');
  if (known) put_rfc3339(out, time);
  out.put('"');
}

void put_refusal(TextWriter& out, const Refusal& refusal) {
  put_name(out, "last_refusal");
  if (refusal.who == RefusedBy::kNobody && refusal.message.empty()) {
    out.put("null");
    return;
  }
  out.put(R"({"where":")").put(to_string(refusal.who)).put('"');
  if (refusal.connack != 0) put_number(out, "connack", refusal.connack);
  if (refusal.tls_alert != 0) put_number(out, "tls_alert", refusal.tls_alert);
  if (refusal.dps_status != 0) put_number(out, "dps_status", refusal.dps_status);
  if (refusal.error_code != 0) put_number(out, "error_code", refusal.error_code);
  std::array<std::uint8_t, 160> room;
  TextWriter clean(room);
  put_printable(clean, refusal.message.view(), room.size());
  put_text(out, "message", clean.finish().value_or(""));
  out.put('}');
}

}  // namespace

void put_rfc3339(TextWriter& out, UnixMs time) {
  const auto ms = static_cast<std::uint64_t>(time < 0 ? 0 : time);
  const auto seconds = static_cast<std::uint32_t>(ms / 1000 % 86'400);
  const Date date = date_of(static_cast<std::uint32_t>(ms / 86'400'000));
  out.put_decimal(date.year, 4).put('-').put_decimal(date.month, 2).put('-').put_decimal(date.day, 2).put('T');
  out.put_decimal(seconds / 3600, 2).put(':').put_decimal(seconds / 60 % 60, 2).put(':').put_decimal(seconds % 60, 2);
  out.put('.').put_decimal(ms % 1000, 3).put('Z');
}

void put_status(TextWriter& out, const Summary& summary, std::string_view registration_id, UnixMs since) {
  const Credential* credential = summary.credential;
  const bool known = credential != nullptr;
  out.put(R"({"state":")").put(to_string(summary.state)).put('"');
  put_time(out, "since", true, since);
  put_text(out, "registration_id", registration_id);
  put_text(out, "hub", known ? credential->hub.view() : "");
  put_text(out, "slot", !known ? "" : summary.slot == Slot::kA ? "a" : "b");
  put_number(out, "generation", known ? credential->generation : 0);
  put_text(out, "serial", known ? credential->serial.view() : "");
  put_time(out, "not_before", known, known ? credential->not_before : 0);
  put_time(out, "not_after", known, known ? credential->not_after : 0);
  put_time(out, "renew_at", known, summary.renewal_at);
  put_number(out, "telemetry_sent", summary.telemetry_sent);
  put_number(out, "telemetry_acked", summary.telemetry_acked);
  put_number(out, "devicebound_count", summary.devicebound);
  put_number(out, "provisioned_count", summary.provisioned);
  put_number(out, "renewed_count", summary.renewed);
  put_refusal(out, summary.last_refusal);
  put_name(out, "connected");
  out.put(summary.connected ? "true" : "false").put('}');
}

}  // namespace latchkey::agent
