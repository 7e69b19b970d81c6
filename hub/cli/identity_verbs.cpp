// SPDX-License-Identifier: Apache-2.0
// Identity validations: what the real service has in its portal alone.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "hub/cli/internal/signing_verbs.h"
#include "platform/base/bytes.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

const Columns kColumns = {{"ID", "/name"},
                          {"STATUS", "/properties/status"},
                          {"TYPE", "/properties/identityType"},
                          {"FOR", "/properties/subjectType"},
                          {"SUBJECT", "/properties/certificateSubjectPreview"},
                          {"EXPIRES", "/properties/expiresOn", As::kTime},
                          {"WHY", "/properties/statusReason"}};
const Columns kPreviewColumns = {{"SUBJECT", "/certificateSubjectPreview"}};

// Option, member of the body, help.
struct FormField {
  const char* option;
  const char* member;
  const char* help;
};
constexpr FormField kForm[] = {
    {"organization-name", "organizationName", "the legal name; the tenant's when a private one gives none"},
    {"organizational-unit", "organizationalUnit", "private only"},
    {"website-url", "websiteUrl", "of the organization"},
    {"primary-email", "primaryEmail", "the link to verify goes there"},
    {"secondary-email", "secondaryEmail", "another of the same domain"},
    {"business-identifier", "businessIdentifier", "of the organization"},
    {"seller-id", "sellerId", "of Store customers"},
    {"incorporated-on", "incorporatedOn", "since when the organization exists, such as 2015-03-31"},
    {"first-name", "firstName", "as on the person's identification"},
    {"last-name", "lastName", "as on the person's identification"},
    {"street", "street", "of the address"},
    {"city", "city", "of the address"},
    {"state", "state", "of the address"},
    {"country", "country", "two capital letters"},
    {"postal-code", "postalCode", "of the address"},
};

std::string validations_path(const Args& args) {
  return args.has("account-name") ? account_path(args) + "/identityValidations" : std::string("/identityValidations");
}
std::string validation_path(const Args& args) { return validations_path(args) + "/" + percent_encode(args.text("id")); }

json form_of(const Args& args) {
  json properties = {{"identityType", args.text("type")}, {"subjectType", args.text("subject")}};
  for (const auto& field : kForm) {
    if (args.has(field.option)) properties[field.member] = args.text(field.option);
  }
  if (args.has("accept-terms")) properties["termsAccepted"] = true;
  return {{"properties", std::move(properties)}};
}

