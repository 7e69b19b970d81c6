// SPDX-License-Identifier: Apache-2.0
// Every route x every built-in role x three scopes: asked of Management, and compared with the table in docs/roles.md.
// With LATCHKEY_WRITE_PAGES set in the environment the table is written instead; then read what changed in it.
#include <fstream>
#include <sstream>
#include <thread>

#include "hub/management/internal/router.h"
#include "registry/roles/built_in.h"
#include "tests/unit/hub/management/role_support.h"

namespace latchkey::hub::management {
namespace {

using registry::roles::Parity;
using registry::roles::Plane;
using testing::HasSubstr;

constexpr const char* kPage = LATCHKEY_ROLES_PAGE;
const std::string kBegin = "<!-- table: made and checked by tests/unit/hub/management/route_roles_test.cpp -->\n";
const std::string kEnd = "<!-- end of the table -->\n";

// Column heads, in the order of built_in_roles().
constexpr const char* kKeys[] = {"O", "C", "R", "UA", "CC", "DR", "ON", "HC", "HR", "PC", "PR", "IV", "PS"};
constexpr char kNothing = '-';

std::string verb(Method method) {
  switch (method) {
    case Method::kGet: return "GET";
    case Method::kPut: return "PUT";
    case Method::kPatch: return "PATCH";
    case Method::kPost: return "POST";
    case Method::kDelete: return "DELETE";
  }
  return "";
}

// A path of that route: in the namespace "default" where it is in one.
std::string path_of(const Route& route) {
  std::string path(route.pattern);
  for (bool first = true; path.find("{}") != std::string::npos; first = false) {
    const bool uuid = path.rfind("/roleAssignments", 0) == 0;
    path.replace(path.find("{}"), 2, uuid ? "7a1d6a3e-0000-4000-8000-000000000001" : first ? "default" : "x");
  }
  return path;
}

std::string read_page() {
  std::ifstream file(kPage);
  return {std::istreambuf_iterator<char>(file), {}};
}

class RouteRoles : public RolesTest {
 protected:
  struct Somebody {
    std::size_t role;
    char scope;  // its letter
    Caller caller;
  };

  void SetUp() override {
    ASSERT_EQ(put("/namespaces/default").status, 201);
    ASSERT_EQ(std::size(kKeys), roles().size());
    const std::pair<char, std::string> scopes[] = {{'/', "/"}, {'g', group()}, {'n', the_namespace()}};
    for (std::size_t i = 0; i < roles().size(); ++i) {
      for (const auto& [letter, scope] : scopes) {
        const std::string name = std::string(kKeys[i]) + "-" + (letter == '/' ? 'r' : letter);
        everybody.push_back({i, letter, person(name, roles()[i].name, scope)});
      }
    }
  }
  static const std::vector<registry::roles::RoleDefinition>& roles() { return registry::roles::built_in_roles(); }

  // An api-version that nobody knows is refused with 400, but not before the roles were asked: nothing is ever done.
  std::string target_of(const Route& route) {
    const bool at_scope = route.needs.over() == Over::kScopeAsked;
    return path_of(route) + "?api-version=none" + (at_scope ? "&scope=" + the_namespace() : "");
  }
  bool allowed(const Route& route, const Caller& caller) {
    const auto response = respond(caller, route.method, target_of(route));
    if (response.status != 403) {
      EXPECT_EQ(response.status, 400) << route.pattern;
      return true;
    }
    const auto error = json::parse(response.body)["error"];
    EXPECT_EQ(error["code"], "AuthorizationFailed");
    const std::string action(route.needs.action().name);
    EXPECT_THAT(error["message"].get<std::string>(), HasSubstr("perform action '" + action + "'")) << route.pattern;
    EXPECT_THAT(error["message"].get<std::string>(), HasSubstr("'" + caller.name + "'")) << route.pattern;
    return false;
  }

