// SPDX-License-Identifier: Apache-2.0
// The ground of code signing, in the manner of `az group` and `az provider`.
#include <nlohmann/json.hpp>
#include <sstream>

#include "hub/cli/internal/signing_verbs.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

const Columns kGroupColumns = {
    {"NAME", "/name"}, {"LOCATION", "/location"}, {"STATE", "/properties/provisioningState"}};
const Columns kProviderColumns = {{"NAMESPACE", "/namespace"}, {"STATE", "/registrationState"}};
const Columns kTenantColumns = {{"ID", "/tenantId"}, {"NAME", "/displayName"}};

std::string named_group(const Args& args) { return "/resourceGroups/" + percent_encode(args.text("name")); }
std::string provider_path(const Args& args) { return "/providers/" + percent_encode(args.text("namespace")); }

int list_groups(Session& session, const Args&) { return session.list("/resourceGroups", kGroupColumns); }
int show_group(Session& session, const Args& args) { return session.show(named_group(args), kGroupColumns); }
int create_group(Session& session, const Args& args) {
  json body = json::object();
  if (args.has("location")) body["location"] = args.text("location");
  if (!read_tags(session, args, body)) return kExitBadInput;
  return session.act("PUT", named_group(args), body, kGroupColumns);
}
int delete_group(Session& session, const Args& args) {
  if (const int no = session.confirm("Delete resource group '" + args.text("name") +
                                     "'? Its signing accounts and their certificate profiles go with it.")) {
    return no;
  }
  return session.act("DELETE", named_group(args), {}, "deleted resource group " + args.text("name"));
}

int list_providers(Session& session, const Args&) { return session.list("/providers", kProviderColumns); }
int show_provider(Session& session, const Args& args) { return session.show(provider_path(args), kProviderColumns); }
int register_provider(Session& session, const Args& args) {
  return session.act("POST", provider_path(args) + "/register", json::object(), kProviderColumns);
}

int list_tenants(Session& session, const Args&) { return session.list("/tenants", kTenantColumns); }
int update_tenant(Session& session, const Args& args) {
  const json body = {{"displayName", args.text("display-name")}};
  return session.act("PATCH", "/tenants/" + percent_encode(args.text("tenant-id")), body, kTenantColumns);
}

}  // namespace

Option group_option() { return {"-g,--resource-group", "the resource group", Takes::kText, false, "latchkey", {}}; }

Option account_option() { return {"--account-name", "the signing account", Takes::kText, true, {}, {}}; }

Option tags_option() { return {"--tags", "tags, as \"key1=value1 key2=value2\"", Takes::kTexts, false, {}, {}}; }

std::string group_path(const Args& args) { return "/resourceGroups/" + percent_encode(args.text("resource-group")); }

std::string account_path(const Args& args) {
  return group_path(args) + "/codeSigningAccounts/" + percent_encode(args.text("account-name"));
}

bool read_tags(Session& session, const Args& args, json& body) {
  for (const auto& text : args.texts("tags")) {
    std::istringstream pairs(text);
    for (std::string pair; pairs >> pair;) {
      const auto equals = pair.find('=');
      if (equals == std::string::npos || equals == 0) {
        session.failed({kExitBadInput, "--tags takes key=value, not '" + pair + "'"});
        return false;
      }
      body["tags"][pair.substr(0, equals)] = pair.substr(equals + 1);
    }
  }
  return true;
}

std::vector<Verb> ground_verbs() {
  const Option group = name_option("the group's name");
  const Option location = {"-l,--location", "where it lies", Takes::kText, false, {}, {}};
  const Option provider = {"--namespace,-n", "the provider, such as Microsoft.CodeSigning", Takes::kText, true, {}, {}};
  const Option tenant = {"--tenant-id", "the tenant's id, as list shows it", Takes::kText, true, {}, {}};
  const Option display_name = {"--display-name", "its new name", Takes::kText, true, {}, {}};
  return {
      {"group", "create", {}, "Create a resource group", {group, location, tags_option()}, create_group},
      {"group", "list", {}, "List the resource groups", {}, list_groups},
      {"group", "show", {}, "Show a resource group", {group}, show_group},
      {"group", "delete", {}, "Delete a resource group with the signing accounts in it", {group}, delete_group, true},
      {"provider", "list", {}, "List the resource providers", {}, list_providers},
      {"provider", "show", {}, "Show whether a provider is registered", {provider}, show_provider},
      {"provider", "register", {}, "Register a provider", {provider}, register_provider},
      {"tenant", "list", {}, "List the tenants", {}, list_tenants},
      {"tenant", "update", {}, "Name the tenant", {tenant, display_name}, update_tenant},
  };
}

}  // namespace latchkey::hub::cli
