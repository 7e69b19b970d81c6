// SPDX-License-Identifier: Apache-2.0
#include "hub/cli/internal/verbs.h"

#include <iterator>

namespace latchkey::hub::cli {

const std::string& Args::text(const std::string& name) const {
  static const std::string kEmpty;
  const auto found = values.find(name);
  return found == values.end() || found->second.empty() ? kEmpty : found->second.front();
}

std::vector<std::string> Args::texts(const std::string& name) const {
  const auto found = values.find(name);
  return found == values.end() ? std::vector<std::string>() : found->second;
}

const std::vector<Noun>& nouns() {
  static const std::vector<Noun> table = {
      {"namespace", "Namespaces: each has its own root CA, policies and devices",
       "latchkey namespace create -n plant-2"},
      {"credential", "The root CA of a namespace; every policy's issuing CA is signed by it",
       "latchkey credential create --namespace plant-2"},
      {"policy", "Policies: one issuing CA each, and how long the certificates below it live",
       "latchkey policy create -n line-a --validity-days 30"},
      {"device", "Devices: switch them off and on, revoke their certificates, send them messages",
       "latchkey device revoke -n pump-7 --disable\n"
       "  latchkey device send -n pump-7 --message hello --property colour=red"},
      {"enrollment", "Enrollments: who may provision, how it proves itself, under which policy",
       "latchkey enrollment create --id pump-7 --policy line-a\n"
       "  latchkey enrollment key --id pump-7 --out pump-7.key"},
      {"hub", "Hubs, and the CA certificates that each of them trusts", "latchkey hub certificate list --hub hub"},
      {"hub certificate", "CA certificates that a hub trusts; deleting one shuts out every device below it",
       "latchkey hub certificate delete --hub hub -n NAME"},
      {"ca", "Root and issuing CAs, current and past, and where their revocation lists lie", "latchkey ca list"},
      {"registration", "Which device was assigned to which hub by provisioning", "latchkey registration list"},
      {"audit", "Who did what, and what was refused", "latchkey audit list --limit 20"},
      {"decisions", "Why devices were let in or refused, with every check that was made",
       "latchkey decisions list --device pump-7\n"
       "  latchkey decisions list --reason 'identifier mismatch'"},
  };
  return table;
}

std::vector<Verb> all_verbs() {
  std::vector<Verb> verbs;
  for (auto part :
       {namespace_verbs, credential_verbs, policy_verbs, device_verbs, enrollment_verbs, hub_verbs, insight_verbs}) {
    auto rows = part();
    verbs.insert(verbs.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  }
  return verbs;
}

Option namespace_option() { return {"--namespace,--ns", "the namespace", Takes::kText, false, "default", {}}; }

Option name_option(const std::string& help) { return {"-n,--name", help, Takes::kText, true, {}, {}}; }

std::string namespace_path(const Args& args) { return "/namespaces/" + percent_encode(args.text("namespace")); }

}  // namespace latchkey::hub::cli
