// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "hub/cli/internal/verbs.h"
#include "hub/cli/internal/what_if.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

const std::string kCa = "/properties/certificateAuthorityConfiguration";
const Columns kColumns = {{"NAME", "/name"},
                          {"SUBJECT", kCa + "/subject"},
                          {"KEY", kCa + "/keyProfile"},
                          {"NOT AFTER", kCa + "/validityNotAfter", As::kTime},
                          {"CREATED", "/systemData/createdAt", As::kTime}};
const Columns kSyncColumns = {{"ADDED", "/added"}, {"REMOVED", "/removed"}};

std::string path(const Args& args) { return namespace_path(args) + "/credentials/default"; }

int create(Session& session, const Args& args) {
  json body = {{"properties", json::object()}};
  if (args.has("key-profile")) body["properties"]["keyProfile"] = args.text("key-profile");
  return session.act("PUT", path(args), body, kColumns);
}
int show(Session& session, const Args& args) { return session.show(path(args), kColumns); }
int sync(Session& session, const Args& args) {
  return session.act("POST", path(args) + "/synchronize", {}, kSyncColumns);
}
int remove(Session& session, const Args& args) {
  if (what_if_asked(args)) return what_if(session, args, "DELETE", path(args) + override_query(args));
  const auto ns = args.text("namespace");
  if (const int no = session.confirm("Delete the credential of namespace '" + ns +
                                     "'? Its root CA's key is destroyed; a new credential needs new policies and "
                                     "every device a new certificate.")) {
    return no;
  }
  return session.act("DELETE", path(args) + override_query(args), {}, "deleted the credential of namespace " + ns);
}

}  // namespace

std::vector<Verb> credential_verbs() {
  const Option ns = namespace_option();
  const Option profile = {
      "--key-profile",       "of the root CA's key; the hub's own when not given", Takes::kText, false, {},
      {"ec-p256", "ec-p384"}};
  return {
      {"credential", "create", {}, "Create the credential: makes the namespace's root CA", {ns, profile}, create},
      {"credential", "show", {}, "Show the credential", {ns}, show},
      {"credential",
       "sync",
       {"synchronize"},
       "Bring the CA certificates of all linked hubs up to date with the policies",
       {ns},
       sync},
      {"credential",
       "delete",
       {},
       "Delete the credential; refused while a policy exists",
       with_what_if({ns, override_option(
                             "name of the last policy, one with a root of its own: delete it too, whoever uses it")}),
       remove,
       true},
  };
}

}  // namespace latchkey::hub::cli
