// SPDX-License-Identifier: Apache-2.0
// What the demo plays with: a hub, five agents in two cohorts, and the operator's hands.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tests/e2e/demo/story.h"
#include "tests/support/agent.h"
#include "tests/support/hub.h"

namespace latchkey::demo {

inline const std::vector<std::string> kSensors{"sensor-1", "sensor-2", "sensor-3"};
inline const std::vector<std::string> kGateways{"gateway-1", "gateway-2"};

class Stage {
 public:
  explicit Stage(const std::string& key_profile, std::vector<std::string> hub_options = {});
  // Hub up, two policies, a group of enrollments for each.
  void set_up();
  // Five agents, not started yet, with these options more.
  void add_agents(const std::vector<std::string>& options = {});
  void start_agents();

  tests::Hub& hub() { return hub_; }
  tests::Agent& agent(const std::string& id) { return *agents_.at(id); }
  std::vector<std::string> ids() const;
  std::string group_key(const std::string& group) const;

  // The operator: throws with the command's own words when it fails.
  void operate(const std::vector<std::string>& arguments);
  // An act that has to be refused: the message, or "accepted".
  std::string refused(const std::vector<std::string>& arguments);
  nlohmann::json ask(const std::vector<std::string>& arguments);

  // What must not change for a device that is not concerned: its certificate, its session, its provisionings.
  struct Mark {
    std::string serial;
    std::int64_t provisioned = 0;
    std::uint64_t decisions = 0;  // connects that the gate decided about
    bool operator==(const Mark&) const = default;
  };
  Mark mark(const std::string& id);
  std::map<std::string, Mark> marks(const std::vector<std::string>& ids);
  // "untouched" when all are connected with the same mark; else who is not.
  Sight untouched(const std::map<std::string, Mark>& before);
  // Waits until the device is connected with a certificate other than `serial`.
  Sight back_with_new_certificate(const std::string& id, const std::string& serial, int timeout_ms = 20'000);
  // Shows that identity to the hub and says what came of it; ok when the gate's reason is the expected one.
  Sight refused_for(const std::string& id, const tests::Identity& identity, const std::string& reason);

  void add_agent(const std::string& id, const std::string& group, const std::vector<std::string>& options);

 private:
  tests::Hub hub_;
  std::map<std::string, std::unique_ptr<tests::Agent>> agents_;
};

void act_provision(Stage& stage, Story& story);
void act_revoke_device(Stage& stage, Story& story);
void act_revoke_and_disable(Stage& stage, Story& story);
void act_disable(Stage& stage, Story& story);
void act_revoke_policy(Stage& stage, Story& story);
void act_delete_policy(Stage& stage, Story& story);
void act_delete_credential(Stage& stage, Story& story);
void act_renew_and_expire(Stage& stage, Story& story);
// On a stage of its own: the hub's signing service runs.
void act_firmware(const std::string& key_profile, Story& story);

}  // namespace latchkey::demo
