// SPDX-License-Identifier: Apache-2.0
// `latchkey up` with options of the test's choosing, and what can be seen of it from outside.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/subprocess.h"

namespace latchkey::tests {

// The program under that name in the build's bin folder.
std::string built(const std::string& program);
bool eventually(const std::function<bool()>& holds, int timeout_ms = 60'000);
bool alive(pid_t pid);
mode_t mode_of(const std::filesystem::path& path);
// A TCP socket that listens on a free port of that address until it is destroyed.
class Listener {
 public:
  explicit Listener(const std::string& host, int port = 0);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();
  bool listening() const { return port_ > 0; }
  int port() const { return port_; }

 private:
  int fd_ = -1;
  int port_ = 0;
};

class Up {
 public:
  // `before`: a command that runs the program, for instance as another user.
  explicit Up(std::filesystem::path data, std::vector<std::string> before = {});
  // Options as one would type them behind `latchkey --data DIR up`; true once it serves.
  bool start(std::vector<std::string> options = free_ports());
  // Starts it without waiting for anything.
  void launch(std::vector<std::string> options);
  // Runs it although it is expected to refuse: its exit status and its words.
  Finished refused(std::vector<std::string> options = free_ports()) const;
  int signal_and_wait(int number);

  static std::vector<std::string> free_ports() { return {"--dps", "127.0.0.1:0", "--hub", "127.0.0.2:0"}; }
  Finished cli(std::vector<std::string> arguments) const;
  nlohmann::json endpoints() const;
  std::pair<pid_t, pid_t> broker_pids() const;  // DPS, hub
  std::string log() const { return read_text(work_.path() / "log"); }
  Subprocess& process() { return *process_; }

 private:
  std::vector<std::string> command(std::vector<std::string> options) const;

  const TemporaryFolder work_;
  const std::filesystem::path data_;
  const std::vector<std::string> before_;
  std::unique_ptr<Subprocess> process_;
};

}  // namespace latchkey::tests
