// SPDX-License-Identifier: Apache-2.0
// Scenario documents for the reader and for the schema that is published: good ones, and bad ones with the refusal.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace latchkey::boards::fleet::scenario {

inline nlohmann::json smallest() { return {{"name", "a"}, {"title", "A"}, {"durationSeconds", 10}}; }

inline nlohmann::json everything() {
  return nlohmann::json::parse(R"({
    "$schema": "fleet-scenario.schema.json", "name": "all-of-it", "title": "T", "about": "B", "devices": 10,
    "seed": 9007199254740992, "durationSeconds": 100, "endWhen": "all-back", "lingerSeconds": 1.5,
    "arrival": {"curve": "ramp", "overSeconds": 20},
    "telemetry": {"everySeconds": 0.5, "bytes": 200},
    "sleep": {"share": 0.5, "awakeSeconds": 20, "asleepSeconds": 30, "jitter": 0.2, "together": true},
    "shelf": {"share": 0.1, "fromSeconds": 30, "untilSeconds": 60, "overSeconds": 10},
    "clockSkew": {"share": 0.1, "mostSeconds": 3600},
    "crashBeforeCertificate": {"share": 0.01},
    "credentialLost": {"share": 0.02, "atSeconds": 30},
    "earlierGenerations": [{"generation": 2, "share": 0.3}, {"generation": 3, "share": 0.7}],
    "networkCuts": [{"atSeconds": 10, "forSeconds": 5, "share": 0.4, "times": 2, "everySeconds": 20},
                    {"atSeconds": 90, "forSeconds": 10}],
    "acts": [
      {"atSeconds": 20, "act": "revokeDevices", "devices": {"count": 3}, "disable": true, "name": "lost"},
      {"atSeconds": 20, "act": "disableDevices", "devices": {"count": 10}},
      {"atSeconds": 25, "act": "enableDevices", "devices": {"as": "lost"}},
      {"atSeconds": 25, "act": "deleteDevices", "devices": {"share": 0.5}},
      {"atSeconds": 30, "act": "revokePolicy", "policy": "line-a"},
      {"atSeconds": 31, "act": "sync"},
      {"atSeconds": 32, "act": "setFaults", "faults": {"rules": []}},
      {"atSeconds": 33, "act": "clearFaults"},
      {"atSeconds": 99.9, "act": "advanceClock", "bySeconds": 3456000}
    ]
  })");
}

// Document, a part of the refusal, and whether a schema can tell.
struct Bad {
  std::string document;
  std::string refusal;
  bool schema_tells = true;
};

