// SPDX-License-Identifier: Apache-2.0
// Twins and direct methods of devices.
#include <charconv>
#include <nlohmann/json.hpp>

#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

constexpr int kLongestWait = 110;  // seconds; the client waits for two minutes for any answer

const Columns kColumns = {{"DEVICE", "/deviceId"},
                          {"STATUS", "/status"},
                          {"CONNECTION", "/connectionState"},
                          {"VERSION", "/version"},
                          {"ETAG", "/etag"},
                          {"TAGS", "/tags"},
                          {"DESIRED", "/properties/desired"},
                          {"REPORTED", "/properties/reported"}};
const Columns kAnswerColumns = {{"STATUS", "/status"}, {"PAYLOAD", "/payload"}};

std::string query(const Args& args) { return "?namespace=" + percent_encode(args.text("namespace")); }
std::string path(const Args& args) { return "/twins/" + percent_encode(args.text("name")); }

// When each property was changed is for programs to read: -o json has it.
int print_twin(Session& session, Result<json, Failure> twin) {
  if (!twin) return session.failed(twin.error());
  if (session.json_wanted()) {
    session.print_json(*twin);
    return 0;
  }
  for (const char* part : {"desired", "reported"}) {
    const auto metadata = json::json_pointer("/properties/" + std::string(part) + "/$metadata");
    if (twin->contains(metadata)) twin->at(metadata.parent_pointer()).erase("$metadata");
  }
  print_card(session.terminal().out, *twin, kColumns);
  return 0;
}

int show(Session& session, const Args& args) {
  return print_twin(session, call(session.api(), "GET", path(args) + query(args), {}));
}

int update(Session& session, const Args& args) {
  json body = json::object();
  for (const std::string part : {"tags", "desired"}) {
    if (!args.has(part)) continue;
    auto value = json::parse(args.text(part), nullptr, false);
    if (!value.is_object()) return session.failed({kExitBadInput, "--" + part + " takes a JSON object"});
    (part == "tags" ? body : body["properties"])[part] = std::move(value);
  }
  if (body.empty()) return session.failed({kExitBadInput, "give --desired, --tags, or both"});
  return print_twin(session,
                    call(session.api(), args.has("replace") ? "PUT" : "PATCH", path(args) + query(args), body));
}

int seconds(const Args& args, const std::string& name) {
  int number = 0;
  const auto& text = args.text(name);
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

int invoke(Session& session, const Args& args) {
  json body = {{"methodName", args.text("method-name")}};
  if (args.has("payload")) {
    body["payload"] = json::parse(args.text("payload"), nullptr, false);
    if (body["payload"].is_discarded()) return session.failed({kExitBadInput, "--payload takes JSON"});
  }
  if (seconds(args, "timeout") + seconds(args, "connect-timeout") > kLongestWait) {
    return session.failed(
        {kExitBadInput, "the command line waits for at most " + std::to_string(kLongestWait) + " seconds in all"});
  }
  if (args.has("timeout")) body["responseTimeoutInSeconds"] = seconds(args, "timeout");
  if (args.has("connect-timeout")) body["connectTimeoutInSeconds"] = seconds(args, "connect-timeout");
  return session.act("POST", path(args) + "/methods" + query(args), body, kAnswerColumns);
}

}  // namespace

std::vector<Verb> twin_verbs() {
  const Option ns = namespace_option();
  const Option name = {"-n,--name,--device-name,--dn", "the device's id", Takes::kText, true, {}, {}};
  const Option tags = {"--tags", "a JSON object, for operators alone: devices do not see tags"};
  const Option desired = {"--desired", "a JSON object: what the device is to be; it is told"};
  const Option replace = {"--replace", "remove what is not named, instead of leaving it; without it, null removes",
                          Takes::kNothing};
  const Option method = {"--method-name,--mn", "the method, as the device knows it", Takes::kText, true};
  const Option payload = {"--payload,--method-payload,--mp", "JSON for the method"};
  const Option timeout = {"--timeout,--to", "seconds for the device to answer, from 5 on; usually 30", Takes::kCount};
  const Option connect = {"--connect-timeout", "seconds for the device to connect; usually it has to be connected",
                          Takes::kCount};
  return {
      {"device twin", "show", {}, "Show what is desired of a device and what it reports", {name, ns}, show},
      {"device twin",
       "update",
       {},
       "Change a device's tags or desired properties",
       {name, ns, desired, tags, replace},
       update},
      {"device method",
       "invoke",
       {},
       "Call a direct method of a connected device and show its answer",
       {name, ns, method, payload, timeout, connect},
       invoke},
  };
}

}  // namespace latchkey::hub::cli
