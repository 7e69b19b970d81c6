// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/report/json.h"

#include <nlohmann/json.hpp>

#include "boards/fleet/report/page.h"

namespace latchkey::boards::fleet::report {
namespace {

using Json = nlohmann::ordered_json;

Json seconds(TimeUs time) { return static_cast<double>(time) / 1e6; }
Json seconds(const std::optional<TimeUs>& time) { return time ? seconds(*time) : Json(nullptr); }

Json waits_json(const Waits& waits) {
  Json json = {{"count", waits.ended.count()}, {"waiting", waits.waiting}};
  json["p50"] = seconds(waits.percentile(0.5));
  json["p90"] = seconds(waits.percentile(0.9));
  json["p99"] = seconds(waits.percentile(0.99));
  json["p999"] = seconds(waits.percentile(0.999));
  json["max"] = waits.ended.empty() ? Json(nullptr) : seconds(waits.ended.max());
  return json;
}

Json latency_json(const Latency& latency) {
  return {{"fromBegun", waits_json(latency.from_begun)}, {"fromDue", waits_json(latency.from_due)}};
}

Json absent_json(const Figures& f, const std::vector<Absent>& absent) {
  Json list = Json::array();
  for (const auto& one : absent)
    list.push_back({{"device", history::device_name(f.run.prefix, one.device)}, {"why", one.why}});
  return list;
}

Json act_json(const Figures& f, const ActFigures& act) {
  Json json = {
      {"act", act.act.act}, {"kind", to_string(act.act.kind)}, {"name", act.act.name}, {"target", act.act.target}};
  json["begun"] = seconds(act.begun);
  json["answered"] = seconds(act.answered);
  json["succeeded"] = act.succeeded;
  json["text"] = act.text;
  json["affected"] = act.affected;
  json["live"] = act.live;
  json["expectsReturn"] = act.expects_return;
  json["cut"] = waits_json(act.cut);
  json["refused"] = waits_json(act.refused);
  json["back"] = waits_json(act.back);
  json["letIn"] = act.let_in;
  json["absent"] = absent_json(f, act.absent);
  return json;
}

Json timeline_json(const Timeline& timeline) {
  Json json = {{"binSeconds", seconds(timeline.width())}};
  Json connected = Json::array();
  Json asleep = Json::array();
  Json refusals = Json::array();
  Json connects = Json::array();
  Json certificates = Json::array();
  Json acknowledged = Json::array();
  for (const auto& bin : timeline.bins()) {
    Json generations = Json::object();
    for (const auto& [generation, count] : bin.connected) generations[std::to_string(generation)] = count;
    connected.push_back(std::move(generations));
    asleep.push_back(bin.asleep);
    Json reasons = Json::object();
    for (const auto& [reason, count] : bin.refusals) reasons[reason] = count;
    refusals.push_back(std::move(reasons));
    connects.push_back(bin.connects);
    certificates.push_back(bin.certificates);
    acknowledged.push_back(bin.acknowledged);
  }
  json["connected"] = std::move(connected);
  json["asleep"] = std::move(asleep);
  json["refusals"] = std::move(refusals);
  json["connects"] = std::move(connects);
  json["certificates"] = std::move(certificates);
  json["telemetryAcknowledged"] = std::move(acknowledged);
  return json;
}

Json run_json(const Figures& f) {
  Json json = {{"scenario", f.run.scenario}, {"seed", f.run.seed},       {"devices", f.run.devices},
               {"prefix", f.run.prefix},     {"workers", f.run.workers}, {"startedMs", f.run.started_ms}};
  json["seconds"] = seconds(f.length);
  json["ended"] = f.end ? Json(to_string(f.end->why)) : Json(nullptr);
  json["endText"] = f.end ? f.end->text : "";
  const auto document = Json::parse(f.run.document, nullptr, false);
  json["document"] = document.is_object() ? document : Json(nullptr);
  return json;
}

Json histories_json(const Figures& f) {
  Json damages = Json::array();
  for (const auto& damage : f.damages)
    damages.push_back({{"file", damage.file}, {"line", damage.line}, {"why", damage.why}});
  return {{"files", f.files}, {"filesWithoutEnd", f.files_without_end}, {"records", f.records}, {"damages", damages}};
}

}  // namespace

std::string json_of(const Figures& f) {
  Json json = {{"version", 1}, {"run", run_json(f)}, {"histories", histories_json(f)}};
  json["warnings"] = warnings_of(f);
  json["summary"] = summary_of(f);
  json["end"] = {{"connected", f.connected}, {"asleep", f.asleep}, {"disabled", f.disabled}, {"notBegun", f.not_begun}};
  json["end"]["absent"] = absent_json(f, f.absent);
  json["totals"] = {{"connects", f.connects},
                    {"certificates", f.certificates},
                    {"renewals", f.renewals},
                    {"telemetrySent", f.telemetry_sent},
                    {"telemetryAcknowledged", f.telemetry_acknowledged},
                    {"crashes", f.crashes},
                    {"mostMemoryKib", f.most_memory_kib},
                    {"cpuMs", f.cpu_ms}};
  json["refusals"] = Json(f.refusals);
  json["failures"] = Json(f.failures);
  json["latency"] = {{"connect", latency_json(f.connect)},
                     {"provisioning", latency_json(f.provisioning)},
                     {"telemetry", latency_json(f.telemetry)}};
  json["acts"] = Json::array();
  for (const auto& act : f.acts) json["acts"].push_back(act_json(f, act));
  json["networkCuts"] = Json::array();
  for (const auto& cut : f.cuts)
    json["networkCuts"].push_back({{"from", seconds(cut.from)}, {"until", seconds(cut.until)}});
  json["timeline"] = timeline_json(f.timeline);
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace latchkey::boards::fleet::report
