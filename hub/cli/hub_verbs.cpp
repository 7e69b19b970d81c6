// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "hub/cli/internal/verbs.h"
#include "hub/cli/internal/what_if.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

const Columns kColumns = {{"NAME", "/name"},
                          {"HOST", "/properties/hostName"},
                          {"LATENCY", "/properties/latencyMs"},
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
std::string path(const Args& args) { return "/hubs/" + percent_encode(args.text("name")); }

int create(Session& session, const Args& args) {
  json properties = {{"deviceRegistry", {{"namespaceResourceId", namespace_path(args)}}}};
  if (args.has("listen")) properties["listen"] = args.text("listen");
  if (args.has("latency")) properties["latencyMs"] = args.count("latency");
  return session.act("PUT", path(args), {{"properties", std::move(properties)}}, kColumns);
}
int update(Session& session, const Args& args) {
  if (args.has("latency") == args.has("no-latency")) {
    return session.failed({kExitBadInput, "give either --latency or --no-latency"});
  }
  const json latency = args.has("latency") ? json(args.count("latency")) : json();
  return session.act("PATCH", path(args), {{"properties", {{"latencyMs", latency}}}}, kColumns);
}
int remove(Session& session, const Args& args) {
  if (const int no = session.confirm("Delete hub '" + args.text("name") +
                                     "'? Its broker ends, with every session there, and its list of CA certificates "
                                     "is gone.")) {
    return no;
  }
  return session.act("DELETE", path(args) + override_query(args), {}, "deleted hub " + args.text("name"));
}
int list_certificates(Session& session, const Args& args) {
  return session.list(certificates_path(args), kCertificateColumns);
}
int show_certificate(Session& session, const Args& args) {
  return session.show(certificate_path(args), kCertificateColumns);
}
int delete_certificate(Session& session, const Args& args) {
  if (what_if_asked(args)) return what_if(session, args, "DELETE", certificate_path(args));
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
  const Option itself = name_option("the hub's name");
  const Option listen = {"--listen",
                         "address and port, such as 127.0.0.3:8883; port 0 takes a free one and keeps it. Without: a "
                         "loopback address that has port 8883 free"};
  const Option latency = {"--latency", "milliseconds, for enrollments that allocate by geoLatency", Takes::kCount};
  const Option no_latency = {"--no-latency", "declare none any more", Takes::kNothing};
  const Option override_name = override_option(
      "the hub's name once more: delete it although devices are assigned to it; they are assigned anew "
      "when they register again");
  return {
      {"hub",
       "create",
       {},
       "Create a hub: it has a broker of its own and trusts the policies of its namespace",
       {itself, namespace_option(), listen, latency},
       create},
      {"hub", "list", {}, "List the hubs", {}, list},
      {"hub", "show", {}, "Show a hub", {itself}, show},
      {"hub", "update", {}, "Declare how far away a hub is", {itself, latency, no_latency}, update},
      {"hub", "delete", {}, "Delete a hub and end its broker", {itself, override_name}, remove, true},
      {"hub certificate", "list", {}, "List the CA certificates that a hub trusts", {hub}, list_certificates},
      {"hub certificate", "show", {}, "Show one of them", {hub, name}, show_certificate},
      {"hub certificate",
       "delete",
       {},
       "Delete one: the hub refuses every certificate below it from now on",
       with_what_if({hub, name}),
       delete_certificate,
       true},
  };
}

}  // namespace latchkey::hub::cli
