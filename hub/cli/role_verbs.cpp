// SPDX-License-Identifier: Apache-2.0
// Roles: tokens for those who are not the owner of the data folder, what roles there are, and who holds which where.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <ostream>
#include <random>

#include "hub/cli/internal/private_file.h"
#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

const Columns kPrincipalColumns = {{"NAME", "/name"},
                                   {"ID", "/properties/principalId"},
                                   {"STATUS", "/properties/status"},
                                   {"CREATED", "/properties/createdOn", As::kTime},
                                   {"EXPIRES", "/properties/expiresOn", As::kTime}};
const Columns kAssignmentColumns = {{"ASSIGNEE", "/properties/principalName"},
                                    {"ROLE", "/properties/roleDefinitionName"},
                                    {"SCOPE", "/properties/scope"},
                                    {"CREATED", "/properties/createdOn", As::kTime}};
const Columns kDefinitionColumns = {
    {"NAME", "/properties/roleName"}, {"TYPE", "/properties/type"}, {"DESCRIPTION", "/properties/description"}};
const Columns kDefinitionCard = {{"NAME", "/properties/roleName"},
                                 {"ID", "/name"},
                                 {"TYPE", "/properties/type"},
                                 {"DESCRIPTION", "/properties/description"},
                                 {"ACTIONS", "/properties/permissions/0/actions"},
                                 {"NOT ACTIONS", "/properties/permissions/0/notActions"},
                                 {"DATA ACTIONS", "/properties/permissions/0/dataActions"},
                                 {"NOT DATA ACTIONS", "/properties/permissions/0/notDataActions"},
                                 {"ASSIGNABLE AT", "/properties/assignableScopes"}};

std::string principal_path(const Args& args) { return "/principals/" + percent_encode(args.text("name")); }
std::string definition_path(const Args& args) { return "/roleDefinitions/" + percent_encode(args.text("name")); }
std::string scope_query(const Args& args) { return "?scope=" + percent_encode(args.text("scope")); }

// "30d", "12h", "45m" as seconds; 0 when it is none of them.
std::int64_t seconds_of(const std::string& text) {
  if (text.size() < 2 || text.size() > 6) return 0;
  std::int64_t count = 0;
  for (const char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return 0;
    count = count * 10 + (c - '0');
  }
  switch (text.back()) {
    case 'd': return count * 86'400;
    case 'h': return count * 3'600;
    case 'm': return count * 60;
    default: return 0;
  }
}

// A role assignment's name (RFC 4122 section 4.4). It is no secret, it only has to be new.
std::string new_uuid() {
  std::random_device random;
  std::array<unsigned, 4> words = {random(), random(), random(), random()};
  words[1] = (words[1] & 0xffff0fffU) | 0x4000U;
  words[2] = (words[2] & 0x3fffffffU) | 0x80000000U;
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%08x-%04x-%04x-%04x-%04x%08x", words[0], words[1] >> 16, words[1] & 0xffffU,
                words[2] >> 16, words[2] & 0xffffU, words[3]);
  return text.data();
}

// --- tokens

// Into a new file, or to be seen once.
int hand_over(Session& session, const Args& args, int descriptor, const json& principal) {
  const auto token = principal["properties"].value("token", "");
  if (descriptor >= 0) {
    const bool written = write_all(descriptor, token + "\n");
    close(descriptor);
    if (!written) return session.failed({kExitOurFault, "cannot write " + args.text("out") + "; revoke the token"});
    json shown = principal;
    shown["properties"].erase("token");
    if (session.json_wanted()) {
      session.print_json(shown);
    } else {
      session.terminal().out << "wrote the token of " << args.text("name") << " to " << args.text("out") << '\n';
    }
    return 0;
  }
  if (session.json_wanted()) {
    session.print_json(principal);
    return 0;
  }
  session.terminal().out << token << '\n';
  session.terminal().err << "This token is shown once. It may do nothing until a role is assigned to '"
                         << args.text("name") << "'.\n";
  return 0;
}

int create_token(Session& session, const Args& args) {
  const auto seconds = seconds_of(args.text("expires"));
  if (seconds == 0) {
    return session.failed({kExitBadInput, "--expires takes days, hours or minutes, such as 30d, 12h or 45m"});
  }
  int descriptor = -1;
  if (args.has("out")) {
    const auto made = create_private_file(args.text("out"));
    if (!made) return session.failed(made.error());
    descriptor = *made;
  }
  const auto principal =
      call(session.api(), "PUT", principal_path(args), {{"properties", {{"lifetimeSeconds", seconds}}}});
  if (principal) return hand_over(session, args, descriptor, *principal);
  if (descriptor >= 0) {
    close(descriptor);
    unlink(args.text("out").c_str());
  }
  return session.failed(principal.error());
}

int list_tokens(Session& session, const Args&) { return session.list("/principals", kPrincipalColumns); }
int show_token(Session& session, const Args& args) { return session.show(principal_path(args), kPrincipalColumns); }
int revoke_token(Session& session, const Args& args) {
  if (const int no = session.confirm("Revoke the token of '" + args.text("name") + "'?")) return no;
  return session.act("POST", principal_path(args) + "/revoke", {}, kPrincipalColumns);
}
int delete_token(Session& session, const Args& args) {
  if (const int no = session.confirm("Delete '" + args.text("name") + "' with its token and its role assignments?")) {
    return no;
  }
  return session.act("DELETE", principal_path(args), {}, "deleted " + args.text("name"));
}

