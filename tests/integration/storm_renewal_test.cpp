// SPDX-License-Identifier: Apache-2.0
// A wave of certificates, and when their renewals come: each device is told a window, the windows are spread evenly
// however a certificate is given out, and an agent renews in its own. All of it while the hub's clock stands still.
#include <gtest/gtest.h>
#include <openssl/x509.h>

#include <ctime>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/integration/hub_cohort.h"
#include "tests/support/agent.h"
#include "tests/support/dps_conversation.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;

constexpr std::time_t kSlotS = 900;
constexpr std::time_t kBackdatedS = 300;
constexpr std::time_t kLifetimeS = 86'400 + kBackdatedS;
// Of a day and five minutes, from 70 to 85 %, with the clock where the fixture puts it.
constexpr std::size_t kSlots = 13;

std::string utc(std::time_t at) {
  std::tm parts{};
  gmtime_r(&at, &parts);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::time_t seconds_of(const std::string& text) {
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) throw std::runtime_error("no time: " + text);
  return ::timegm(&parts);
}

std::time_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return ::timegm(&parts);
}

class RenewalWindows : public testing::Test {
 protected:
  RenewalWindows() {
    hub.start();
    // Some minutes from the ends of windows, so that the number of those within the stretch is certain.
    now = (std::time(nullptr) / kSlotS + 1) * kSlotS + 100;
    set_clock(now);
    operate(hub, {"policy", "create", "-n", "day", "--validity-days", "1"});
    operate(hub, {"enrollment", "create", "--id", "day", "--group", "--policy", "day"});
    key = enrollment_key(hub, "day", true);
  }
  void set_clock(std::time_t at) { operate(hub, {"rehearsal", "clock", "set", "--now", utc(at), "--rate", "0"}); }

  // The start of the window in an answer's `renewalWindow`.
  static std::time_t start_of(const json& window) {
    const auto start = seconds_of(window.at("start").get<std::string>());
    EXPECT_EQ(seconds_of(window.at("end").get<std::string>()) - start, kSlotS) << window;
    return start;
  }
  // Provisions a device, and counts its window.
  Identity provision(const std::string& id) {
    const auto device_key = make_key();
    const auto answer = hub.try_provision(id, hub.token(id, key), device_key);
    auto identity = Hub::identity_from(answer, device_key);
    count(answer.at("body").at("registrationState").at("renewalWindow"), identity);
    return identity;
  }
  void count(const json& window, const Identity& identity) {
    const X509* leaf = identity.chain.front().get();
    const auto not_before = seconds_of(X509_get0_notBefore(leaf));
    const auto lifetime = seconds_of(X509_get0_notAfter(leaf)) - not_before;
    const auto start = start_of(window);
    EXPECT_GE(start, not_before + lifetime * 70 / 100);
    EXPECT_LE(start + kSlotS, not_before + lifetime * 85 / 100);
    ++given[start];
  }
  // The first quarter of an hour that begins after 70 % of the lifetime of what is issued now.
  std::time_t first_window() const { return (now - kBackdatedS + kLifetimeS * 70 / 100) / kSlotS * kSlotS + kSlotS; }
  // Every window was given out that often.
  testing::AssertionResult all_were_given(int times) const {
    if (given.size() != kSlots) return testing::AssertionFailure() << given.size() << " windows";
    for (const auto& [start, count] : given) {
      if (count != times) return testing::AssertionFailure() << utc(start) << ": " << count << " times";
    }
    return testing::AssertionSuccess();
  }

  Hub hub;
  std::time_t now = 0;
  std::string key;  // of the group "day"
  std::map<std::time_t, int> given;
};

TEST_F(RenewalWindows, are_spread_evenly_over_what_is_provisioned_and_renewed) {
  std::map<std::string, Identity> devices;
  for (std::size_t i = 0; i < 2 * kSlots; ++i) {
    const auto id = "wave-" + std::to_string(i);
    devices[id] = provision(id);
  }
  EXPECT_TRUE(all_were_given(2));
  auto [id, identity] = *devices.begin();
  {
    const auto session = open_session(hub, id, identity);
    ASSERT_EQ(session->subscribe("$iothub/credentials/res/#"), 1);
    identity.key = make_key();
    session->publish("$iothub/credentials/POST/issueCertificate/?$rid=renew1",
                     json{{"id", id}, {"csr", make_csr(identity.key, id)}}.dump());
    const auto answer = session->wait_message(
        [](const Message& message) { return message.topic.rfind("$iothub/credentials/res/200/", 0) == 0; });
    ASSERT_TRUE(answer);
    const auto body = json::parse(answer->payload);
    identity.chain = {certificate_from_base64(body.at("certificates").front().get<std::string>())};
    count(body.at("renewalWindow"), identity);
  }
  for (std::size_t i = 1; i < kSlots; ++i) provision("later-" + std::to_string(i));
  EXPECT_TRUE(all_were_given(3)) << "the renewed one counts with the others";
}

TEST_F(RenewalWindows, agent_renews_in_the_one_that_was_left_for_it) {
  for (std::size_t i = 1; i < kSlots; ++i) provision("taken-" + std::to_string(i));
  ASSERT_EQ(given.size(), kSlots - 1);
  std::time_t left = first_window();
  while (given.count(left) != 0) left += kSlotS;
  ASSERT_LT(left, first_window() + static_cast<std::time_t>(kSlots) * kSlotS);
  const auto key_file = hub.work() / "day.key";
  operate(hub, {"enrollment", "key", "--id", "day", "--group", "--out", key_file.string()});
  Agent agent(hub, {"agent-1", key_file.string()});
  agent.start();
  ASSERT_TRUE(agent.wait_connected()) << agent.log();
  const auto due = seconds_of(agent.status().at("renew_at").get<std::string>());
  EXPECT_GE(due, left) << utc(left);
  EXPECT_LE(due, left + kSlotS) << utc(left);

  set_clock(left - 1);
  // Messages that it sends by this time: as often it asked itself whether to renew.
  for (int i = 0; i < 2; ++i) {
    const auto said = agent.status().value("telemetry_acked", 0);
    ASSERT_TRUE(agent.wait([&](const json& status) { return status.value("telemetry_acked", 0) >= said + 10; }));
  }
  EXPECT_EQ(agent.status().value("renewed_count", -1), 0) << agent.log();

  set_clock(left + kSlotS);
  ASSERT_TRUE(agent.wait([](const json& status) { return status.value("renewed_count", 0) == 1; })) << agent.log();
  ASSERT_TRUE(agent.wait([](const json& status) {
    return status.value("connected", false) && status.value("generation", 0) == 2;
  })) << agent.log();
  const auto status = agent.status();
  EXPECT_EQ(status.value("provisioned_count", 0), 1);
  EXPECT_EQ(seconds_of(status.at("not_before").get<std::string>()), left + kSlotS - kBackdatedS);
}

}  // namespace
}  // namespace latchkey::tests
