// SPDX-License-Identifier: Apache-2.0
#include "tests/support/agent.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

namespace latchkey::tests {

Agent::Agent(const Hub& hub, Options options)
    : hub_(hub),
      options_(std::move(options)),
      state_(hub.work() / ("agent-" + options_.id)),
      status_file_(hub.work() / ("agent-" + options_.id + ".json")),
      log_file_(hub.work() / ("agent-" + options_.id + ".log")) {}

void Agent::start() {
  const auto number = [](int value) { return std::to_string(value); };
  std::vector<std::string> words{std::string(LATCHKEY_BIN) + "/latchkey-agent",
                                 "--registration-id",
                                 options_.id,
                                 "--id-scope",
                                 hub_.id_scope(),
                                 "--dps",
                                 hub_.dps_host() + ":" + number(hub_.dps_port()),
                                 "--ca",
                                 hub_.ca_file(),
                                 "--key-file",
                                 options_.key_file,
                                 "--group-key",
                                 "--state",
                                 state_.string(),
                                 "--status-file",
                                 status_file_.string(),
                                 "--clock",
                                 hub_.clock_file().string(),
                                 "--telemetry-interval-ms",
                                 number(options_.telemetry_interval_ms),
                                 "--retry-initial-ms",
                                 number(options_.retry_initial_ms),
                                 "--retry-max-ms",
                                 number(options_.retry_max_ms),
                                 "--slow-retry-ms",
                                 number(options_.slow_retry_ms)};
  words.insert(words.end(), options_.more.begin(), options_.more.end());
  process_ = std::make_unique<Subprocess>(words, log_file_);
}

void Agent::stop() { process_.reset(); }

nlohmann::json Agent::status() const { return nlohmann::json::parse(read_text(status_file_), nullptr, false); }

bool Agent::wait(const std::function<bool(const nlohmann::json&)>& done, int timeout_ms) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (true) {
    const auto now = status();
    if (now.is_object() && done(now)) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

bool Agent::wait_connected(int timeout_ms) const {
  return wait([](const nlohmann::json& now) { return now.value("connected", false); }, timeout_ms);
}

Identity Agent::identity() const {
  const auto slot = status().value("slot", "");
  return identity_from_pem(read_text(state_ / ("slot-" + slot + ".pem")));
}

}  // namespace latchkey::tests
