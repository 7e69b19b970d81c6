// SPDX-License-Identifier: Apache-2.0
// What the acceptance tests play with: devices under a policy and an enrollment group of their own, so that the rows of
// one hub do not touch each other, and the question that every cell asks: does the hub accept this certificate now?
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hub.h"

namespace latchkey::tests {

inline const std::string kHubName = "hub";

// The rows of a list answer, whatever its form.
std::vector<nlohmann::json> rows(const nlohmann::json& list);

// For what can only be asked for again and again: true once it is so, false after far longer than it may take.
template <class Done>
bool eventually(const Done& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  while (!done()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

// Lower case, without leading zeros: the one form in which serials from everywhere can be compared.
std::string plain_hex(std::string hex);

// --- operator
// Throws with the command's own words when it fails.
void operate(Hub& hub, const std::vector<std::string>& command);
std::string policy_subject(Hub& hub, const std::string& policy);
// The CA with that subject, as `latchkey ca list` shows it; throws when there is none.
nlohmann::json ca_with_subject(Hub& hub, const std::string& subject);
// The same, once its first revocation list is published.
nlohmann::json published_ca(Hub& hub, const std::string& subject);
// Names of the hub's CA certificates with that subject.
std::vector<std::string> hub_certificates(Hub& hub, const std::string& subject);
// Takes the CA with that subject off the hub; throws unless it was there.
void delete_from_hub(Hub& hub, const std::string& subject);
std::string enrollment_key(Hub& hub, const std::string& id, bool group, bool secondary = false);

// The token of an individual enrollment; the clock is taken to be the real one.
std::string individual_token(const Hub& hub, const std::string& id, const std::string& key);

class Cohort {
 public:
  // Makes policy NAME, and group NAME that names it.
  Cohort(Hub& hub, std::string name);

  const std::string& name() const { return name_; }
  std::string device(const std::string& suffix) const { return name_ + "-" + suffix; }
  Identity provision(const std::string& id) { return hub_.provision(id, key_); }
  // The last answer's body of a provisioning that need not succeed.
  nlohmann::json try_provision(const std::string& id);
  std::string token(const std::string& id) const { return hub_.token(id, key_); }
  std::string subject() { return policy_subject(hub_, name_); }
  void revoke_policy();
  void delete_policy();

 private:
  Hub& hub_;
  const std::string name_;
  std::string key_;
};

// --- verdicts
// A reason of the gate, and the checks that its record shows as failed.
struct Cause {
  std::string reason;
  std::set<std::string> failed_checks;
};
inline const Cause kIdentifierMismatch{"identifier mismatch", {"current"}};
inline const Cause kRevokedAndDisabled{"identifier mismatch", {"enabled", "current"}};
inline const Cause kDeviceDisabled{"device disabled", {"enabled"}};
inline const Cause kDeviceUnknown{"device unknown", {"device"}};
inline const Cause kIssuerNotTrusted{"issuer not trusted", {"issuer"}};
inline const Cause kExpired{"expired", {"validity"}};

// Connects over mutual TLS; the CONNACK and the decision record, found by the certificate's serial, have to agree.
testing::AssertionResult accepted(Hub& hub, const std::string& id, const Identity& identity);
// CONNACK 5, for exactly this cause.
testing::AssertionResult refused(Hub& hub, const std::string& id, const Identity& identity, const Cause& cause);

// Does a DPS answer's body say that, with that error code (0: none)?
testing::AssertionResult answers(const nlohmann::json& body, const std::string& status, int error_code = 0);

// --- sessions
// A session that stands, its decision on record.
std::unique_ptr<DeviceClient> open_session(Hub& hub, const std::string& id, const Identity& identity);
// One renewal over a live session opened with that identity: the status in the last answer's topic, and what it gave.
struct Renewal {
  int status = -1;
  Identity identity;  // empty chain unless 200
};
Renewal renew(Hub& hub, const std::string& id, const Identity& identity);

// One hub for all tests of a suite.
template <class Suite>
class HubTest : public testing::Test {
 public:
  static void SetUpTestSuite() {
    hub_ = std::make_unique<Hub>(Suite::options());
    hub_->start();
  }
  static void TearDownTestSuite() { hub_.reset(); }
  static Hub::Options options() { return {}; }

 protected:
  static Hub& hub() { return *hub_; }

 private:
  static inline std::unique_ptr<Hub> hub_;
};

}  // namespace latchkey::tests
