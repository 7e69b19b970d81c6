// SPDX-License-Identifier: Apache-2.0
#include "hub/app/verbs/node_verb.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "hub/app/base/store_argument.h"
#include "hub/app/nodes/node_status.h"
#include "registry/cluster/rows.h"

namespace latchkey::hub::app {
namespace {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;
using registry::cluster::Node;
using registry::cluster::NodeState;

using Steady = std::chrono::steady_clock;

constexpr auto kLookEvery = std::chrono::milliseconds(200);

struct Arguments {
  std::string store;
  std::string name;
  bool undo = false;
  bool wait = false;
  int timeout_s = 300;
  CLI::App* list = nullptr;
  CLI::App* drain = nullptr;
  CLI::App* remove = nullptr;
};

Outcome<Nothing> list(registry::store::Database& database) {
  LATCHKEY_TRY(nodes, registry::cluster::list_nodes(database));
  LATCHKEY_TRY(on_duty, registry::cluster::duty_holder(database));
  for (const Node& node : nodes) {
    std::cout << node.name << "  " << state_text(node) << "  " << node.address << "  lease "
              << static_cast<double>(node.lease_ms) / 1000 << " s  sessions " << node.sessions << "  applied "
              << node.applied << "  cut " << node.cut << "  version " << node.version
              << (node.state == NodeState::kLive && registry::cluster::mark_of(node.name, node.incarnation) == on_duty
                      ? "  on duty"
                      : "")
              << "\n";
  }
  return Nothing{};
}

// One that has left meanwhile serves nobody either; of a lost one nobody knows what becomes of its devices.
Outcome<Nothing> wait_until_drained(registry::store::Database& database, const Arguments& arguments) {
  const auto until = Steady::now() + std::chrono::seconds(arguments.timeout_s);
  const std::string who = "node '" + arguments.name + "' ";
  for (;;) {
    LATCHKEY_TRY(node, registry::cluster::find_node(database, arguments.name));
    if (!node || node->state == NodeState::kLeft) return Nothing{};
    if (node->state == NodeState::kLost) return refuse(Reason::kPreconditionFailed, who + "was lost while it drained");
    if (!node->draining) return refuse(Reason::kPreconditionFailed, who + "is not draining any more");
    if (node->drained) return Nothing{};
    if (Steady::now() >= until) {
      return refuse(Reason::kEnforcementTimeout,
                    who + "drains, and has " + std::to_string(node->sessions) + " sessions still");
    }
    std::this_thread::sleep_for(kLookEvery);
  }
}

Outcome<Nothing> drain(registry::store::Database& database, const Arguments& arguments) {
  LATCHKEY_TRY(found, registry::cluster::drain_node(database, arguments.name, !arguments.undo));
  if (!found) return refuse(Reason::kNotFound, "no node named '" + arguments.name + "' lives");
  return arguments.wait ? wait_until_drained(database, arguments) : Nothing{};
}

Outcome<Nothing> remove(registry::store::Database& database, const Arguments& arguments) {
  LATCHKEY_TRY(found, registry::cluster::forget_node(database, arguments.name));
  if (found) return Nothing{};
  LATCHKEY_TRY(node, registry::cluster::find_node(database, arguments.name));
  if (!node) return refuse(Reason::kNotFound, "there is no node named '" + arguments.name + "'");
  return refuse(Reason::kPreconditionFailed,
                "node '" + arguments.name + "' is live: stop it; one that was killed is lost with the next revocation");
}

Outcome<Nothing> act(const Arguments& arguments, const std::string& data) {
  const auto store = arguments.store.empty() ? (std::filesystem::path(data) / "registry.db").string() : arguments.store;
  std::error_code ignored;
  if (arguments.store.empty() && !std::filesystem::exists(store, ignored)) {  // it would be made
    return refuse(Reason::kNotFound,
                  "there is no registry in " + data + ": name the one that the nodes share by --store");
  }
  LATCHKEY_TRY_VOID(check_store_argument(store));
  LATCHKEY_TRY(database, registry::store::Database::open(store, registry::store::Database::Access::kReadWrite));
  if (arguments.drain->parsed()) return drain(*database, arguments);
  if (arguments.remove->parsed()) return remove(*database, arguments);
  return list(*database);
}

void declare(CLI::App& program, Arguments& arguments) {
  program
      .add_option(
          "--store", arguments.store,
          "The registry that the nodes share, as latchkey up --store names it; without it the data folder's own")
      ->envname(kStoreVariable)
      ->type_name("URL");
  program.require_subcommand(1);
  arguments.list = program.add_subcommand("list", "Name, state, address, sessions and progress of every node");
  arguments.drain = program.add_subcommand(
      "drain",
      "Send a node's devices to the others: its health says that it is not ready, and once balancers had time to see "
      "that, its sessions end, a part each second");
  arguments.remove = program.add_subcommand("remove", "Forget a node that left or was lost");
  for (auto* const one : {arguments.drain, arguments.remove}) {
    one->add_option("name", arguments.name, "The node")->required();
  }
  auto* const undo = arguments.drain->add_flag("--undo", arguments.undo, "Let it be sent devices again");
  auto* const wait =
      arguments.drain->add_flag("--wait", arguments.wait, "Return when no session is left")->excludes(undo);
  arguments.drain->add_option("--timeout", arguments.timeout_s, "With --wait: for how long")
      ->needs(wait)
      ->check(CLI::Range(1, 86'400))
      ->type_name("SECONDS")
      ->capture_default_str();
  for (auto* const one : {arguments.list, arguments.drain, arguments.remove}) one->fallthrough();
}

}  // namespace

cli::LocalVerb node_verb() {
  const auto arguments = std::make_shared<Arguments>();
  cli::LocalVerb verb;
  verb.name = "node";
  verb.help = "The nodes that share a registry: list, drain NAME, remove NAME";
  verb.add_options = [arguments](CLI::App& program) { declare(program, *arguments); };
  verb.run = [arguments](const std::string& data) {
    const auto done = act(*arguments, data);
    if (done) return 0;
    std::cerr << "latchkey: " << done.error().detail << "\n";
    return registry::faces(done.error().reason).exit_status;
  };
  return verb;
}

}  // namespace latchkey::hub::app
