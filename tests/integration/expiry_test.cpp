// SPDX-License-Identifier: Apache-2.0
// The expiry report against a fleet in moved time: devices come and renew over weeks of the hub's clock, and what the
// report says at several moments is held against the certificates that the devices have in their hands.
#include <openssl/x509.h>

#include <ctime>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/integration/hub_cohort.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;
using Names = std::set<std::string>;

constexpr double kDay = 86'400;

double seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return static_cast<double>(timegm(&parts));
}

struct Life {
  double begin = 0;
  double end = 0;
};
Life life_of(const Identity& identity) {
  const X509* leaf = identity.chain.front().get();
  return {seconds_of(X509_get0_notBefore(leaf)), seconds_of(X509_get0_notAfter(leaf))};
}

class ExpiryReport : public HubTest<ExpiryReport> {
 protected:
  // By the clock that the hub has, to the second or so; every moment that is asked about is minutes from any limit.
  static double now() { return static_cast<double>(std::time(nullptr)) + offset_; }
  static void move_to(double days) {
    offset_ = days * kDay;
    hub().set_clock(offset_);
  }
  void hold(const std::string& id, const Identity& identity) { lives_[id] = life_of(identity); }

  // What the devices' own certificates say.
  std::string state(const std::string& id) const {
    const auto& life = lives_.at(id);
    const double left = (life.end - now()) / (life.end - life.begin);
    return left <= 0 ? "expired" : left <= 0.15 ? "overdue" : left <= 0.30 ? "due" : "fresh";
  }
  Names in_state(const std::string& wanted) const {
    Names names;
    for (const auto& [id, life] : lives_) {
      if (state(id) == wanted) names.insert(id);
    }
    return names;
  }
  Names ending_within(double days) const {
    Names names;
    for (const auto& [id, life] : lives_) {
      if (life.end > now() && life.end <= now() + days * kDay) names.insert(id);
    }
    return names;
  }

  static json report(const std::string& policy, int within) {
    return hub().json({"expiry", "report", "--policy", policy, "--within", std::to_string(within)});
  }
  static Names listed(const std::string& policy, const std::string& which, int within = 30) {
    Names names;
    for (const auto& row : rows(hub().json(
             {"expiry", "list", "--policy", policy, "--state", which, "--within", std::to_string(within)}))) {
      names.insert(row.at("device"));
    }
    return names;
  }
  void expect_right(const std::string& policy) const {
    for (const char* which : {"due", "overdue", "expired"}) EXPECT_EQ(listed(policy, which), in_state(which)) << which;
    for (const int within : {1, 4, 30}) {
      EXPECT_EQ(listed(policy, "expiring", within), ending_within(within)) << within;
      const auto counts = report(policy, within).at("devices");
      EXPECT_EQ(counts.at("expiring"), ending_within(within).size()) << within;
      EXPECT_EQ(counts.at("due"), in_state("due").size());
      EXPECT_EQ(counts.at("overdue"), in_state("overdue").size());
      EXPECT_EQ(counts.at("expiredUnrenewed"), in_state("expired").size());
    }
  }

 private:
  std::map<std::string, Life> lives_;
  static inline double offset_ = 0;
};

TEST_F(ExpiryReport, is_right_about_a_fleet_that_comes_and_renews_in_moved_time) {
  operate(hub(), {"policy", "create", "-n", "ten", "--validity-days", "10"});
  operate(hub(), {"enrollment", "create", "--id", "ten", "--group", "--policy", "ten"});
  const auto key = enrollment_key(hub(), "ten", true);
  const auto provision = [&](const std::string& id) { hold(id, hub().provision(id, key)); };
  std::map<std::string, Identity> first;
  for (const char* id : {"early-1", "early-2", "early-3", "early-4"}) {
    first[id] = hub().provision(id, key);
    hold(id, first[id]);
  }
  expect_right("ten");
  EXPECT_EQ(listed("ten", "expiring", 9), Names{});

  move_to(4.1);
  for (const char* id : {"late-1", "late-2", "late-3"}) provision(id);
  move_to(7.4);
  EXPECT_EQ(in_state("due").size(), 4u);
  expect_right("ten");

  // One renews over its session, one by provisioning again; the others do not.
  const auto renewed = renew(hub(), "early-1", first["early-1"]);
  ASSERT_EQ(renewed.status, 200);
  hold("early-1", renewed.identity);
  provision("early-2");
  expect_right("ten");
  EXPECT_EQ(listed("ten", "due"), (Names{"early-3", "early-4"}));

  move_to(9.2);
  EXPECT_EQ(in_state("overdue"), (Names{"early-3", "early-4"}));
  expect_right("ten");
  move_to(10.6);
  EXPECT_EQ(in_state("expired"), (Names{"early-3", "early-4"}));
  expect_right("ten");

  provision("early-3");  // what has expired goes through provisioning
  move_to(13.3);
  EXPECT_EQ(in_state("overdue"), (Names{"late-1", "late-2", "late-3"}));
  expect_right("ten");
  move_to(0);
}

TEST_F(ExpiryReport, names_the_cas_the_enrollments_and_the_server_that_end) {
  const auto ends = [](const std::string& kind, const std::vector<std::string>& more = {}) {
    std::vector<std::string> command{"expiry", "report", "--within", "3650"};
    command.insert(command.end(), more.begin(), more.end());
    std::vector<json> found;
    const auto answer = hub().json(command);
    for (const auto& one : answer.at("certificateAuthorities")) {
      if (one.at("kind") == kind) found.push_back(one);
    }
    return found;
  };
  const auto issuing = ends("issuing", {"--policy", "default"});
  ASSERT_EQ(issuing.size(), 1u);
  EXPECT_EQ(issuing[0].at("subject"), policy_subject(hub(), "default"));
  EXPECT_TRUE(ends("root", {"--policy", "default"}).empty()) << "a root is no policy's";
  const auto root = hub().json({"credential", "show"}).at("properties").at("certificateAuthorityConfiguration");
  for (const auto& one : ends("root")) EXPECT_EQ(one.at("subject"), root.at("subject"));
  EXPECT_TRUE(ends("server").empty()) << "it lives to 2050";
}

TEST_F(ExpiryReport, what_is_not_there_is_refused) {
  EXPECT_EQ(hub().cli({"expiry", "report", "--policy", "none"}).exit_status, 3);
  EXPECT_EQ(hub().cli({"expiry", "report", "--hub", "none"}).exit_status, 3);
  EXPECT_EQ(hub().cli({"expiry", "report", "--namespace", "none"}).exit_status, 3);
  EXPECT_EQ(hub().cli({"expiry", "report", "--within", "4000"}).exit_status, 2);
  EXPECT_EQ(hub().cli({"expiry", "list", "--state", "fresh"}).exit_status, 2);
}

}  // namespace
}  // namespace latchkey::tests
