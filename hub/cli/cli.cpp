// SPDX-License-Identifier: Apache-2.0
// From the table of verbs to a command line. This file and completion.cpp are the only ones of the room that know the
// parser.
#include "hub/cli/cli.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "hub/cli/https_client.h"
#include "hub/cli/internal/completion.h"
#include "hub/cli/internal/pages.h"
#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

namespace {

struct Globals {
  std::string data_folder = default_data_folder();
  HttpsEndpoint endpoint;
  std::string output = "table";
  bool yes = false;
};

// What was typed for one verb. CLI11 writes into it, so it stays where it is.
struct Typed {
  const Verb* verb = nullptr;
  std::map<std::string, std::vector<std::string>> values;
  std::map<std::string, bool> switches;
};

// As the quickstart of the signing service prints options: "--a account-name" is one word, and "-–help" has the dash
// that editors make of two hyphens.
std::vector<const char*> rejoined(int argc, const char* const* argv) {
  std::vector<const char*> words;
  for (int i = 0; i < argc; ++i) {
    if (std::string_view(argv[i]) == "-\u2013help") {
      words.push_back("--help");
      continue;
    }
    const bool torn =
        std::string_view(argv[i]) == "--a" && i + 1 < argc && std::string_view(argv[i + 1]) == "account-name";
    words.push_back(torn ? "--account-name" : argv[i]);
    if (torn) ++i;
  }
  return words;
}

std::string whole_number(const std::string& text) {
  const bool good = !text.empty() && text.size() <= 9 && text.find_first_not_of("0123456789") == std::string::npos &&
                    text.find_first_not_of('0') != std::string::npos;
  return good ? std::string() : "'" + text + "' is not a whole number above 0";
}

void add_option(CLI::App& app, const Option& option, Typed& typed) {
  const auto key = key_of(option);
  if (option.takes == Takes::kNothing) {
    app.add_flag(option.names, typed.switches[key], option.help);
    return;
  }
  auto& values = typed.values[key];
  auto* added = app.add_option(option.names, values, option.help);
  added->required(option.required)->type_name(option.takes == Takes::kCount ? "NUMBER" : "TEXT");
  if (option.takes == Takes::kTexts) {
    // One value each time it is given; of those that stand without a name, as many as there are.
    added->allow_extra_args(added->get_positional());
  } else {
    added->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  }
  if (option.takes == Takes::kCount) added->check(CLI::Validator(whole_number, ""));
  if (!option.values.empty()) added->check(CLI::IsMember(option.values));
  if (!option.usual.empty()) added->default_str(option.usual);
}

Args args_of(const Typed& typed) {
  Args args;
  for (const auto& [key, values] : typed.values) {
    if (!values.empty()) args.values[key] = values;
  }
  for (const auto& [key, given] : typed.switches) {
    if (given) args.values[key] = {};
  }
  for (const auto& option : typed.verb->options) {
    const auto key = key_of(option);
    if (!option.usual.empty() && !args.has(key)) args.values[key] = {option.usual};
  }
  return args;
}

class CommandLine {
 public:
  CommandLine(const Terminal& terminal, const std::vector<LocalVerb>& local)
      : terminal_(terminal), local_(local), verbs_(all_verbs()) {
    app_.description(
        "Latchkey: device provisioning, per-device certificates and their revocation, rehearsed on your machine.");
    app_.footer(
        "Start with 'latchkey up', then 'latchkey status'. 'latchkey NOUN --help' shows the verbs.\n"
        "Exit status: 0 done, 1 our fault, 2 bad input, 3 not found, 4 refused, 5 try again.");
    app_.name("latchkey");
    app_.set_version_flag("--version", "latchkey " LATCHKEY_VERSION);
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.add_option("--data", globals_.data_folder, "the data folder of the hub ($LATCHKEY_DATA)")->type_name("FOLDER");
    auto* url = app_.add_option("--endpoint", globals_.endpoint.url,
                                "ask this hub over HTTPS instead of the data folder's socket")
                    ->type_name("URL");
    app_.add_option("--token-file", globals_.endpoint.token_file, "with --endpoint: a file with the token to show")
        ->type_name("FILE")
        ->needs(url);
    app_.add_option("--ca", globals_.endpoint.ca_file, "with --endpoint: the CA of its certificate (PEM)")
        ->type_name("FILE")
        ->needs(url);
    app_.add_option("-o,--output", globals_.output, "table or json")
        ->type_name("FORM")
        ->check(CLI::IsMember({"table", "json"}));
    for (const auto& verb : local_) {
      if (verb.name.find(' ') == std::string::npos) add_local(app_, verb.name, verb);
    }
    for (const auto& noun : nouns()) add_noun(noun);
    for (const auto& verb : local_) {
      const auto space = verb.name.find(' ');
      if (space != std::string::npos)
        add_local(parent_of(verb.name.substr(0, space)), verb.name.substr(space + 1), verb);
    }
    for (const auto& verb : verbs_) add_verb(verb);
  }

