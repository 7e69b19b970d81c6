// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/report/page.h"

#include <ctime>

#include "boards/fleet/report/internal/sections.h"
#include "boards/fleet/report/internal/words.h"
#include "boards/fleet/scenario/scenario.h"

namespace latchkey::boards::fleet::report {
namespace {

std::string started(std::int64_t started_ms) {
  const std::time_t seconds = started_ms / 1000;
  std::tm utc = {};
  ::gmtime_r(&seconds, &utc);
  char text[40];
  std::strftime(text, sizeof text, "%d %B %Y, %H:%M UTC", &utc);
  return text[0] == '0' ? text + 1 : text;
}

std::string header(const Figures& f) {
  const auto scenario = scenario::read_scenario(f.run.document);
  const std::string name = f.run.scenario.empty() ? "A run without a name" : f.run.scenario;
  std::string html = "<header><p class=\"eyebrow\">Latchkey fleet · " + escaped(name) + "</p>\n<h1>" +
                     escaped(scenario ? scenario->title : name) + "</h1>\n<p class=\"meta\">";
  if (f.run.started_ms > 0) html += started(f.run.started_ms) + " · ";
  html += counted(f.run.devices, "device", "devices") + " · " + duration_text(f.length) + " · seed " +
          std::to_string(f.run.seed);
  if (f.run.workers > 1) html += " · " + counted(f.run.workers, "process", "processes");
  return html + "</p></header>\n";
}

std::string tile(const std::string& name, const std::string& value, const std::string& more) {
  return "<div><dt>" + escaped(name) + "</dt><dd>" + escaped(value) + "<small>" + escaped(more) +
         "</small></dd></div>\n";
}

std::string tiles(const Figures& f) {
  std::uint64_t refusals = 0;
  for (const auto& [reason, count] : f.refusals) refusals += count;
  std::string html = "<dl class=\"tiles\">\n";
  html += tile("Connected in the end", count_text(f.connected), "of " + count_text(f.run.devices) + " devices");
  html += tile("Certificates issued", count_text(f.certificates), count_text(f.renewals) + " of them renewals");
  html += tile("Connects", count_text(f.connects), "accepted by the hub");
  html += tile("Refusals", count_text(refusals), counted(f.refusals.size(), "reason", "reasons"));
  if (!f.connect.from_due.ended.empty()) {
    html +=
        tile("Longest wait", duration_text(f.connect.from_due.ended.max()), "until connected, from when it was due");
  }
  if (f.telemetry_sent > 0) {
    html += tile("Telemetry", count_text(f.telemetry_acknowledged),
                 "of " + count_text(f.telemetry_sent) + " messages acknowledged");
  }
  if (f.most_memory_kib > 0 && f.run.devices > 0) {
    html += tile("Memory", number_text(static_cast<double>(f.most_memory_kib) / f.run.devices) + " KiB",
                 "for each device, at most");
  }
  return html + "</dl>\n";
}

std::string footer(const Figures& f) {
  return "<footer><p>Made from " + counted(f.records, "record", "records") + " in " +
         counted(f.files, "history file", "history files") +
         " alone. Latencies are counted in buckets that are at most 1.6 % wide and rounded up. report.json holds the "
         "same "
         "numbers.</p></footer>\n";
}

}  // namespace

std::string page_of(const Figures& f) {
  std::string lead;
  for (const auto& sentence : summary_of(f)) lead += "<span>" + escaped(sentence) + "</span>\n";
  std::string warnings;
  for (const auto& warning : warnings_of(f)) warnings += "<p>" + escaped(warning) + "</p>\n";
  if (!warnings.empty()) warnings = "<div class=\"warning\" role=\"note\">\n" + warnings + "</div>\n";
  const std::string name = f.run.scenario.empty() ? "run" : f.run.scenario;
  std::string html =
      "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\">\n<title>" +
      escaped(name) + " · Latchkey fleet</title>\n<style>" + style_sheet() + "</style></head>\n<body><main>\n";
  html += header(f) + warnings + "<div class=\"lead\">" + lead + "</div>\n";
  if (f.records > 0) {
    html += tiles(f) + connected_section(f) + acts_section(f) + work_section(f) + refusals_section(f) +
            latency_section(f) + absent_section(f);
  }
  return html + footer(f) + "</main></body></html>\n";
}

}  // namespace latchkey::boards::fleet::report
