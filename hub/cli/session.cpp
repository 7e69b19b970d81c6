// SPDX-License-Identifier: Apache-2.0
#include <cctype>
#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

using nlohmann::json;

void Session::print_json(const json& value) {
  terminal_.out << value.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
}

int Session::failed(const Failure& failure) {
  terminal_.err << "latchkey: " << failure.message << '\n';
  return failure.exit_status;
}

int Session::list(const std::string& target, const Columns& columns, std::size_t limit) {
  json items = json::array();
  std::string next = target;
  while (!next.empty() && (limit == 0 || items.size() < limit)) {
    const auto page = call(api_, "GET", next, {});
    if (!page) return failed(page.error());
    if (!page->contains("value") || !(*page)["value"].is_array()) {
      return failed({kExitOurFault, "the hub's answer is not a list"});
    }
    for (const auto& item : (*page)["value"]) {
      if (limit == 0 || items.size() < limit) items.push_back(item);
    }
    next = page->value("nextLink", "");
  }
  if (json_wanted()) {
    print_json({{"value", std::move(items)}});
  } else {
    print_table(terminal_.out, items, columns);
  }
  return 0;
}

int Session::show(const std::string& target, const Columns& columns) { return act("GET", target, {}, columns); }

int Session::act(const std::string& method, const std::string& target, const json& body, const Columns& columns) {
  const auto answer = call(api_, method, target, body);
  if (!answer) return failed(answer.error());
  if (json_wanted()) {
    print_json(*answer);
  } else {
    print_card(terminal_.out, *answer, columns);
  }
  return 0;
}

int Session::act(const std::string& method, const std::string& target, const json& body, const std::string& done) {
  const auto answer = call(api_, method, target, body);
  if (!answer) return failed(answer.error());
  if (!json_wanted()) {
    terminal_.out << done << '\n';
  } else if (!answer->is_null()) {
    print_json(*answer);
  }
  return 0;
}

int Session::confirm(const std::string& question) {
  if (assume_yes_) return 0;
  if (!terminal_.interactive) {
    return failed({kExitBadInput, "this cannot be undone, and nobody is there to be asked; give -y to do it"});
  }
  terminal_.err << question << " This cannot be undone. [y/N] " << std::flush;
  std::string line;
  std::getline(terminal_.in, line);
  for (char& c : line) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (line == "y" || line == "yes") return 0;
  return failed({kExitRefused, "not confirmed; nothing was done"});
}

}  // namespace latchkey::hub::cli
