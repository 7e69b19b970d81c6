// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

const Columns kColumns = {
    {"NAME", "/name"}, {"UUID", "/properties/uuid"}, {"CREATED", "/systemData/createdAt", As::kTime}};

std::string path(const Args& args) { return "/namespaces/" + percent_encode(args.text("name")); }

int create(Session& session, const Args& args) { return session.act("PUT", path(args), json::object(), kColumns); }
int show(Session& session, const Args& args) { return session.show(path(args), kColumns); }
int list(Session& session, const Args&) { return session.list("/namespaces", kColumns); }
int remove(Session& session, const Args& args) {
  if (const int no = session.confirm("Delete namespace '" + args.text("name") + "'?")) return no;
  return session.act("DELETE", path(args), {}, "deleted namespace " + args.text("name"));
}

}  // namespace

std::vector<Verb> namespace_verbs() {
  const Option name = name_option("its name: 3 to 64 of a-z, 0-9 and -");
  return {
      {"namespace", "create", {}, "Create a namespace; it starts without a credential", {name}, create},
      {"namespace", "show", {}, "Show a namespace", {name}, show},
      {"namespace", "list", {}, "List the namespaces", {}, list},
      {"namespace", "delete", {}, "Delete an empty namespace", {name}, remove, true},
  };
}

}  // namespace latchkey::hub::cli
