// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <ostream>

#include "hub/cli/internal/private_file.h"
#include "hub/cli/internal/verbs.h"
#include "hub/cli/internal/what_if.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

const std::string kCa = "/properties/certificate/certificateAuthorityConfiguration";
const Columns kColumns = {{"NAME", "/name"},
                          {"DAYS", "/properties/certificate/leafCertificateConfiguration/validityPeriodInDays"},
                          {"KEY", kCa + "/keyProfile"},
                          {"ISSUING CA", kCa + "/subject"},
                          {"OWN ROOT", kCa + "/bringYourOwnRoot/status"},
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
  json authority = json::object();
  if (args.has("key-profile")) authority["keyProfile"] = args.text("key-profile");
  if (args.has("enable-byor")) authority["bringYourOwnRoot"] = {{"enabled", true}};
  if (!authority.empty()) certificate["certificateAuthorityConfiguration"] = authority;
  return session.act("PUT", path(args), {{"properties", {{"certificate", certificate}}}}, kColumns);
}
int show(Session& session, const Args& args) { return session.show(path(args), kColumns); }
int list(Session& session, const Args& args) { return session.list(list_path(args), kColumns); }
int update(Session& session, const Args& args) {
  const json body = {{"properties", {{"certificate", {{"leafCertificateConfiguration", days(args)}}}}}};
  return session.act("PATCH", path(args), body, kColumns);
}
int remove(Session& session, const Args& args) {
  if (what_if_asked(args)) return what_if(session, args, "DELETE", path(args) + override_query(args));
  if (const int no = session.confirm("Delete policy '" + args.text("name") +
                                     "'? Its issuing CA's key is destroyed and no certificate is issued under it any "
                                     "more; existing ones work until they expire or the hub's CA certificate is "
                                     "deleted.")) {
    return no;
  }
  return session.act("DELETE", path(args) + override_query(args), {}, "deleted policy " + args.text("name"));
}
int revoke(Session& session, const Args& args) {
  if (what_if_asked(args)) return what_if(session, args, "POST", path(args) + "/revokeIssuer");
  if (const int no = session.confirm("Revoke the issuing CA of policy '" + args.text("name") +
                                     "'? Every device of the policy is cut off and needs a new certificate.")) {
    return no;
  }
  json body;
  if (args.has("reason")) body["reason"] = args.text("reason");
  return session.act("POST", path(args) + "/revokeIssuer", body, kColumns);
}

int show_csr(Session& session, const Args& args) {
  const auto policy = call(session.api(), "GET", path(args), {});
  if (!policy) return session.failed(policy.error());
  const auto csr = policy->value(json::json_pointer(kCa + "/bringYourOwnRoot/certificateSigningRequest"), json());
  if (!csr.is_string()) {
    return session.failed({kExitRefused, "no CSR of policy '" + args.text("name") + "' waits for a certificate"});
  }
  const auto text = csr.get<std::string>();
  if (!args.has("out")) {
    session.terminal().out << text;
    return 0;
  }
  const auto file = create_private_file(args.text("out"));
  if (!file) return session.failed(file.error());
  const bool written = write_all(*file, text);
  ::close(*file);
  return written ? 0 : session.failed({kExitOurFault, args.text("out") + " cannot be written"});
}
int activate(Session& session, const Args& args) {
  const auto& file = args.text("certificate-chain-file");
  std::ifstream in(file, std::ios::binary);
  const std::string chain{std::istreambuf_iterator<char>(in), {}};
  if (!in) return session.failed({kExitBadInput, file + " cannot be read"});
  return session.act("POST", path(args) + "/activateBringYourOwnRoot", {{"certificateChain", chain}}, kColumns);
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
  const Option reason = {"--reason",   "why, for revocation lists and OCSP; superseded when it is not given",
                         Takes::kText, false,
                         {},           {"keyCompromise", "cACompromise", "superseded", "cessationOfOperation"}};
  const Option own_root = {"--enable-byor",
                           "bring your own root: the issuing CA is signed by a CA of yours, for the CSR that 'policy "
                           "csr show' prints",
                           Takes::kNothing};
  const Option chain = {"--certificate-chain-file,--ccf",
                        "PEM: the certificate for the CSR first, then those above it; the root may be left out",
                        Takes::kText, true};
  const Option out = {"--out", "write it to this new file instead of showing it"};
  return {
      {"policy",
       "create",
       {},
       "Create a policy with an issuing CA of its own, trusted by all linked hubs",
       {name, ns, days_option, profile, own_root},
       create},
      {"policy", "show", {}, "Show a policy", {name, ns}, show},
      {"policy", "list", {}, "List the policies of a namespace", {ns}, list},
      {"policy", "update", {}, "Change how long new certificates live", {name, ns, days_required}, update},
      {"policy",
       "revoke",
       {"revoke-issuer"},
       "Replace the issuing CA: all certificates below the old one stop working now",
       with_what_if({name, ns, reason}),
       revoke,
       true},
      {"policy",
       "activate-byor",
       {},
       "Hand in what your CA signed for a policy's CSR; hubs trust it after 'credential sync'",
       {name, ns, chain},
       activate},
      {"policy csr", "show", {}, "Show the CSR that waits for your CA", {name, ns, out}, show_csr},
      {"policy",
       "delete",
       {},
       "Delete a policy: nothing new is issued; existing certificates keep working",
       with_what_if({name, ns,
                     override_option("the policy's own name: delete it although devices or enrollments use it "
                                     "(matters with a root of its own only)")}),
       remove,
       true},
  };
}

}  // namespace latchkey::hub::cli
