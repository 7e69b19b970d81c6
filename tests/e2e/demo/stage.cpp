// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/demo/stage.h"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

namespace latchkey::demo {

using nlohmann::json;
using tests::Agent;

Stage::Stage(const std::string& key_profile, std::vector<std::string> hub_options)
    : hub_({.data = {},
            .rehearsal = true,
            .retry_after_s = 1,
            .key_profile = key_profile,
            .more = std::move(hub_options)}) {}

void Stage::set_up() {
  hub_.start();
  for (const std::string cohort : {"sensors", "gateways"}) {
    operate({"policy", "create", "-n", cohort, "--validity-days", "30"});
    operate({"enrollment", "create", "--id", cohort, "--group", "--policy", cohort});
    operate({"enrollment", "key", "--id", cohort, "--group", "--out", (hub_.work() / (cohort + ".key")).string()});
  }
}

void Stage::add_agents(const std::vector<std::string>& options) {
  for (const auto& id : kSensors) add_agent(id, "sensors", options);
  for (const auto& id : kGateways) add_agent(id, "gateways", options);
}

void Stage::add_agent(const std::string& id, const std::string& group, const std::vector<std::string>& more) {
  Agent::Options options;
  options.id = id;
  options.more = more;
  options.key_file = (hub_.work() / (group + ".key")).string();
  agents_[id] = std::make_unique<Agent>(hub_, options);
}

void Stage::start_agents() {
  for (auto& [id, agent] : agents_) agent->start();
}

std::vector<std::string> Stage::ids() const {
  std::vector<std::string> all;
  for (const auto& [id, agent] : agents_) all.push_back(id);
  return all;
}

std::string Stage::group_key(const std::string& group) const {
  auto key = tests::read_text(hub_.work() / (group + ".key"));
  while (!key.empty() && key.back() == '\n') key.pop_back();
  return key;
}

void Stage::operate(const std::vector<std::string>& arguments) {
  const auto finished = hub_.cli(arguments);
  if (finished.exit_status == 0) return;
  std::string line = "latchkey";
  for (const auto& argument : arguments) line += " " + argument;
  throw std::runtime_error(line + ": " + finished.err + finished.out);
}

json Stage::ask(const std::vector<std::string>& arguments) { return hub_.json(arguments); }

std::string Stage::refused(const std::vector<std::string>& arguments) {
  const auto finished = hub_.cli(arguments);
  auto message = finished.exit_status == 0 ? std::string("accepted") : finished.err;
  while (!message.empty() && message.back() == '\n') message.pop_back();
  return message;
}

Stage::Mark Stage::mark(const std::string& id) {
  const auto status = agent(id).status();
  return {status.value("serial", ""), status.value("provisioned_count", std::int64_t{0}), hub_.last_decision(id).first};
}

std::map<std::string, Stage::Mark> Stage::marks(const std::vector<std::string>& ids) {
  std::map<std::string, Mark> all;
  for (const auto& id : ids) all[id] = mark(id);
  return all;
}

Sight Stage::untouched(const std::map<std::string, Mark>& before) {
  for (const auto& [id, mark_before] : before) {
    if (!agent(id).status().value("connected", false)) return {id + " lost its session", false};
    if (!(mark(id) == mark_before)) return {id + " had to connect or provision again", false};
  }
  return {"all " + std::to_string(before.size()) + " untouched", true};
}

Sight Stage::back_with_new_certificate(const std::string& id, const std::string& serial, int timeout_ms) {
  const bool back = agent(id).wait(
      [&](const json& status) { return status.value("connected", false) && status.value("serial", "") != serial; },
      timeout_ms);
  if (back) return {"back with serial " + agent(id).status().value("serial", "").substr(0, 8) + "...", true};
  return {"not back: " + agent(id).status().dump(), false};
}

Sight Stage::refused_for(const std::string& id, const tests::Identity& identity, const std::string& reason) {
  if (!identity.key) return {"there is no certificate to show", false};
  const auto probe = hub_.probe(id, identity);
  return {probe.text(), probe.seen.seen == tests::Seen::kRefused && probe.seen.connack == 5 && probe.reason == reason};
}

}  // namespace latchkey::demo