// The hub reads it and says what is wrong with it; what no file of a document can be is not sent.
Result<std::string, Failure> read_document(const std::string& file) {
  constexpr std::size_t kMost = std::size_t{5} * 1024 * 1024;
  std::ifstream in(file, std::ios::binary);
  std::string bytes(kMost + 1, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  if (bytes.empty()) return fail(Failure{kExitBadInput, "cannot read " + file + ", or it is empty"});
  if (bytes.size() > kMost) return fail(Failure{kExitBadInput, file + " has more than 5 MB, the most for a document"});
  return bytes;
}

// As it may stand in JSON, whatever bytes it has.
std::string name_of(const std::string& file) {
  auto name = std::filesystem::path(file).filename().string();
  for (auto& letter : name) {
    if (letter < ' ' || letter > '~') letter = '?';
  }
  return name;
}

std::string base64_of(const std::string& bytes) {
  std::string text(base64_size(bytes.size()), '\0');
  const auto size = base64_encode(bytes, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  text.resize(size.value_or(0));
  return text;
}

Result<json, Failure> document_of(const Args& args) {
  const auto& file = args.text("document");
  LATCHKEY_TRY(bytes, read_document(file));
  json document = {{"fileName", name_of(file)}, {"file", base64_of(bytes)}};
  const std::pair<const char*, const char*> parts[] = {
      {"kind", "kind"},   {"issued-on", "issuedOn"}, {"expires-on", "expiresOn"},
      {"names", "names"}, {"address", "address"},    {"domain", "domain"}};
  for (const auto& [option, member] : parts) {
    if (args.has(option)) document[member] = args.text(option);
  }
  return document;
}

int create(Session& session, const Args& args) {
  return session.act("POST", validations_path(args), form_of(args), kColumns);
}
int preview(Session& session, const Args& args) {
  return session.act("POST", account_path(args) + "/previewIdentity", form_of(args), kPreviewColumns);
}
int list(Session& session, const Args& args) { return session.list(validations_path(args), kColumns); }
int show(Session& session, const Args& args) { return session.show(validation_path(args), kColumns); }
int renew(Session& session, const Args& args) {
  return session.act("POST", validation_path(args) + "/renew", json::object(), kColumns);
}
int submit(Session& session, const Args& args) {
  auto document = document_of(args);
  if (!document) return session.failed(document.error());
  const json body = {{"documents", json::array({std::move(*document)})}};
  return session.act("POST", validation_path(args) + "/documents", body, kColumns);
}
int present(Session& session, const Args& args) {
  auto document = document_of(args);
  if (!document) return session.failed(document.error());
  const json body = {{"accountEmail", args.text("account-email")}, {"document", std::move(*document)}};
  return session.act("POST", validation_path(args) + "/present", body, kColumns);
}
int remove(Session& session, const Args& args) {
  if (const int no = session.confirm("Delete identity validation '" + args.text("id") +
                                     "'? Certificate profiles that were made from it stop.")) {
    return no;
  }
  return session.act("DELETE", validation_path(args), {}, "deleted identity validation " + args.text("id"));
}
int decide(Session& session, const Args& args) {
  json body = {{"event", args.text("event")}};
  if (args.has("why")) body["why"] = args.text("why");
  return session.act("POST", "/identityValidations/" + percent_encode(args.text("id")) + "/decide", body, kColumns);
}

std::vector<Option> form_options(std::vector<Option> options) {
  options.push_back({"--type", "which profiles it is for", Takes::kText, false, "Public", {"Public", "Private"}});
  options.push_back(
      {"--subject", "who is validated", Takes::kText, false, "Organization", {"Organization", "Individual"}});
  for (const auto& field : kForm) {
    options.push_back({"--" + std::string(field.option), field.help, Takes::kText, false, {}, {}});
  }
  return options;
}

std::vector<Option> document_options(std::vector<Option> options) {
  options.push_back(
      {"--document",
       "the file, one picture in colour: .bmp, .jpg, .gif, .tif or .pdf of 30 KB to 5 MB, at least 600 x 370 "
       "pixels and 200 DPI",
       Takes::kText,
       true,
       {},
       {}});
  options.push_back({"--kind", "of document, such as businessRegistration or passport", Takes::kText, true, {}, {}});
  options.push_back({"--issued-on", "its date, such as 2026-01-31", Takes::kText, false, {}, {}});
  options.push_back({"--expires-on", "its last day", Takes::kText, false, {}, {}});
  options.push_back({"--names", "whom it names", Takes::kText, false, {}, {}});
  options.push_back({"--address", "that it shows", Takes::kText, false, {}, {}});
  options.push_back({"--domain", "that it is about", Takes::kText, false, {}, {}});
  return options;
}

}  // namespace

std::vector<Verb> identity_verbs() {
  const Option id = {"--id", "the identity validation's id", Takes::kText, true, {}, {}};
  const Option of_account = {"--account-name", "of this signing account alone", Takes::kText, false, {}, {}};
  const Option terms = {"--accept-terms", "accept the terms of use, without which nothing is requested",
                        Takes::kNothing};
  const Option email = {"--account-email", "of the account that presents it", Takes::kText, true, {}, {}};
  const Option event = {"--event",    "what happened",
                        Takes::kText, true,
                        {},           {"accept", "refuse", "requireAction", "emailVerified", "emailFailed"}};
  const Option why = {"--why", "told to whoever asked", Takes::kText, false, {}, {}};
  const std::string noun = "signing identity";
  auto wanted = form_options({account_option(), group_option()});
  wanted.push_back(terms);
  return {
      {noun, "create", {}, "Request an identity validation", wanted, create},
      {noun,
       "preview",
       {},
       "Show the subject that certificates would have; requests nothing",
       form_options({account_option(), group_option()}),
       preview},
      {noun, "list", {}, "List the identity validations", {of_account, group_option()}, list},
      {noun, "show", {}, "Show an identity validation", {id, of_account, group_option()}, show},
      {noun, "renew", {}, "Renew one, from 60 days before its end", {id, account_option(), group_option()}, renew},
      {noun,
       "submit",
       {},
       "Hand in a document of an organization",
       document_options({id, account_option(), group_option()}),
       submit},
      {noun,
       "present",
       {},
       "Present an individual's proof of identity",
       document_options({id, account_option(), group_option(), email}),
       present},
      {noun,
       "delete",
       {},
       "Delete an identity validation: profiles made from it stop",
       {id, of_account, group_option()},
       remove,
       true},
      {noun, "decide", {}, "Play the verifier, and whoever reads the e-mails", {id, event, why}, decide},
  };
}

}  // namespace latchkey::hub::cli
