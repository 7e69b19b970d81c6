// SPDX-License-Identifier: Apache-2.0
#include "hub/cli/internal/verbs.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "hub/cli/internal/firmware_verbs.h"
#include "hub/cli/internal/signing_verbs.h"

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

std::size_t Args::count(const std::string& name) const {
  std::size_t number = 0;
  const auto& typed = text(name);
  std::from_chars(typed.data(), typed.data() + typed.size(), number);
  return number;
}

const std::vector<Noun>& nouns() {
  static const std::vector<Noun> table = {
      {"namespace", "Namespaces: each has its own root CA, policies and devices",
       "latchkey namespace create -n plant-2"},
      {"credential", "The root CA of a namespace; every policy's issuing CA is signed by it",
       "latchkey credential create --namespace plant-2"},
      {"policy", "Policies: one issuing CA each, and how long the certificates below it live",
       "latchkey policy create -n line-a --validity-days 30"},
      {"policy csr", "What your own CA has to sign for a policy that was made with --enable-byor",
       "latchkey policy csr show -n line-a --out line-a.csr\n"
       "  latchkey policy activate-byor -n line-a --certificate-chain-file chain.pem"},
      {"device", "Devices: switch them off and on, revoke their certificates, send them messages",
       "latchkey device revoke -n pump-7 --disable\n"
       "  latchkey device send -n pump-7 --message hello --property colour=red"},
      {"device message", "Cloud-to-device messages, and the queue that each device has for them",
       "latchkey device message send -n pump-7 --message hello --ttl 600\n"
       "  latchkey device message list -n pump-7"},
      {"device twin", "What is desired of a device, and what it reports of itself",
       "latchkey device twin update -n pump-7 --desired '{\"rate\": 5}'"},
      {"device method", "Calls that a connected device answers",
       "latchkey device method invoke -n pump-7 --method-name reboot --payload '{\"delay\": 3}'"},
      {"enrollment", "Enrollments: who may provision, how it proves itself, under which policy",
       "latchkey enrollment create --id pump-7 --policy line-a\n"
       "  latchkey enrollment key --id pump-7 --out pump-7.key"},
      {"dps", "The provisioning service: its id scope, addresses and hubs", "latchkey dps show"},
      {"hub", "Hubs, and the CA certificates that each of them trusts",
       "latchkey hub create -n hub-2\n"
       "  latchkey hub certificate list --hub hub-2"},
      {"hub certificate", "CA certificates that a hub trusts; deleting one shuts out every device below it",
       "latchkey hub certificate delete --hub hub -n NAME"},
      {"ca", "Root and issuing CAs, current and past, and where their revocation lists lie", "latchkey ca list"},
      {"keys", "The node key, under which private keys are sealed for hub nodes that share them (docs/keys.md)",
       "latchkey keys new new.key                                # then every node: up --keys sealed:new.key,old.key\n"
       "  latchkey keys rotate                                     # then every node: up --keys sealed:new.key"},
      {"registration", "Which device was assigned to which hub by provisioning", "latchkey registration list"},
      {"role", "Tokens for those who are not the owner of the data folder, and what they may do",
       "latchkey role token create -n ci --out ci.token\n"
       "  latchkey role assignment create --assignee ci --role Reader --scope /namespaces/default"},
      {"role token", "Tokens, each in somebody's name",
       "latchkey role token create -n ci --expires 30d --out ci.token"},
      {"role assignment", "Who holds which role where",
       "latchkey role assignment create --assignee ci --role Reader --scope /namespaces/default"},
      {"role definition", "Roles, built in or your own: what each allows",
       "latchkey role definition create -n 'Device revoker' --scope / \\\n"
       "    --action 'Microsoft.DeviceRegistry/namespaces/devices/revoke/action'"},
      {"group", "Resource groups: where signing accounts lie",
       "latchkey group create --name MyResourceGroup --location EastUS"},
      {"provider", "Resource providers, which a subscription registers before it uses them",
       "latchkey provider register --namespace Microsoft.CodeSigning\n"
       "  latchkey provider show --namespace Microsoft.CodeSigning"},
      {"tenant", "The tenant: private identity validations are for its name unless they say otherwise",
       "latchkey tenant list"},
      {"trustedsigning", "Accounts for code signing",
       "latchkey trustedsigning create -n MyAccount -l eastus -g MyResourceGroup --sku Basic"},
      {"trustedsigning certificate-profile", "Certificate profiles: what an account signs with",
       "latchkey trustedsigning certificate-profile create -g MyResourceGroup --account-name MyAccount -n MyProfile "
       "\\\n"
       "    --profile-type PublicTrust --identity-validation-id ID --include-street true"},
      {"signing", "What code signing has beside accounts and profiles", "latchkey signing identity list"},
      {"signing identity", "Identity validations: whose name certificates for signing carry",
       "latchkey signing identity show --id ID\n"
       "  latchkey signing identity decide --id ID --event accept"},
      {"signing certificate", "Certificates of a profile, one a day: which there are, and taking one back",
       "latchkey signing certificate list --account-name MyAccount --profile-name MyProfile\n"
       "  latchkey signing certificate revoke --account-name MyAccount --profile-name MyProfile \\\n"
       "    --thumbprint THUMBPRINT --reason KeyCompromised --effective-at 2026-01-31T12:00"},
      {"signing root", "The test roots above certificates for signing and for timestamps",
       "latchkey signing root list\n"
       "  latchkey signing root show -n PublicTrust --out root.pem"},
      {"firmware", "Campaigns of firmware, and whose firmware devices may run",
       "latchkey firmware statement-key --out statement.pem    # devices are given it when they are onboarded\n"
       "  latchkey firmware pin 1.3.6.1.4.1.311.97.990309390.766961637.194916062.941502583\n"
       "  latchkey firmware publish bundle-1.2.0 --policy line-a --percent 10\n"
       "  latchkey firmware status 3f9a\n"
       "  latchkey firmware raise --id 3f9a --percent 100"},
      {"audit", "Who did what, from where, what it changed and what was refused; and whether that record is whole",
       "latchkey audit list --limit 20\n"
       "  latchkey audit export --out audit.jsonl\n"
       "  latchkey audit head                        # note it somewhere else\n"
       "  latchkey audit verify --head COUNT:HASH    # what was noted"},
      {"expiry", "What expires when, and which devices should have renewed and did not",
       "latchkey expiry report --within 14\n"
       "  latchkey expiry list --state overdue --policy line-a"},
      {"rehearsal", "What only a rehearsal can do: seed it, go back, move its clock, let things go wrong",
       "latchkey rehearsal seed --file seed.json\n"
       "  latchkey rehearsal snapshot create -n before\n"
       "  latchkey rehearsal clock advance --days 20\n"
       "  latchkey rehearsal snapshot restore -n before"},
      {"rehearsal clock", "The time that hub, gates and agents go by", "latchkey rehearsal clock advance --days 20"},
      {"rehearsal faults", "What goes wrong on purpose", "latchkey rehearsal faults set --file faults.json"},
      {"rehearsal snapshot", "The state as a whole, under a name", "latchkey rehearsal snapshot create -n before"},
      {"decisions", "Why devices were let in or refused, with every check that was made",
       "latchkey decisions list --device pump-7\n"
       "  latchkey decisions list --reason 'identifier mismatch'"},
  };
  return table;
}

std::vector<Verb> all_verbs() {
  std::vector<Verb> verbs;
  for (auto part : {namespace_verbs, credential_verbs, policy_verbs, device_verbs, message_verbs, twin_verbs,
                    enrollment_verbs, dps_verbs, hub_verbs, insight_verbs, role_verbs, ground_verbs, signing_verbs,
                    identity_verbs, certificate_verbs, firmware_verbs, audit_verbs, expiry_verbs, rehearsal_verbs}) {
    auto rows = part();
    verbs.insert(verbs.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  }
  return verbs;
}

Option namespace_option() { return {"--namespace,--ns", "the namespace", Takes::kText, false, "default", {}}; }

Option name_option(const std::string& help) { return {"-n,--name", help, Takes::kText, true, {}, {}}; }

Option override_option(const std::string& help) { return {"--override", help, Takes::kText, false, {}, {}}; }

std::string override_query(const Args& args) {
  return args.has("override") ? "?override=" + percent_encode(args.text("override")) : std::string();
}

std::string top_query(std::size_t limit) { return "top=" + std::to_string(std::min<std::size_t>(limit, 1000)); }

std::string namespace_path(const Args& args) { return "/namespaces/" + percent_encode(args.text("namespace")); }

}  // namespace latchkey::hub::cli
