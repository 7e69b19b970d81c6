// SPDX-License-Identifier: Apache-2.0
// Signing accounts and certificate profiles, in the manner of `az trustedsigning`.
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "hub/cli/internal/signing_verbs.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

const Columns kAccountColumns = {{"NAME", "/name"},
                                 {"LOCATION", "/location"},
                                 {"SKU", "/properties/sku/name"},
                                 {"ENDPOINT", "/properties/accountUri"},
                                 {"STATE", "/properties/provisioningState"}};
const Columns kProfileColumns = {{"NAME", "/name"},
                                 {"TYPE", "/properties/profileType"},
                                 {"IDENTITY VALIDATION", "/properties/identityValidationId"},
                                 {"EKU", "/properties/enhancedKeyUsage"},
                                 {"STATUS", "/properties/status"}};
const Columns kNameColumns = {{"AVAILABLE", "/nameAvailable"}, {"REASON", "/reason"}, {"MESSAGE", "/message"}};
const Columns kPreviewColumns = {{"SUBJECT", "/certificateSubjectPreview"}};

std::string named_account(const Args& args) {
  return group_path(args) + "/codeSigningAccounts/" + percent_encode(args.text("name"));
}
std::string profiles_path(const Args& args) { return account_path(args) + "/certificateProfiles"; }
std::string profile_path(const Args& args) { return profiles_path(args) + "/" + percent_encode(args.text("name")); }

