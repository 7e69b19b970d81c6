// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <nlohmann/json.hpp>

#include "hub/cli/internal/verbs.h"
#include "hub/cli/internal/what_if.h"

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
  const json body = {{"properties", {{"enabled", args.text("enabled") == "true"}}}};
  if (what_if_asked(args)) return what_if(session, args, "PATCH", path(args), body);
  return session.act("PATCH", path(args), body, kColumns);
}
int revoke(Session& session, const Args& args) {
  json body = json::object();
  if (args.has("disable")) body["disable"] = true;
  if (args.has("reason")) body["reason"] = args.text("reason");
  if (what_if_asked(args)) return what_if(session, args, "POST", path(args) + "/revoke", body);
  if (const int no = session.confirm("Revoke device '" + args.text("name") +
                                     "'? Every certificate ever issued to it stops working.")) {
    return no;
  }
  return session.act("POST", path(args) + "/revoke", body, kRevokeColumns);
}
int remove(Session& session, const Args& args) {
  if (what_if_asked(args)) return what_if(session, args, "DELETE", path(args));
  if (const int no = session.confirm("Delete device '" + args.text("name") +
                                     "'? Its certificates stay dead, also when a device of that name returns.")) {
    return no;
  }
  return session.act("DELETE", path(args), {}, "deleted device " + args.text("name"));
}
int certificates(Session& session, const Args& args) {
  return session.list(path(args) + "/certificates", kCertificateColumns);
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
  return {
      {"device", "create", {}, "Create a device; provisioning does this by itself", {name, ns}, create},
      {"device", "show", {}, "Show a device", {name, ns}, show},
      {"device", "list", {}, "List the devices of a namespace", {ns, limit}, list},
      {"device",
       "update",
       {},
       "Enable or disable a device; its certificates stay as they are",
       with_what_if({name, ns, enabled}),
       update},
      {"device",
       "revoke",
       {},
       "Revoke every certificate of a device; it comes back through provisioning",
       with_what_if({name, ns, disable, reason}),
       revoke,
       true},
      {"device", "delete", {}, "Delete a device", with_what_if({name, ns}), remove, true},
      {"device", "certificates", {}, "List the certificates that were issued to a device", {name, ns}, certificates},
  };
}

}  // namespace latchkey::hub::cli
