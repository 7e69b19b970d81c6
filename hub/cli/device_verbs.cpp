// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <nlohmann/json.hpp>

#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

Columns columns(const std::string& root) {
  return {{"NAME", root + "/name"},
          {"ENABLED", root + "/properties/enabled"},
          {"CONNECTED", root + "/properties/connected"},
          {"POLICY", root + "/properties/policy/resourceId", As::kLastPart},
          {"LAST REVOKED", root + "/properties/lastRevokedAt", As::kTime},
          {"UUID", root + "/properties/uuid"}};
}
const Columns kColumns = columns("");
const Columns kRevokeColumns = columns("/device");
const Columns kCertificateColumns = {{"SERIAL", "/serialNumber"},
                                     {"STATUS", "/status"},
                                     {"CURRENT", "/identifierCurrent"},
                                     {"POLICY", "/policy/resourceId", As::kLastPart},
                                     {"NOT AFTER", "/validityNotAfter", As::kTime},
                                     {"REVOKED", "/revokedAt", As::kTime}};

std::string list_path(const Args& args) { return namespace_path(args) + "/devices"; }
std::string path(const Args& args) { return list_path(args) + "/" + percent_encode(args.text("name")); }

int create(Session& session, const Args& args) { return session.act("PUT", path(args), json::object(), kColumns); }
int show(Session& session, const Args& args) { return session.show(path(args), kColumns); }
int list(Session& session, const Args& args) {
  std::size_t limit = 0;
  const auto& text = args.text("limit");
  std::from_chars(text.data(), text.data() + text.size(), limit);
  return session.list(list_path(args) + "?top=1000", kColumns, limit);
}
int update(Session& session, const Args& args) {
  return session.act("PATCH", path(args), {{"properties", {{"enabled", args.text("enabled") == "true"}}}}, kColumns);
}
int revoke(Session& session, const Args& args) {
  if (const int no = session.confirm("Revoke device '" + args.text("name") +
                                     "'? Every certificate ever issued to it stops working.")) {
    return no;
  }
  json body = json::object();
  if (args.has("disable")) body["disable"] = true;
  if (args.has("reason")) body["reason"] = args.text("reason");
  return session.act("POST", path(args) + "/revoke", body, kRevokeColumns);
}
int remove(Session& session, const Args& args) {
  if (const int no = session.confirm("Delete device '" + args.text("name") +
                                     "'? Its certificates stay dead, also when a device of that name returns.")) {
    return no;
  }
  return session.act("DELETE", path(args), {}, "deleted device " + args.text("name"));
}
int certificates(Session& session, const Args& args) {
  return session.list(path(args) + "/certificates", kCertificateColumns);
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
  return session.act("POST", path(args) + "/messages", {{"message", args.text("message")}, {"properties", properties}},
                     "sent to " + args.text("name"));
}

}  // namespace

std::vector<Verb> device_verbs() {
  const Option ns = namespace_option();
  const Option name = {"-n,--name,--device-name,--dn", "the device's id", Takes::kText, true, {}, {}};
  const Option limit = {"--limit", "show this many at the most", Takes::kCount};
  const Option enabled = {"--enabled",  "false: no connection and no certificate, until true again",
                          Takes::kText, true,
                          {},           {"true", "false"}};
  const Option disable = {"--disable", "and disable the device, so that it cannot come back by itself",
                          Takes::kNothing};
  const Option reason = {
      "--reason",
      "why, for revocation lists and OCSP; not said when it is not given",
      Takes::kText,
      false,
      {},
      {"keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation", "privilegeWithdrawn"}};
  const Option message = {"-m,--message,--data-text", "the text to send", Takes::kText, true};
  const Option property = {"-p,--property", "key=value, sent with the message; may be repeated", Takes::kTexts};
  return {
      {"device", "create", {}, "Create a device; provisioning does this by itself", {name, ns}, create},
      {"device", "show", {}, "Show a device", {name, ns}, show},
      {"device", "list", {}, "List the devices of a namespace", {ns, limit}, list},
      {"device",
       "update",
       {},
       "Enable or disable a device; its certificates stay as they are",
       {name, ns, enabled},
       update},
      {"device",
       "revoke",
       {},
       "Revoke every certificate of a device; it comes back through provisioning",
       {name, ns, disable, reason},
       revoke,
       true},
      {"device", "delete", {}, "Delete a device", {name, ns}, remove, true},
      {"device", "certificates", {}, "List the certificates that were issued to a device", {name, ns}, certificates},
      {"device",
       "send",
       {},
       "Send a cloud-to-device message to a connected device",
       {name, ns, message, property},
       send},
  };
}

}  // namespace latchkey::hub::cli
