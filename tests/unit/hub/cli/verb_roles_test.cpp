// SPDX-License-Identifier: Apache-2.0
// Every verb x every built-in role: run against Management in the name of a principal, and compared with the table of
// docs/roles.md, which tests/unit/hub/management/route_roles_test.cpp keeps current.
#include <fstream>
#include <map>
#include <sstream>

#include "hub/cli/internal/verbs.h"
#include "registry/roles/built_in.h"
#include "tests/unit/hub/management/role_support.h"

namespace latchkey::hub::cli {
namespace {

using management::Caller;
using management::Method;
using testing::HasSubstr;
using testing::Not;

struct Row {
  std::string method;
  std::vector<std::string> pattern;  // segments
  std::string action;
  std::vector<std::string> cells;
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::istringstream in(text);
  std::vector<std::string> parts;
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

std::string trimmed(const std::string& text) {
  const auto from = text.find_first_not_of(' ');
  return from == std::string::npos ? "" : text.substr(from, text.find_last_not_of(' ') - from + 1);
}

// What stands between the first pair of backquotes.
std::string quoted(const std::string& text) {
  const auto from = text.find('`') + 1;
  return text.substr(from, text.find('`', from) - from);
}

// The first table of the page whose rows begin with a route.
std::vector<Row> table_of_the_page() {
  std::ifstream file(LATCHKEY_ROLES_PAGE);
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("| `", 0) != 0 || line.find(" /") == std::string::npos) {
      if (rows.empty() || !line.empty()) continue;
      return rows;
    }
    const auto columns = split(line, '|');
    if (columns.size() < 4 || quoted(columns[1]).find(' ') == std::string::npos) continue;
    const auto route = split(quoted(columns[1]), ' ');
    Row row{route[0], split(route[1], '/'), quoted(columns[2]), {}};
    for (std::size_t i = 3; i < columns.size(); ++i) row.cells.push_back(trimmed(columns[i]));
    rows.push_back(std::move(row));
  }
  return rows;
}

// Management as the verbs see it, in somebody's name. An api-version that nobody knows is refused, but not before the
// roles were asked: nothing is ever done.
class ApiOf final : public Api {
 public:
  ApiOf(management::Management& management, Caller caller) : management_(management), caller_(std::move(caller)) {}

  Result<Reply, Failure> exchange(const std::string& method, const std::string& target,
                                  const std::string& body) override {
    static const std::map<std::string, Method> kMethods = {{"GET", Method::kGet},
                                                           {"PUT", Method::kPut},
                                                           {"PATCH", Method::kPatch},
                                                           {"POST", Method::kPost},
                                                           {"DELETE", Method::kDelete}};
    const auto question = target.find('?');
    const auto path = target.substr(0, question);
    if (asked.empty()) asked = {method, path};
    management::Request request{kMethods.at(method), path, "api-version=none", body, caller_};
    if (question != std::string::npos) request.query += "&" + target.substr(question + 1);
    const auto response = management_.handle(request);
    return Reply{response.status, response.body};
  }

  std::vector<std::string> asked;  // the first method and path