inline std::vector<Bad> all_bad_scenarios() {
  using nlohmann::json;
  std::vector<Bad> bad;
  const auto with = [&](const std::string& name, json value, const std::string& refusal, bool schema_tells = true) {
    auto document = smallest();
    document[name] = std::move(value);
    bad.push_back({document.dump(), refusal, schema_tells});
  };
  const auto act = [&](const std::string& text, const std::string& refusal, bool schema_tells = true) {
    with("acts", json::array({json::parse(text)}), refusal, schema_tells);
  };
  constexpr bool kReaderAlone = false;
  bad.push_back({"", "the document: not JSON", kReaderAlone});
  bad.push_back({"[]", "the document: must be a JSON object"});
  bad.push_back({R"({"name":"a","name":"b"})", "given twice", kReaderAlone});
  bad.push_back({"{}", "/name: is missing"});
  with("name", "Upper", "/name: may have lower-case letters");
  with("name", "", "/name: must be a text of 1 to 64 bytes");
  with("title", 5, "/title: must be a text");
  with("devices", 0, "/devices: must be a whole number from 1 to 1000000");
  with("devices", 1000001, "/devices: must be");
  with("devices", 1.5, "/devices: must be");
  with("devices", -1, "/devices: must be");
  with("seed", -1, "/seed: must be");
  with("durationSeconds", 0, "/durationSeconds: must be a number from 1 to 604800");
  with("durationSeconds", "10", "/durationSeconds: must be");
  with("durationSeconds", 604801, "/durationSeconds: must be");
  with("endWhen", "soon", "/endWhen: must be one of 'time-up', 'all-back'");
  with("lingerSeconds", 1, "/lingerSeconds: needs", kReaderAlone);
  with("colour", "red", "/colour: there is no such member here");
  with("a/b~c", 1, "/a~1b~0c: there is no such member here");

  with("arrival", {{"curve", "sudden"}, {"overSeconds", 1}}, "/arrival/curve: must be one of");
  with("arrival", {{"curve", "even"}}, "/arrival/overSeconds: is missing");
  with("arrival", {{"curve", "at-once"}, {"overSeconds", 1}}, "/arrival/overSeconds: does not go");
  with("arrival", {{"curve", "even"}, {"overSeconds", 11}}, "/arrival/overSeconds: is after the end", kReaderAlone);
  with("arrival", {{"curve", "even"}, {"overSeconds", 1}, {"x", 1}}, "/arrival/x: there is no such member");
  with("arrival", 3, "/arrival: must be an object");
  with("telemetry", {{"everySeconds", 0.05}}, "/telemetry/everySeconds: must be 0");
  with("telemetry", {{"everySeconds", 11}}, "/telemetry/everySeconds: must be a number from 0 to 10", kReaderAlone);
  with("telemetry", {{"everySeconds", 1}, {"bytes", 0}}, "/telemetry/bytes: must be");

  const json sleep = {{"share", 0.5}, {"awakeSeconds", 2}, {"asleepSeconds", 3}};
  const auto sleeping = [&](const std::string& name, json value) {
    auto changed = sleep;
    changed[name] = std::move(value);
    return changed;
  };
  with("sleep", sleeping("share", 1.1), "/sleep/share: must be a number from 0 to 1");
  with("sleep", sleeping("awakeSeconds", 0.5), "/sleep/awakeSeconds: must be");
  with("sleep", sleeping("asleepSeconds", 11), "/sleep/asleepSeconds: is longer than the run", kReaderAlone);
  with("sleep", sleeping("awakeSeconds", 11), "/sleep/awakeSeconds: is longer than the run", kReaderAlone);
  with("sleep", sleeping("jitter", 1), "/sleep/jitter: must be a number from 0 to 0.9");
  with("sleep", sleeping("together", 1), "/sleep/together: must be true or false");
  with("shelf", {{"share", 1}, {"fromSeconds", 5}, {"untilSeconds", 5}}, "/shelf/untilSeconds: is not after from",
       kReaderAlone);
  with("shelf", {{"share", 1}, {"fromSeconds", 5}, {"untilSeconds", 10}}, "/shelf/untilSeconds: is after the end",
       kReaderAlone);
  with("shelf", {{"share", 1}, {"fromSeconds", 5}, {"untilSeconds", 8}, {"overSeconds", 3}},
       "/shelf/overSeconds: is after the end", kReaderAlone);
  with("shelf", {{"share", 1}, {"fromSeconds", 0}, {"untilSeconds", 5}}, "/shelf/fromSeconds: is not after the last",
       kReaderAlone);
  with("shelf", {{"share", 1}}, "/shelf/fromSeconds: is missing");
  with("clockSkew", {{"share", 1}}, "/clockSkew/mostSeconds: is missing");
  with("crashBeforeCertificate", json::object(), "/crashBeforeCertificate/share: is missing");
  with("credentialLost", {{"share", 1}, {"atSeconds", 11}}, "/credentialLost/atSeconds: is after the end",
       kReaderAlone);
  with("earlierGenerations", json::array({{{"generation", 1}, {"share", 1}}}),
       "/earlierGenerations/0/generation: must");
  with("earlierGenerations", json::array({{{"generation", 2}, {"share", 0.6}}, {{"generation", 3}, {"share", 0.6}}}),
       "/earlierGenerations: the shares are more than 1", kReaderAlone);
  with("earlierGenerations", json::array({{{"generation", 2}, {"share", 0.1}}, {{"generation", 2}, {"share", 0.1}}}),
       "/earlierGenerations/1/generation: is given twice", kReaderAlone);

  const auto cut = [&](json value, const std::string& refusal, bool schema_tells = true) {
    with("networkCuts", json::array({std::move(value)}), "/networkCuts/0" + refusal, schema_tells);
  };
  with("networkCuts", json::object(), "/networkCuts: must be an array");
  cut(5, ": must be an object");
  cut({{"atSeconds", 10}, {"forSeconds", 1}}, "/atSeconds: is after the end", kReaderAlone);
  cut({{"atSeconds", 9}, {"forSeconds", 2}}, "/forSeconds: ends after the run", kReaderAlone);
  cut({{"atSeconds", 1}, {"forSeconds", 0}}, "/forSeconds: must be");
  cut({{"atSeconds", 1}, {"forSeconds", 1}, {"times", 2}}, ": times and everySeconds go together");
  cut({{"atSeconds", 1}, {"forSeconds", 1}, {"times", 20}, {"everySeconds", 2}}, "/times: the last of them is after",
      kReaderAlone);
  cut({{"atSeconds", 1}, {"forSeconds", 1}, {"times", 2}, {"everySeconds", 1}}, "/everySeconds: is not longer",
      kReaderAlone);

  act(R"({"act": "sync"})", "/acts/0/atSeconds: is missing");
  act(R"({"atSeconds": 1})", "/acts/0/act: is missing");
  act(R"({"atSeconds": 1, "act": "dance"})", "/acts/0/act: must be one of 'revokeDevices'");
  act(R"({"atSeconds": 10, "act": "sync"})", "/acts/0/atSeconds: is after the end", kReaderAlone);
  act(R"({"atSeconds": 1, "act": "sync", "policy": "x"})", "/acts/0/policy: there is no such member here");
  act(R"({"atSeconds": 1, "act": "revokeDevices"})", "/acts/0/devices: is missing");
  act(R"({"atSeconds": 1, "act": "revokeDevices", "devices": {}})", "/acts/0/devices: must have one of");
  act(R"({"atSeconds": 1, "act": "revokeDevices", "devices": {"count": 1, "share": 1}})",
      "/acts/0/devices: must have one of");
  act(R"({"atSeconds": 1, "act": "revokeDevices", "devices": {"count": 101}})",
      "/acts/0/devices/count: is more than there are devices", kReaderAlone);
  act(R"({"atSeconds": 1, "act": "enableDevices", "devices": {"as": "lost"}})", "/acts/0/devices/as: no earlier act",
      kReaderAlone);
  act(R"({"atSeconds": 1, "act": "disableDevices", "disable": true, "devices": {"count": 1}})",
      "/acts/0/disable: there is no such member here");
  act(R"({"atSeconds": 1, "act": "setFaults"})", "/acts/0/faults: is missing");
  act(R"({"atSeconds": 1, "act": "setFaults", "faults": []})", "/acts/0/faults: must be an object");
  act(R"({"atSeconds": 1, "act": "advanceClock", "bySeconds": 0})", "/acts/0/bySeconds: must be");
  with("acts", json::parse(R"([{"atSeconds": 2, "act": "sync"}, {"atSeconds": 1, "act": "sync"}])"),
       "/acts/1/atSeconds: is before the act in front of it", kReaderAlone);
  with("acts",
       json::parse(R"([{"atSeconds": 2, "act": "sync", "name": "x"}, {"atSeconds": 2, "act": "sync", "name": "x"}])"),
       "/acts/1/name: is given twice", kReaderAlone);
  return bad;
}

inline std::vector<std::pair<std::string, std::string>> bad_scenarios() {
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto& one : all_bad_scenarios()) result.emplace_back(one.document, one.refusal);
  return result;
}

}  // namespace latchkey::boards::fleet::scenario
