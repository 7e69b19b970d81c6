// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

namespace {

const Columns kColumns = {{"NAME", "/name"},
                          {"HOST", "/properties/hostName"},
                          {"NAMESPACE", "/properties/deviceRegistry/namespaceResourceId", As::kLastPart},
                          {"CREATED", "/systemData/createdAt", As::kTime}};
const Columns kCertificateColumns = {{"NAME", "/name"},
                                     {"SUBJECT", "/properties/subject"},
                                     {"POLICY", "/properties/policyResourceId", As::kLastPart},
                                     {"EXPIRY", "/properties/expiry", As::kTime},
                                     {"CREATED", "/systemData/createdAt", As::kTime}};

std::string certificates_path(const Args& args) {
  return "/hubs/" + percent_encode(args.text("hub")) + "/certificates";
}
std::string certificate_path(const Args& args) {
  return certificates_path(args) + "/" + percent_encode(args.text("name"));
}

int list(Session& session, const Args&) { return session.list("/hubs", kColumns); }
int show(Session& session, const Args& args) {
  return session.show("/hubs/" + percent_encode(args.text("name")), kColumns);
}
int list_certificates(Session& session, const Args& args) {
  return session.list(certificates_path(args), kCertificateColumns);
}
int show_certificate(Session& session, const Args& args) {
  return session.show(certificate_path(args), kCertificateColumns);
}
int delete_certificate(Session& session, const Args& args) {
  if (const int no = session.confirm("Delete CA certificate '" + args.text("name") + "' from hub '" + args.text("hub") +
                                     "'? Every device below it is cut off there.")) {
    return no;
  }
  return session.act("DELETE", certificate_path(args), {}, "deleted certificate " + args.text("name"));
}

}  // namespace

std::vector<Verb> hub_verbs() {
  const Option hub = {"--hub,--hub-name", "the hub's name", Takes::kText, true, {}, {}};
  const Option name = name_option("the certificate's name, as list shows it");
  return {
      {"hub", "list", {}, "List the hubs", {}, list},
      {"hub", "show", {}, "Show a hub", {name_option("the hub's name")}, show},
      {"hub certificate", "list", {}, "List the CA certificates that a hub trusts", {hub}, list_certificates},
      {"hub certificate", "show", {}, "Show one of them", {hub, name}, show_certificate},
      {"hub certificate",
       "delete",
       {},
       "Delete one: the hub refuses every certificate below it from now on",
       {hub, name},
       delete_certificate,
       true},
  };
}

}  // namespace latchkey::hub::cli