 private:
  management::Management& management_;
  const Caller caller_;
};

class VerbRoles : public management::RolesTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(put("/namespaces/default").status, 201);
    std::ofstream(folder.file("file")) << "text";
  }

  // Everything that a verb insists on.
  Args args_of(const Verb& verb) {
    static const std::map<std::string, std::string> kKnown = {{"scope", "/namespaces/default"},
                                                              {"role", "Reader"},
                                                              {"validity-days", "7"},
                                                              {"namespace", "default"},
                                                              {"effective-at", "2026-01-31T12:00:00Z"}};
    // Verbs that take one of several options insist on none of them by itself.
    static const std::map<std::string, std::string> kOneOfSeveral = {
        {"desired", "{}"}, {"status", "enabled"}, {"latency", "7"}};
    Args args;
    for (const auto& option : verb.options) {
      const auto start = option.names.find("--") + 2;
      const auto key = option.names.substr(start, option.names.find(',', start) - start);
      if (!option.usual.empty()) args.values[key] = {option.usual};
      if (const auto one = kOneOfSeveral.find(key); one != kOneOfSeveral.end()) args.values[key] = {one->second};
      if (!option.required) continue;
      const bool file = key == "document" || key.find("file") != std::string::npos;
      if (!option.values.empty()) {
        args.values[key] = {option.values.front()};
      } else if (const auto known = kKnown.find(key); known != kKnown.end()) {
        args.values[key] = {known->second};
      } else {
        args.values[key] = {option.takes == Takes::kCount ? "7" : file ? folder.file("file") : "default"};
      }
      // Not in the working folder, which other tests have too.
      if (key == "out") args.values[key] = {folder.file("out")};
    }
    return args;
  }

  struct Outcome {
    std::vector<std::string> asked;
    int status = 0;
    std::string said;
  };
  Outcome run(const Verb& verb, const Caller& caller) {
    ApiOf api(*management, caller);
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    const Terminal terminal{in, out, err, false};
    Session session(api, terminal, OutputForm::kTable, true);
    const int status = verb.run(session, args_of(verb));
    return {api.asked, status, err.str()};
  }
};

const Row* row_of(const std::vector<Row>& rows, const std::vector<std::string>& asked) {
  const auto segments = split(asked[1], '/');
  const Row* best = nullptr;
  for (const auto& row : rows) {
    if (row.method != asked[0] || row.pattern.size() != segments.size()) continue;
    bool same = true;
    for (std::size_t i = 0; i < segments.size(); ++i) same &= row.pattern[i] == "{}" || row.pattern[i] == segments[i];
    if (same) best = &row;
  }
  return best;
}

// Those speak to another API, which knows no roles: who reaches it is the owner of the data folder.
bool is_owners_alone(const Verb& verb) { return verb.noun.starts_with("rehearsal") || verb.noun == "keys"; }

TEST_F(VerbRoles, every_verb_is_allowed_or_refused_as_the_page_says) {
  const auto rows = table_of_the_page();
  const auto& roles = registry::roles::built_in_roles();
  ASSERT_FALSE(rows.empty());
  for (std::size_t i = 0; i < roles.size(); ++i) {
    const auto caller = person("p" + std::to_string(i), roles[i].name, "/");
    for (const auto& verb : all_verbs()) {
      if (is_owners_alone(verb)) continue;
      const std::string what = verb.noun + " " + verb.name + " as " + roles[i].name;
      const auto outcome = run(verb, caller);
      ASSERT_EQ(outcome.asked.size(), 2u) << what << " asked nothing: " << outcome.said;
      const auto* row = row_of(rows, outcome.asked);
      ASSERT_NE(row, nullptr) << what << ": " << outcome.asked[0] << " " << outcome.asked[1];
      ASSERT_EQ(row->cells.size(), roles.size());
      const bool allowed = row->cells[i].find('/') != std::string::npos;
      if (allowed) {
        EXPECT_THAT(outcome.said, Not(HasSubstr("authorization"))) << what;
      } else {
        EXPECT_EQ(outcome.status, kExitRefused) << what;
        EXPECT_THAT(outcome.said, HasSubstr("perform action '" + row->action + "'")) << what;
      }
    }
  }
}

TEST_F(VerbRoles, no_verb_does_anything_without_a_role) {
  const auto stranger = person("stranger");
  for (const auto& verb : all_verbs()) {
    if (is_owners_alone(verb)) continue;
    const auto outcome = run(verb, stranger);
    EXPECT_EQ(outcome.status, kExitRefused) << verb.noun << " " << verb.name;
    EXPECT_THAT(outcome.said, HasSubstr("does not have authorization")) << verb.noun << " " << verb.name;
  }
}

}  // namespace
}  // namespace latchkey::hub::cli
