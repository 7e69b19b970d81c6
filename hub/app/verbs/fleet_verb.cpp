// SPDX-License-Identifier: Apache-2.0
#include "hub/app/verbs/fleet_verb.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <memory>

namespace latchkey::hub::app {
namespace {

constexpr int kOurFault = 1;

// Replaces this process; returns only when it cannot.
int hand_over(const std::vector<std::string>& words, const std::string& data_folder) {
  ::setenv("LATCHKEY_DATA", data_folder.c_str(), 1);  // where `run` looks when nobody says otherwise behind it
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "latchkey-fleet";
  std::vector<std::string> all{program.string()};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (auto& word : all) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  std::cerr << "latchkey: " << program.string() << " cannot be started: " << std::strerror(errno) << std::endl;
  return kOurFault;
}

}  // namespace

cli::LocalVerb fleet_verb() {
  const auto parsed = std::make_shared<CLI::App*>(nullptr);
  cli::LocalVerb verb;
  verb.name = "fleet";
  verb.help =
      "Let thousands of devices live against a running hub: fleet run SCENARIO, scenarios, show NAME, report FOLDER, "
      "verify FOLDER, plan, calibrate";
  verb.add_options = [parsed](CLI::App& app) {
    *parsed = &app;
    app.prefix_command()->fallthrough(false);  // all that follows is the other program's
    app.set_help_flag();                       // --help too
  };
  verb.run = [parsed](const std::string& data) {
    auto words = (*parsed)->remaining();
    if (words.empty()) words.emplace_back("--help");
    return hand_over(words, data);
  };
  return verb;
}

}  // namespace latchkey::hub::app
