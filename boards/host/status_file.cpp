// SPDX-License-Identifier: Apache-2.0
#include "boards/host/status_file.h"

#include <cstdio>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

namespace latchkey::boards::host {
namespace {

using Json = nlohmann::ordered_json;

Json refusal_json(const agent::Refusal& refusal) {
  if (refusal.who == agent::RefusedBy::kNobody && refusal.message.empty()) return nullptr;
  Json json{{"where", agent::to_string(refusal.who)}};
  if (refusal.connack != 0) json["connack"] = refusal.connack;
  if (refusal.tls_alert != 0) json["tls_alert"] = refusal.tls_alert;
  if (refusal.dps_status != 0) json["dps_status"] = refusal.dps_status;
  if (refusal.error_code != 0) json["error_code"] = refusal.error_code;
  json["message"] = printable(refusal.message.view());
  return json;
}

}  // namespace

std::string rfc3339(UnixMs time) {
  const auto seconds = static_cast<std::time_t>(time / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char date[40];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  char text[48];
  std::snprintf(text, sizeof text, "%s.%03dZ", date, static_cast<int>(time % 1000));
  return text;
}

std::string printable(std::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    if (c < ' ' || c > '~') c = '?';
  }
  return clean;
}

std::string status_json(const agent::Summary& summary, const std::string& registration_id, UnixMs since) {
  Json json{
      {"state", agent::to_string(summary.state)}, {"since", rfc3339(since)}, {"registration_id", registration_id}};
  // Without a credential the types stay: empty texts and generation 0.
  const agent::Credential* credential = summary.credential;
  json["hub"] = credential ? std::string(credential->hub.view()) : "";
  json["slot"] = !credential ? "" : summary.slot == agent::Slot::kA ? "a" : "b";
  json["generation"] = credential ? credential->generation : 0;
  json["serial"] = credential ? std::string(credential->serial.view()) : "";
  json["not_before"] = credential ? rfc3339(credential->not_before) : "";
  json["not_after"] = credential ? rfc3339(credential->not_after) : "";
  json["telemetry_sent"] = summary.telemetry_sent;
  json["telemetry_acked"] = summary.telemetry_acked;
  json["devicebound_count"] = summary.devicebound;
  json["provisioned_count"] = summary.provisioned;
  json["renewed_count"] = summary.renewed;
  json["last_refusal"] = refusal_json(summary.last_refusal);
  json["connected"] = summary.connected;
  return json.dump();
}

bool StatusFile::update(const std::string& json) {
  if (path_.empty() || json == last_) return true;
  const std::string aside = path_ + ".new";
  bool good = false;
  {
    std::ofstream file(aside, std::ios::trunc);
    file << json << '\n';
    file.close();
    good = !file.fail();
  }
  good = good && std::rename(aside.c_str(), path_.c_str()) == 0;
  const bool news = !good && !failing_;
  failing_ = !good;
  if (good) last_ = json;
  return !news;
}

}  // namespace latchkey::boards::host
