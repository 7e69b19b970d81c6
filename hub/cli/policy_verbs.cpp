// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

const std::string kCa = "/properties/certificate/certificateAuthorityConfiguration";
const Columns kColumns = {{"NAME", "/name"},
                          {"DAYS", "/properties/certificate/leafCertificateConfiguration/validityPeriodInDays"},
                          {"KEY", kCa + "/keyProfile"},
                          {"ISSUING CA", kCa + "/subject"},
                          {"NOT AFTER", kCa + "/validityNotAfter", As::kTime},
                          {"CREATED", "/systemData/createdAt", As::kTime}};

std::string list_path(const Args& args) { return namespace_path(args) + "/credentials/default/policies"; }
std::string path(const Args& args) { return list_path(args) + "/" + percent_encode(args.text("name")); }

// The parser has seen that they are digits; what is no validity is for the hub to say.
json days(const Args& args) {
  const auto number = json::parse(args.text("validity-days"), nullptr, false);
  return {{"validityPeriodInDays", number.is_discarded() ? json(args.text("validity-days")) : number}};
}

int create(Session& session, const Args& args) {
  json certificate = json::object();
  if (args.has("validity-days")) certificate["leafCertificateConfiguration"] = days(args);
  if (args.has("key-profile")) {
    certificate["certificateAuthorityConfiguration"] = {{"keyProfile", args.text("key-profile")}};
  }
  return session.act("PUT", path(args), {{"properties", {{"certificate", certificate}}}}, kColumns);
}
int show(Session& session, const Args& args) { return session.show(path(args), kColumns); }
int list(Session& session, const Args& args) { return session.list(list_path(args), kColumns); }
int update(Session& session, const Args& args) {
  const json body = {{"properties", {{"certificate", {{"leafCertificateConfiguration", days(args)}}}}}};
  return session.act("PATCH", path(args), body, kColumns);
}
int remove(Session& session, const Args& args) {
  if (const int no = session.confirm("Delete policy '" + args.text("name") +
                                     "'? Its issuing CA's key is destroyed and no certificate is issued under it any "
                                     "more; existing ones work until they expire or the hub's CA certificate is "
                                     "deleted.")) {
    return no;
  }
  return session.act("DELETE", path(args), {}, "deleted policy " + args.text("name"));
}
int revoke(Session& session, const Args& args) {
  if (const int no = session.confirm("Revoke the issuing CA of policy '" + args.text("name") +
                                     "'? Every device of the policy is cut off and needs a new certificate.")) {
    return no;
  }
  return session.act("POST", path(args) + "/revokeIssuer", {}, kColumns);
}

}  // namespace

std::vector<Verb> policy_verbs() {
  const Option ns = namespace_option();
  const Option name = {"-n,--name,--policy-name,--pn",
                       "the policy's name: 3 to 63 of letters, digits and -",
                       Takes::kText,
                       true,
                       {},
                       {}};
  const std::string days_help = "lifetime of certificates issued from now on, 7 to 90";
  const Option days_option = {"--validity-days,--cert-validity-days", days_help + "; 30 when not given", Takes::kCount};
  const Option days_required = {"--validity-days,--cert-validity-days", days_help, Takes::kCount, true};
  const Option profile = {
      "--key-profile",       "of the issuing CA's key; the hub's own when not given", Takes::kText, false, {},
      {"ec-p256", "ec-p384"}};
  return {
      {"policy",
       "create",
       {},
       "Create a policy with an issuing CA of its own, trusted by all linked hubs",
       {name, ns, days_option, profile},
       create},
      {"policy", "show", {}, "Show a policy", {name, ns}, show},
      {"policy", "list", {}, "List the policies of a namespace", {ns}, list},
      {"policy", "update", {}, "Change how long new certificates live", {name, ns, days_required}, update},
      {"policy",
       "revoke",
       {"revoke-issuer"},
       "Replace the issuing CA: all certificates below the old one stop working now",
       {name, ns},
       revoke,
       true},
      {"policy",
       "delete",
       {},
       "Delete a policy: nothing new is issued; existing certificates keep working",
       {name, ns},
       remove,
       true},
  };
}

}  // namespace latchkey::hub::cli
