// SPDX-License-Identifier: Apache-2.0
// A real device for a test: the latchkey-agent program with its own state folder, watched through its status file.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tests/support/hub.h"

namespace latchkey::tests {

class Agent {
 public:
  struct Options {
    std::string id;
    std::string key_file;  // of the enrollment group
    int telemetry_interval_ms = 200;
    int retry_initial_ms = 100;
    int retry_max_ms = 1'000;
    int slow_retry_ms = 1'500;
    std::vector<std::string> more = {};  // options of latchkey-agent, as they stand on its command line
  };
  Agent(const Hub& hub, Options options);
  void start();
  void stop();

  const std::string& id() const { return options_.id; }
  nlohmann::json status() const;  // null before the first
  // Waits until the status satisfies `done`; false on time-out.
  bool wait(const std::function<bool(const nlohmann::json&)>& done, int timeout_ms = kPatienceMs) const;
  bool wait_connected(int timeout_ms = kPatienceMs) const;
  // The credential that it uses now, read from its state folder.
  Identity identity() const;
  std::string log() const { return read_text(log_file_); }
  std::filesystem::path state() const { return state_; }

 private:
  const Hub& hub_;
  const Options options_;
  const std::filesystem::path state_;
  const std::filesystem::path status_file_;
  const std::filesystem::path log_file_;
  std::unique_ptr<Subprocess> process_;
};

}  // namespace latchkey::tests
