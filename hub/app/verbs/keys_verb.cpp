// SPDX-License-Identifier: Apache-2.0
#include "hub/app/verbs/keys_verb.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "hub/ca/node_key.h"

namespace latchkey::hub::app {
namespace {

int make(const std::string& file) {
  const auto made = ca::NodeKey::make(file);
  if (!made) {
    std::cerr << "latchkey: " << made.error().detail << "\n";
    return registry::faces(made.error().reason).exit_status;
  }
  std::cout << "Node key " << ca::to_text((*made)->id()) << " is in " << file
            << ". Keep a copy where no hub runs: keys that are sealed under it are lost without it." << std::endl;
  return 0;
}

}  // namespace

cli::LocalVerb keys_new_verb() {
  const auto file = std::make_shared<std::string>();
  cli::LocalVerb verb;
  verb.name = "keys new";
  verb.help = "Make a node key in a new file (0600), for up --keys sealed:FILE; every node of a registry is given it";
  verb.add_options = [file](CLI::App& app) {
    app.add_option("file", *file, "the file; one that is there is not overwritten")->required()->type_name("FILE");
  };
  verb.run = [file](const std::string&) { return make(*file); };
  return verb;
}

}  // namespace latchkey::hub::app
