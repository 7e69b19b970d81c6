// SPDX-License-Identifier: Apache-2.0
// A real hub for a test: `latchkey up` in a temporary folder, on free loopback ports, driven by the real command line.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/device_client.h"
#include "tests/support/subprocess.h"

namespace latchkey::tests {

class Hub {
 public:
  struct Options {
    std::filesystem::path data;  // empty: a temporary folder
    bool rehearsal = true;
    int retry_after_s = 0;                // what DPS asks devices to wait
    std::string key_profile = "ec-p256";  // empty: what the hub takes by itself
    std::vector<std::string> more = {};   // further options of `latchkey up`
  };
  explicit Hub(Options options);
  Hub() : Hub(Options{}) {}
  ~Hub();

  // Throws std::runtime_error with the log's end when it does not come up.
  void start();
  void stop();  // SIGTERM, waits
  void kill();  // SIGKILL to the hub process alone: brokers stay
  bool running() { return process_ && process_->running(); }
  pid_t pid() const { return process_->pid(); }

  // latchkey --data ... ARGUMENTS
  Finished cli(std::vector<std::string> arguments);
  // The same with -o json; throws when it fails.
  nlohmann::json json(std::vector<std::string> arguments);

  // The rehearsal's clock, seconds from real time; returns once hub and gates go by it.
  void set_clock(double offset_s);

  std::string dps_host() const { return dps_host_; }
  int dps_port() const { return dps_port_; }
  std::string hub_host() const { return hub_host_; }
  int hub_port() const { return hub_port_; }
  std::string hub_name() const { return hub_host_ + ":" + std::to_string(hub_port_); }
  std::string id_scope() const { return id_scope_; }
  std::string ca_file() const { return ca_file_; }
  std::string group_key() const;  // base64, of the group "default"
  std::filesystem::path data() const { return data_; }
  std::filesystem::path clock_file() const { return work_.path() / "clock.json"; }
  std::filesystem::path log_file() const { return work_.path() / "hub.log"; }
  std::filesystem::path work() const { return work_.path(); }

  // --- devices
  std::string dps_username(const std::string& id, const std::string& version = "2025-07-01-preview") const;
  std::string hub_username(const std::string& id) const;
  DeviceClient::Options dps_options(const std::string& id, const std::string& password) const;
  DeviceClient::Options hub_options(const std::string& id, const Identity& identity) const;
  // A token for that id under a group key (default: the group "default").
  std::string token(const std::string& id, std::string group_key = {}) const;

  // The whole provisioning conversation; throws when it does not end in "assigned" with a chain.
  Identity provision(const std::string& id, std::string group_key = {});
  // The same, giving the last answer whatever it is: {"topicStatus": 200, "body": {...}}.
  nlohmann::json try_provision(const std::string& id, const std::string& password, const Key& key);
  // What an answer "assigned" gave the holder of that key; throws when it is another answer.
  static Identity identity_from(const nlohmann::json& answer, const Key& key);
  // Connects with that identity, reports what was seen and what the gate's decision record says of this very attempt
  // ("accepted", "identifier mismatch", ...), and closes the session again.
  struct Probe {
    ConnectResult seen;
    std::string reason;
    std::string text() const { return seen.text() + (reason == "accepted" ? "" : " (" + reason + ")"); }
  };
  Probe probe(const std::string& id, const Identity& identity, int tls_version = 0);
  Probe probe(const DeviceClient::Options& options);
  // The newest decision of an endpoint about that client id: its number (0: none) and reason.
  std::pair<std::uint64_t, std::string> last_decision(const std::string& id, const std::string& endpoint = "hub");

 private:
  std::vector<std::string> command(const std::string& program) const;
  void read_endpoints();

  const Options options_;
  const TemporaryFolder work_;
  std::filesystem::path data_;
  std::unique_ptr<Subprocess> process_;
  double clock_offset_s_ = 0;
  std::string dps_host_, hub_host_, id_scope_, ca_file_, key_file_;
  int dps_port_ = 0;
  int hub_port_ = 0;
};

}  // namespace latchkey::tests
