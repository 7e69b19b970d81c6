// SPDX-License-Identifier: Apache-2.0
// The table of verbs. A row says what can be typed, what the help says and which function runs; parsing (cli.cpp) and
// whatever else is made from the table need to know no more.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "hub/cli/cli.h"
#include "hub/cli/client.h"
#include "hub/cli/internal/output.h"
#include "platform/base/percent.h"

namespace latchkey::hub::cli {

enum class Takes { kText, kNothing, kTexts, kCount };  // one value, a switch, repeated values, a number from 1 on

struct Option {
  std::string names;  // "-n,--name"; the first long one is the key in Args
  std::string help;
  Takes takes = Takes::kText;
  bool required = false;
  std::string usual = {};                // value when it is not given
  std::vector<std::string> values = {};  // the only ones allowed; empty: any
};

class Args {
 public:
  std::map<std::string, std::vector<std::string>> values;  // by long name without dashes

  bool has(const std::string& name) const { return values.count(name) > 0; }
  const std::string& text(const std::string& name) const;  // "" when it is not there
  std::vector<std::string> texts(const std::string& name) const;
  std::size_t count(const std::string& name) const;  // of an option that takes one; 0 when it is not there
};

enum class OutputForm { kTable, kJson };

// What a verb works with. Its helpers print and return the exit status.
class Session {
 public:
  Session(Api& api, const Terminal& terminal, OutputForm form, bool assume_yes)
      : api_(api), terminal_(terminal), form_(form), assume_yes_(assume_yes) {}

  Api& api() { return api_; }
  const Terminal& terminal() const { return terminal_; }
  bool json_wanted() const { return form_ == OutputForm::kJson; }

  // GET of a list, page after page until `limit` items (0: all).
  int list(const std::string& target, const Columns& columns, std::size_t limit = 0);
  // GET of one resource.
  int show(const std::string& target, const Columns& columns);
  // An act whose answer is a resource.
  int act(const std::string& method, const std::string& target, const nlohmann::json& body, const Columns& columns);
  // An act that answers nothing worth showing; `done` is said to people.
  int act(const std::string& method, const std::string& target, const nlohmann::json& body, const std::string& done);

  // Before what cannot be undone: 0 to go on. Asks on a terminal; refuses without one unless -y was given.
  int confirm(const std::string& question);
  int failed(const Failure& failure);
  void print_json(const nlohmann::json& value);

 private:
  Api& api_;
  const Terminal& terminal_;
  OutputForm form_;
  bool assume_yes_;
};

struct Verb {
  std::string noun;  // "hub certificate" for a noun below a noun; empty: the verb stands alone
  std::string name;
  std::vector<std::string> aliases;
  std::string help;
  std::vector<Option> options;
  int (*run)(Session& session, const Args& args);
  bool irreversible = false;  // has -y
};

struct Noun {
  std::string name;
  std::string help;
  std::string example;
};

const std::vector<Noun>& nouns();
// All verbs, in the order in which the help shows them.
std::vector<Verb> all_verbs();

std::vector<Verb> namespace_verbs();
std::vector<Verb> credential_verbs();
std::vector<Verb> policy_verbs();
std::vector<Verb> device_verbs();
std::vector<Verb> message_verbs();  // device send, device message
std::vector<Verb> twin_verbs();     // device twin, device method
std::vector<Verb> enrollment_verbs();
std::vector<Verb> dps_verbs();
std::vector<Verb> hub_verbs();
std::vector<Verb> insight_verbs();  // ca, registration, decisions, status
std::vector<Verb> role_verbs();     // role token, assignment, definition
std::vector<Verb> audit_verbs();
std::vector<Verb> expiry_verbs();
std::vector<Verb> rehearsal_verbs();  // rehearsal, its clock, faults, snapshots

// Parts that many rows share.
Option namespace_option();
Option name_option(const std::string& help);
Option override_option(const std::string& help);
std::string override_query(const Args& args);  // "?override=NAME", or nothing
// "top=50": the API's page is at most 1000; a list goes on from page to page.
std::string top_query(std::size_t limit);
std::string namespace_path(const Args& args);

}  // namespace latchkey::hub::cli