  // By route and role, the letters of the scopes at which the role suffices. A thread a role: each answer waits for its
  // audit record to be durable, and those of several threads share a commit.
  using Table = std::vector<std::vector<std::string>>;
  Table ask_everybody() {
    Table table(routes().size(), std::vector<std::string>(roles().size()));
    std::vector<std::thread> threads;
    for (std::size_t role = 0; role < roles().size(); ++role) {
      threads.emplace_back([this, role, &table] {
        for (std::size_t i = 0; i < routes().size(); ++i) table[i][role] = cell(routes()[i], role);
      });
    }
    for (auto& thread : threads) thread.join();
    return table;
  }
  std::string cell(const Route& route, std::size_t role) {
    std::string letters;
    for (const auto& one : everybody) {
      if (one.role == role && allowed(route, one.caller)) letters += one.scope;
    }
    return letters.empty() ? std::string(1, kNothing) : letters;
  }

  static std::string head() {
    std::string text = "| Route | Action |";
    std::string line = "|---|---|";
    for (const auto* key : kKeys) {
      text += std::string(" ") + key + " |";
      line += "---|";
    }
    return text + "\n" + line + "\n";
  }
  static std::string row(const Route& route, const std::vector<std::string>& row_cells) {
    const bool data = route.needs.action().plane == Plane::kData;
    std::string text = "| `" + verb(route.method) + " " + std::string(route.pattern) + "` | " + (data ? "data: " : "") +
                       "`" + std::string(route.needs.action().name) + "` |";
    for (const auto& cell : row_cells) text += " " + cell + " |";
    return text + "\n";
  }
  static std::string legend() {
    std::string text;
    for (std::size_t i = 0; i < roles().size(); ++i) {
      std::string id(view(to_text(roles()[i].id)));
      text += "- **" + std::string(kKeys[i]) + "** " + roles()[i].name + " (`" + id + "`): " + roles()[i].description +
              "\n";
    }
    return text;
  }

  std::vector<Somebody> everybody;
};

// Rows: R-8-17, R-8-18, R-8-19
TEST_F(RouteRoles, page_says_what_each_role_may_at_each_scope) {
  std::string table = legend() + "\n" + head();
  std::string departures = "\nWith `--parity azure-roles` these rows differ:\n\n" + head();
  const auto usual = ask_everybody();
  reread(Parity::kAzureRoles);
  const auto literal = ask_everybody();
  for (std::size_t i = 0; i < routes().size(); ++i) {
    table += row(routes()[i], usual[i]);
    if (literal[i] != usual[i]) departures += row(routes()[i], literal[i]);
  }
  table += departures;

  const auto page = read_page();
  const auto begin = page.find(kBegin);
  const auto end = page.find(kEnd);
  ASSERT_NE(begin, std::string::npos) << kPage << " has no place for the table";
  ASSERT_NE(end, std::string::npos);
  const auto from = begin + kBegin.size();
  if (std::getenv("LATCHKEY_WRITE_PAGES") != nullptr) {
    std::ofstream(kPage) << page.substr(0, from) << table << page.substr(end);
    return;
  }
  std::istringstream is(page.substr(from, end - from));
  std::istringstream should(table);
  std::string is_line;
  std::string should_line;
  while (std::getline(should, should_line)) {
    is_line.clear();
    std::getline(is, is_line);
    EXPECT_EQ(is_line, should_line);
  }
  EXPECT_FALSE(std::getline(is, is_line)) << "the page goes on with: " << is_line;
}

TEST_F(RouteRoles, caller_without_a_role_gets_nowhere_and_each_attempt_is_audited) {
  const auto stranger = person("stranger");
  for (const auto& route : routes()) {
    EXPECT_FALSE(allowed(route, stranger)) << route.pattern;
    const auto record = newest_audit();
    EXPECT_EQ(record["actor"], "principal:stranger");
    EXPECT_EQ(record["source"], "127.0.0.1:50000");
    EXPECT_EQ(record["outcome"], "unauthorized");
    EXPECT_EQ(record["resource"], path_of(route));
    EXPECT_THAT(record["detail"].get<std::string>(), HasSubstr(std::string(route.needs.action().name)));
  }
}

TEST_F(RouteRoles, owner_of_the_data_folder_needs_no_role) {
  for (const auto& route : routes()) {
    EXPECT_TRUE(allowed(route, Caller::on_socket(Caller::Kind::kOwner, 0, "root"))) << route.pattern;
  }
}

}  // namespace
}  // namespace latchkey::hub::management
