// SPDX-License-Identifier: Apache-2.0
// A real Mosquitto with the gate in it, in a folder of its own, on a free port of 127.0.0.1.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace latchkey::tests {

class Broker {
 public:
  // `endpoint`: dps or hub. `options`: further lines of configuration. Throws when the broker does not start.
  explicit Broker(const std::string& endpoint, const std::vector<std::string>& options = {});
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  std::uint16_t port() const { return port_; }
  std::string socket() const { return (folder_ / "hub.sock").string(); }
  pid_t pid() const { return pid_; }
  // Sends SIGHUP; the broker has reloaded when a hub's next message is answered.
  void reload() const;
  // SIGTERM and wait: the exit status, or minus the signal that ended it.
  int stop();
  std::string log() const;
  // Resident memory in bytes.
  std::uint64_t resident() const;

 private:
  void write_configuration(const std::string& endpoint, const std::vector<std::string>& options);
  void start();
  void await_listening();
  void clean_up();

  std::filesystem::path folder_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace latchkey::tests