  int run(int argc, const char* const* argv) {
    const auto words = rejoined(argc, argv);
    try {
      app_.parse(static_cast<int>(words.size()), words.data());
    } catch (const CLI::Success& help) {  // --help
      return app_.exit(help, terminal_.out, terminal_.err);
    } catch (const CLI::ParseError& error) {
      app_.exit(error, terminal_.out, terminal_.err);
      return kExitBadInput;
    }
    return chosen_ ? chosen_() : kExitBadInput;
  }

  // `latchkey __complete WORD...`
  int complete(const std::vector<std::string>& words) {
    const Ask ask = [](const std::vector<std::string>& question) {
      std::vector<const char*> argv = {"latchkey"};
      for (const auto& word : question) argv.push_back(word.c_str());
      std::istringstream nothing;
      std::ostringstream answer;
      std::ostringstream ignored;
      const Terminal nobody{nothing, answer, ignored};
      const int status = run_cli(static_cast<int>(argv.size()), argv.data(), nobody);
      return status == 0 ? answer.str() : std::string();
    };
    for (const auto& line : completions(app_, verb_of_, words, ask)) terminal_.out << line << '\n';
    return 0;
  }

 private:
  void add_local(CLI::App& parent, const std::string& name, const LocalVerb& verb) {
    auto* sub = parent.add_subcommand(name, verb.help);
    sub->fallthrough();
    if (verb.add_options) verb.add_options(*sub);
    sub->callback([this, &verb] { chosen_ = [this, &verb] { return verb.run(globals_.data_folder); }; });
  }

  // "hub certificate" hangs below "hub", which comes before it in the table.
  CLI::App& parent_of(const std::string& noun) { return noun.empty() ? app_ : *nouns_.at(noun); }

  void add_noun(const Noun& noun) {
    const auto space = noun.name.find(' ');
    auto& parent = space == std::string::npos ? app_ : parent_of(noun.name.substr(0, space));
    auto* sub = parent.add_subcommand(space == std::string::npos ? noun.name : noun.name.substr(space + 1), noun.help);
    sub->require_subcommand(1)->fallthrough()->footer("Example:\n  " + noun.example);
    nouns_[noun.name] = sub;
  }

  void add_verb(const Verb& verb) {
    auto* sub = parent_of(verb.noun).add_subcommand(verb.name, verb.help);
    sub->fallthrough()->footer("Example:\n  " + example_of(verb));
    verb_of_[sub] = &verb;
    for (const auto& alias : verb.aliases) sub->alias(alias);
    auto& typed = *typed_.emplace_back(std::make_unique<Typed>());
    typed.verb = &verb;
    for (const auto& option : verb.options) add_option(*sub, option, typed);
    if (verb.irreversible) sub->add_flag("-y,--yes", globals_.yes, "do not ask for confirmation");
    sub->callback([this, &typed] { chosen_ = [this, &typed] { return run_verb(typed); }; });
  }

  Result<std::unique_ptr<Api>, Failure> socket_api() { return unix_socket_api(globals_.data_folder); }

  int run_verb(const Typed& typed) {
    auto api = globals_.endpoint.url.empty() ? socket_api() : https_api(globals_.endpoint);
    if (!api) {
      terminal_.err << "latchkey: " << api.error().message << '\n';
      return api.error().exit_status;
    }
    const auto form = globals_.output == "json" ? OutputForm::kJson : OutputForm::kTable;
    WarningApi warning(**api, terminal_.err);
    Session session(warning, terminal_, form, globals_.yes);
    return typed.verb->run(session, args_of(typed));
  }

  const Terminal& terminal_;
  const std::vector<LocalVerb>& local_;
  const std::vector<Verb> verbs_;
  Globals globals_;
  CLI::App app_;
  std::map<std::string, CLI::App*> nouns_;
  std::map<const CLI::App*, const Verb*> verb_of_;
  std::vector<std::unique_ptr<Typed>> typed_;
  std::function<int()> chosen_;  // by the callback of the innermost verb, run once parsing is through
};

}  // namespace

std::string default_data_folder() {
  if (const char* data = std::getenv("LATCHKEY_DATA"); data && *data) return data;
  if (::geteuid() == 0) return "/var/lib/latchkey";  // root's home is closed to the user that brokers run under
  const char* home = std::getenv("HOME");
  return std::string(home && *home ? home : ".") + "/.local/share/latchkey";
}

std::string management_socket(const std::string& data_folder) { return data_folder + "/run/management.sock"; }

int run_cli(int argc, const char* const* argv, const Terminal& terminal, const std::vector<LocalVerb>& local) {
  try {
    CommandLine line(terminal, local);
    if (argc > 1 && argv[1] == std::string("__complete")) return line.complete({argv + 2, argv + argc});
    return line.run(argc, argv);
  } catch (const std::exception& error) {
    terminal.err << "latchkey: " << error.what() << '\n';
    return kExitOurFault;
  }
}

int run_cli(int argc, const char* const* argv, const std::vector<LocalVerb>& local) {
  return run_cli(argc, argv, {std::cin, std::cout, std::cerr, isatty(STDIN_FILENO) == 1}, local);
}

}  // namespace latchkey::hub::cli
