// SPDX-License-Identifier: Apache-2.0
// The hub that takes bad input in these tests, and two good devices on it: one that bad input is made of, and a
// bystander whose session and telemetry run through all of it.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/forgery.h"
#include "tests/support/hub.h"
#include "tests/support/raw_client.h"

namespace latchkey::tests {

// Sends telemetry all the time over one session.
class Bystander {
 public:
  Bystander(Hub& hub, const std::string& id);
  ~Bystander();
  // True when the session that was opened first still lives and one more message was acknowledged.
  bool goes_on();

 private:
  DeviceClient client_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> acknowledged_{0};
  std::thread sender_;
};

struct Decided {
  std::uint64_t number = 0;
  std::string client_id;
  std::string reason;
  std::string failed_check;  // empty: none
};

class World {
 public:
  static constexpr const char* kVictim = "victim-1";
  static constexpr const char* kOther = "other-1";
  static constexpr const char* kBystander = "bystander-1";

  World();
  Hub hub;
  Identity victim;
  Identity other;
  TestCa issuing;  // the hub's own issuing CA, key included
  TestCa root;
  std::unique_ptr<Bystander> bystander;

  // The newest decision of an endpoint; number 0: none yet.
  Decided newest(const std::string& endpoint);
  // The first decision of an endpoint after that number; number 0 when none came in time.
  Decided next_after(std::uint64_t number, const std::string& endpoint);
  std::size_t decisions_about(const std::string& client_id);
  // Everything of the registry that bad input must leave alone.
  nlohmann::json registry();
  // "outcome action resource" of the audit records after that number, oldest first.
  std::vector<std::string> audited_after(std::uint64_t number);
  std::uint64_t newest_audit();
};
World& world();  // started at the first call, stopped at the end of the program

// What every error body of the service carries besides its code.
void expect_error_form(const nlohmann::json& body);

// Holds every test to it: the bystander's session goes on without a new decision about it, the registry is as before,
// and the audit grew by exactly what the test announced, or only by refusals of the kinds that it announced.
class BadInput : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  void expect_audit(const std::string& record) { announced_.push_back(record); }
  // Refusals with one of these outcomes, any number of them: for names that an audit record shows in a safer form.
  void allow_audit_outcomes(std::vector<std::string> outcomes) { allowed_ = std::move(outcomes); }

  // One CONNECT at the hub: what was seen and what the decision says, in one line:
  // "refused: CONNACK 5, expired, validity".
  std::string judged(const DeviceClient::Options& options);
  // The same with a CONNECT written by hand.
  std::string judged_raw(const DeviceClient::Options& options, const Packet& connect, const std::string& endpoint);
  // For what the broker refuses before it asks the gate: what was seen, and that no decision was made of it.
  std::string refused_by_broker(const DeviceClient::Options& options, const Packet& connect);

 private:
  nlohmann::json registry_;
  std::uint64_t audit_ = 0;
  std::vector<std::string> announced_;
  std::vector<std::string> allowed_;
};

}  // namespace latchkey::tests
