// SPDX-License-Identifier: Apache-2.0
#include "hub/cli/internal/completion.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "hub/cli/internal/pages.h"

namespace latchkey::hub::cli {
namespace {

using nlohmann::json;
using VerbOf = std::map<const CLI::App*, const Verb*>;

std::vector<const CLI::App*> below(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

// An option of this part of the command line, or of one above it.
const CLI::Option* find_option(const CLI::App* app, const std::string& name) {
  for (; app != nullptr; app = app->get_parent()) {
    if (const auto* option = app->get_option_no_throw(name)) return option;
  }
  return nullptr;
}

std::string long_name(const CLI::Option& option) {
  return option.get_lnames().empty() ? std::string() : option.get_lnames().front();
}

// How far the words before the last one lead.
struct Reached {
  const CLI::App* app = nullptr;
  const CLI::Option* awaited = nullptr;      // takes the last word as its value
  std::map<std::string, std::string> given;  // values, by long name
};

Reached follow(const CLI::App& app, const std::vector<std::string>& words) {
  Reached reached{&app, nullptr, {}};
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const auto& word = words[i];
    if (reached.awaited != nullptr) {
      reached.given[long_name(*reached.awaited)] = word;
      reached.awaited = nullptr;
    } else if (word.rfind('-', 0) == 0) {
      const auto* option = find_option(reached.app, word.substr(0, word.find('=')));
      const bool takes_a_value = option != nullptr && option->get_items_expected_max() > 0;
      if (takes_a_value && word.find('=') == std::string::npos) reached.awaited = option;
      if (takes_a_value && word.find('=') != std::string::npos) {
        reached.given[long_name(*option)] = word.substr(word.find('=') + 1);
      }
    } else {
      for (const auto* next : below(*reached.app)) {
        if (!next->check_name(word)) continue;
        reached.app = next;
        break;
      }
    }
  }
  return reached;
}

// The noun whose list has the values of this option; "" when no list has them.
std::string noun_of(const Verb& verb, const std::string& key, const Option& option) {
  for (const char* noun : {"namespace", "policy", "hub", "device", "enrollment"}) {
    if (key == noun) return noun;
  }
  if (key == "device-id" || key == "device-name") return "device";
  if (option.names.rfind("-n,", 0) != 0 || verb.name == "create") return "";  // a new thing has a new name
  return verb.noun.rfind("device ", 0) == 0 ? "device" : verb.noun;
}

std::vector<std::string> names_of(const std::string& noun, const Reached& reached, const Ask& ask) {
  for (const auto& verb : all_verbs()) {
    if (verb.noun != noun || verb.name != "list") continue;
    std::vector<std::string> words = {"--output", "json"};
    for (const char* global : {"data", "endpoint", "token-file", "ca"}) {
      const auto given = reached.given.find(global);
      if (given != reached.given.end()) words.insert(words.end(), {std::string("--") + global, given->second});
    }
    std::stringstream noun_words(noun);
    for (std::string word; noun_words >> word;) words.push_back(word);
    words.emplace_back("list");
    for (const auto& option : verb.options) {
      const auto given = reached.given.find(key_of(option));
      if (given != reached.given.end() && option.takes != Takes::kNothing) {
        words.insert(words.end(), {"--" + key_of(option), given->second});
      } else if (option.required) {
        return {};
      }
    }
    const auto answer = json::parse(ask(words), nullptr, false);
    std::vector<std::string> names;
    if (!answer.is_object() || !answer.contains("value")) return names;
    for (const auto& item : answer["value"]) {
      for (const char* key : {"name", "registrationId", "enrollmentGroupId"}) {
        if (!item.contains(key) || !item[key].is_string()) continue;
        names.push_back(item[key]);
        break;
      }
    }
    return names;
  }
  return {};
}

std::vector<std::string> values_of(const Reached& reached, const VerbOf& verb_of, const Ask& ask) {
  const auto key = long_name(*reached.awaited);
  const auto row = verb_of.find(reached.app);
  if (row != verb_of.end()) {
    for (const auto& option : row->second->options) {
      if (key_of(option) != key) continue;
      if (!option.values.empty()) return option.values;
      const auto noun = noun_of(*row->second, key, option);
      return noun.empty() ? std::vector<std::string>() : names_of(noun, reached, ask);
    }
  }
  if (key == "output") return {"table", "json"};
  return {};  // the shell offers files
}

std::vector<std::string> options_of(const CLI::App* app) {
  std::vector<std::string> options;
  for (; app != nullptr; app = app->get_parent()) {
    for (const auto* option : app->get_options()) {
      const auto name = "--" + long_name(*option);
      if (name != "--" && std::find(options.begin(), options.end(), name) == options.end()) options.push_back(name);
    }
  }
  return options;
}

}  // namespace

std::vector<std::string> completions(const CLI::App& app, const VerbOf& verb_of, const std::vector<std::string>& words,
                                     const Ask& ask) {
  const auto reached = follow(app, words);
  const std::string last = words.empty() ? std::string() : words.back();
  std::vector<std::string> all;
  if (reached.awaited != nullptr) {
    all = values_of(reached, verb_of, ask);
  } else if (last.rfind('-', 0) == 0) {
    all = options_of(reached.app);
  } else {
    for (const auto* next : below(*reached.app)) all.push_back(next->get_name());
  }
  std::vector<std::string> fitting;
  std::copy_if(all.begin(), all.end(), std::back_inserter(fitting),
               [&](const std::string& text) { return text.rfind(last, 0) == 0; });
  return fitting;
}

}  // namespace latchkey::hub::cli