// --- assignments

int create_assignment(Session& session, const Args& args) {
  const json properties = {{"principalId", args.text("assignee")}, {"roleDefinitionId", args.text("role")}};
  return session.act("PUT", "/roleAssignments/" + new_uuid() + scope_query(args), {{"properties", properties}},
                     kAssignmentColumns);
}

int list_assignments(Session& session, const Args& args) {
  return session.list("/roleAssignments" + scope_query(args), kAssignmentColumns);
}

// The API deletes by id; what people know is who, what and where.
int delete_assignment(Session& session, const Args& args) {
  const auto query = scope_query(args) + "&exact=true&assignee=" + percent_encode(args.text("assignee")) +
                     "&role=" + percent_encode(args.text("role"));
  const auto found = call(session.api(), "GET", "/roleAssignments" + query, {});
  if (!found) return session.failed(found.error());
  const auto value = found->value("value", json::array());
  if (value.size() != 1) {
    return session.failed({kExitNotFound, "'" + args.text("assignee") + "' does not hold the role '" +
                                              args.text("role") + "' at " + args.text("scope")});
  }
  return session.act("DELETE", "/roleAssignments/" + value[0].value("name", "") + scope_query(args), {},
                     "took the role '" + args.text("role") + "' from " + args.text("assignee"));
}

// --- definitions

int create_definition(Session& session, const Args& args) {
  const json properties = {
      {"description", args.text("description")},         {"actions", args.texts("action")},
      {"notActions", args.texts("not-action")},          {"dataActions", args.texts("data-action")},
      {"notDataActions", args.texts("not-data-action")}, {"assignableScopes", args.texts("scope")}};
  return session.act("PUT", definition_path(args), {{"properties", properties}}, kDefinitionCard);
}
int list_definitions(Session& session, const Args&) { return session.list("/roleDefinitions", kDefinitionColumns); }
int show_definition(Session& session, const Args& args) { return session.show(definition_path(args), kDefinitionCard); }
int delete_definition(Session& session, const Args& args) {
  if (const int no = session.confirm("Delete the role '" + args.text("name") + "'?")) return no;
  return session.act("DELETE", definition_path(args), {}, "deleted role " + args.text("name"));
}

std::vector<Verb> token_verbs() {
  const Option name = name_option("who shows it: 1 to 64 letters, digits, '.', '-' or '_'");
  const Option expires = {"--expires", "from now, in days, hours or minutes", Takes::kText, false, "30d"};
  const Option out = {"--out", "a new file for the token, for its owner alone; shown once when not given"};
  return {
      {"role token", "create", {}, "Make a token; it may do nothing yet", {name, expires, out}, create_token},
      {"role token", "list", {}, "List who has a token", {}, list_tokens},
      {"role token", "show", {}, "Show one of them, without the token", {name}, show_token},
      {"role token", "revoke", {}, "Make a token worthless, now", {name}, revoke_token, true},
      {"role token", "delete", {}, "Delete a token and its role assignments", {name}, delete_token, true},
  };
}

std::vector<Verb> assignment_verbs() {
  const Option assignee = {"--assignee", "name or id of who has the token", Takes::kText, true};
  const Option role = {"--role", "name or id of the role", Takes::kText, true};
  const std::string where = "/ for everything, a path such as /namespaces/default or /hubs/hub, or a full resource id";
  const Option scope = {"--scope", where, Takes::kText, true};
  const Option any_scope = {"--scope", where + "; also what counts there from above", Takes::kText, false, "/"};
  return {
      {"role assignment", "create", {}, "Give a role at a scope and below", {assignee, role, scope}, create_assignment},
      {"role assignment", "list", {}, "List who holds which role where", {any_scope}, list_assignments},
      {"role assignment", "delete", {}, "Take a role away", {assignee, role, scope}, delete_assignment},
  };
}

std::vector<Verb> definition_verbs() {
  const Option name = name_option("the role's name, or its id");
  const Option new_name = name_option("the new role's name");
  const Option description = {"--description", "what it is for"};
  const Option action = {"--action", "what it allows of the control plane, * for any part", Takes::kTexts};
  const Option not_action = {"--not-action", "what is left out of that", Takes::kTexts};
  const Option data_action = {"--data-action", "what it allows inside hubs and provisioning", Takes::kTexts};
  const Option not_data_action = {"--not-data-action", "what is left out of that", Takes::kTexts};
  const Option scope = {"--scope", "where it can be assigned, and below", Takes::kTexts, true};
  return {
      {"role definition",
       "create",
       {},
       "Define a role of your own; it cannot be changed later",
       {new_name, description, action, not_action, data_action, not_data_action, scope},
       create_definition},
      {"role definition", "list", {}, "List the roles, built-in ones first", {}, list_definitions},
      {"role definition", "show", {}, "Show what a role allows", {name}, show_definition},
      {"role definition", "delete", {}, "Delete a role that nobody holds", {name}, delete_definition, true},
  };
}

}  // namespace

std::vector<Verb> role_verbs() {
  std::vector<Verb> verbs;
  for (auto part : {token_verbs, assignment_verbs, definition_verbs}) {
    for (auto& verb : part()) verbs.push_back(std::move(verb));
  }
  return verbs;
}

}  // namespace latchkey::hub::cli
