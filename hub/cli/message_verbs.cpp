// SPDX-License-Identifier: Apache-2.0
// Cloud-to-device messages: what is sent to devices, and what waits for them.
#include <nlohmann/json.hpp>

#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

const Columns kColumns = {
    {"MESSAGE", "/messageId"},      {"STATE", "/state"},          {"SIZE", "/size"}, {"SENT", "/deliveryCount"},
    {"QUEUED", "/enqueuedTimeUtc"}, {"EXPIRES", "/expiryTimeUtc"}};
const Columns kPurgedColumns = {{"DEVICE", "/deviceId"}, {"PURGED", "/totalMessagesPurged"}};

std::string path(const Args& args) {
  return namespace_path(args) + "/devices/" + percent_encode(args.text("name")) + "/messages";
}

int send(Session& session, const Args& args) {
  json properties = json::object();
  for (const auto& text : args.texts("property")) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return session.failed({kExitBadInput, "a property is given as key=value, not as '" + text + "'"});
    }
    properties[text.substr(0, equals)] = text.substr(equals + 1);
  }
  json body = {{"message", args.text("message")}, {"properties", properties}};
  if (args.has("message-id")) body["messageId"] = args.text("message-id");
  if (args.has("ttl")) body["timeToLiveSeconds"] = args.count("ttl");
  return session.act("POST", path(args), body, "sent to " + args.text("name"));
}

int list(Session& session, const Args& args) { return session.list(path(args), kColumns); }

int purge(Session& session, const Args& args) { return session.act("DELETE", path(args), {}, kPurgedColumns); }

}  // namespace

std::vector<Verb> message_verbs() {
  const Option ns = namespace_option();
  const Option name = {"-n,--name,--device-name,--dn", "the device's id", Takes::kText, true, {}, {}};
  const Option message = {"-m,--message,--data-text,--data", "the text to send", Takes::kText, true};
  const Option property = {"-p,--property", "key=value, sent with the message; may be repeated", Takes::kTexts};
  const Option id = {"--message-id,--mid", "the message's id; a fresh one when it is not given"};
  const Option ttl = {"--ttl", "seconds until it expires, at most two days; usually an hour", Takes::kCount};
  return {
      {"device",
       "send",
       {},
       "Send a cloud-to-device message; it waits for a device that is away",
       {name, ns, message, property, id, ttl},
       send},
      {"device message",
       "send",
       {},
       "Send a cloud-to-device message; at most 50 wait for a device",
       {name, ns, message, property, id, ttl},
       send},
      {"device message",
       "list",
       {},
       "List what waits for a device, and what it was sent and may not have acknowledged",
       {name, ns},
       list},
      {"device message", "purge", {}, "Remove every message that is kept for a device", {name, ns}, purge},
  };
}

}  // namespace latchkey::hub::cli