// Until it is there, or gone. An act has ended when it is answered, so mostly the first look is the last.
int wait_for(Session& session, const Args& args, const std::string& target) {
  const bool gone = args.has("deleted");
  const auto timeout = std::chrono::seconds(args.has("timeout") ? args.count("timeout") : 60);
  const auto until = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const auto seen = call(session.api(), "GET", target, {});
    const bool missing = !seen && seen.error().exit_status == kExitNotFound;
    if (!seen && !missing) return session.failed(seen.error());
    if (gone == missing) return 0;
    if (std::chrono::steady_clock::now() >= until) {
      return session.failed({kExitTryAgain, gone ? "it is still there" : "it is not there"});
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

int create_account(Session& session, const Args& args) {
  json body = {{"location", args.text("location")}, {"properties", {{"sku", {{"name", args.text("sku")}}}}}};
  if (!read_tags(session, args, body)) return kExitBadInput;
  return session.act("PUT", named_account(args), body, kAccountColumns);
}
int show_account(Session& session, const Args& args) { return session.show(named_account(args), kAccountColumns); }
int list_accounts(Session& session, const Args& args) {
  const auto all = std::string("/codeSigningAccounts");
  return session.list(args.has("resource-group") ? group_path(args) + all : all, kAccountColumns);
}
int update_account(Session& session, const Args& args) {
  json body = json::object();
  if (args.has("sku")) body["properties"]["sku"]["name"] = args.text("sku");
  if (!read_tags(session, args, body)) return kExitBadInput;
  return session.act("PATCH", named_account(args), body, kAccountColumns);
}
int delete_account(Session& session, const Args& args) {
  if (const int no = session.confirm("Delete signing account '" + args.text("name") +
                                     "'? Its certificate profiles go with it, and signing with them stops.")) {
    return no;
  }
  return session.act("DELETE", named_account(args), {}, "deleted signing account " + args.text("name"));
}
int wait_account(Session& session, const Args& args) { return wait_for(session, args, named_account(args)); }
int check_name(Session& session, const Args& args) {
  json body = {{"name", args.text("name")}};
  if (args.has("type")) body["type"] = args.text("type");
  return session.act("POST", "/checkNameAvailability", body, kNameColumns);
}

json profile_properties(const Args& args) {
  json properties = {{"profileType", args.text("profile-type")},
                     {"identityValidationId", args.text("identity-validation-id")}};
  const std::pair<const char*, const char*> includes[] = {{"include-street-address", "includeStreetAddress"},
                                                          {"include-postal-code", "includePostalCode"},
                                                          {"include-city", "includeCity"},
                                                          {"include-state", "includeState"},
                                                          {"include-country", "includeCountry"}};
  for (const auto& [option, member] : includes) {
    if (args.has(option)) properties[member] = args.text(option) == "true";
  }
  return properties;
}

int create_profile(Session& session, const Args& args) {
  return session.act("PUT", profile_path(args), {{"properties", profile_properties(args)}}, kProfileColumns);
}
int preview_profile(Session& session, const Args& args) {
  return session.act("POST", account_path(args) + "/previewSubject", profile_properties(args), kPreviewColumns);
}
int list_profiles(Session& session, const Args& args) { return session.list(profiles_path(args), kProfileColumns); }
int show_profile(Session& session, const Args& args) { return session.show(profile_path(args), kProfileColumns); }
int delete_profile(Session& session, const Args& args) {
  if (const int no = session.confirm("Delete certificate profile '" + args.text("name") +
                                     "'? Signing with it stops, and a new one gets another EKU. Nothing is revoked.")) {
    return no;
  }
  return session.act("DELETE", profile_path(args), {}, "deleted certificate profile " + args.text("name"));
}
int wait_profile(Session& session, const Args& args) { return wait_for(session, args, profile_path(args)); }

std::vector<Option> including(std::vector<Option> options) {
  const std::pair<const char*, const char*> includes[] = {
      {"--include-street-address,--include-street", "the street in the subject"},
      {"--include-postal-code", "the postal code in the subject"},
      {"--include-city", "the city in the subject (private types; public ones always have it)"},
      {"--include-state", "the state in the subject (private types; public ones always have it)"},
      {"--include-country", "the country in the subject (private types; public ones always have it)"}};
  for (const auto& [names, help] : includes) {
    options.push_back({names, help, Takes::kText, false, {}, {"true", "false"}});
  }
  return options;
}

std::vector<Option> waiting(std::vector<Option> options) {
  options.push_back({"--created", "until it is there (so it is without any of these)", Takes::kNothing});
  options.push_back({"--exists", "the same", Takes::kNothing});
  options.push_back({"--deleted", "until it is gone", Takes::kNothing});
  options.push_back({"--timeout", "seconds, 60 when it is not given", Takes::kCount});
  return options;
}

}  // namespace

std::vector<Verb> signing_verbs() {
  const Option account = {"-n,--name,--account-name", "the account's name", Takes::kText, true, {}, {}};
  const Option location = {"-l,--location", "the region, such as EastUS", Takes::kText, true, {}, {}};
  const std::vector<std::string> skus = {"Basic", "Premium"};
  const Option sku = {"--sku", "how much it may do", Takes::kText, false, "Basic", skus};
  const Option new_sku = {"--sku", "how much it may do from now on", Takes::kText, false, {}, skus};
  const Option anywhere = {"-g,--resource-group", "of this group alone", Takes::kText, false, {}, {}};
  const Option free_name = name_option("the name to ask after");
  const Option type = {"--type", "Microsoft.CodeSigning/codeSigningAccounts", Takes::kText, false, {}, {}};
  const Option profile = {"-n,--name,--profile-name", "the profile's name", Takes::kText, true, {}, {}};
  const Option profile_type = {
      "--profile-type",
      "what its certificates are for",
      Takes::kText,
      true,
      {},
      {"PublicTrust", "PrivateTrust", "PrivateTrustCIPolicy", "VBSEnclave", "PublicTrustTest"}};
  const Option validation = {
      "--identity-validation-id", "whose name they carry: a completed validation", Takes::kText, true, {}, {}};
  const std::string accounts = "trustedsigning";
  const std::string profiles = "trustedsigning certificate-profile";
  return {
      {accounts,
       "create",
       {},
       "Create a signing account",
       {account, group_option(), location, sku, tags_option()},
       create_account},
      {accounts, "show", {}, "Show a signing account", {account, group_option()}, show_account},
      {accounts, "list", {}, "List the signing accounts of a group, or all", {anywhere}, list_accounts},
      {accounts, "update", {}, "Change tags or SKU", {account, group_option(), new_sku, tags_option()}, update_account},
      {accounts,
       "delete",
       {},
       "Delete a signing account with its certificate profiles",
       {account, group_option()},
       delete_account,
       true},
      {accounts,
       "wait",
       {},
       "Wait until an account is there, or gone",
       waiting({account, group_option()}),
       wait_account},
      {accounts, "check-name-availability", {}, "Ask whether an account's name is free", {free_name, type}, check_name},
      {profiles,
       "create",
       {},
       "Create a certificate profile",
       including({profile, account_option(), group_option(), profile_type, validation}),
       create_profile},
      {profiles,
       "preview",
       {},
       "Show the subject that its certificates would have",
       including({account_option(), group_option(), profile_type, validation}),
       preview_profile},
      {profiles,
       "list",
       {},
       "List the certificate profiles of an account",
       {account_option(), group_option()},
       list_profiles},
      {profiles, "show", {}, "Show a certificate profile", {profile, account_option(), group_option()}, show_profile},
      {profiles,
       "delete",
       {},
       "Delete a certificate profile: signing with it stops",
       {profile, account_option(), group_option()},
       delete_profile,
       true},
      {profiles,
       "wait",
       {},
       "Wait until a profile is there, or gone",
       waiting({profile, account_option(), group_option()}),
       wait_profile},
  };
}

}  // namespace latchkey::hub::cli
