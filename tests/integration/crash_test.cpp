// SPDX-License-Identifier: Apache-2.0
// The hub process is killed at ten moments of an act, spread over the time that the act takes, and once right behind
// its acknowledgement. Whatever the moment: the act holds or it does not, entirely; acknowledged means it holds; the
// brokers stay, and go on deciding with what they have.
#include <atomic>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tests/integration/crash_world.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;

class CrashTest : public CrashWorld {
 protected:
  // The moments: i/10 of the act's duration for i = 1 to 10, then nothing: behind the acknowledgement.
  static std::vector<std::optional<long>> moments(long duration_us) {
    std::vector<std::optional<long>> all;
    for (int i = 1; i <= kMoments; ++i) all.emplace_back(duration_us * i / kMoments);
    all.emplace_back(std::nullopt);
    return all;
  }
  int audited(const std::string& action, const std::string& resource_end) {
    return std::stoi(sql("SELECT count(*) FROM audit WHERE outcome = 'ok' AND action = '" + action +
                         "' AND resource LIKE '%/" + resource_end + "'"));
  }
  // A device that was never here gets its certificate and is let in: everything works.
  void expect_works() {
    const auto id = "newcomer-" + std::to_string(++newcomers_);
    const auto identity = hub_.provision(id);
    EXPECT_EQ(seen(id, identity), Seen::kAccepted);
  }
  void summarise(const std::string& act, long duration_us, int acknowledged, int held) {
    RecordProperty(act + "_us", std::to_string(duration_us));
    std::printf("%s takes %.1f ms; of %d kills, %d found it acknowledged and %d in force afterwards; %llu probes\n",
                act.c_str(), static_cast<double>(duration_us) / 1000, kMoments + 1, acknowledged, held,
                static_cast<unsigned long long>(prober_->attempts()));
  }

 private:
  int newcomers_ = 0;
};

TEST_F(CrashTest, device_revoke_holds_entirely_or_not_at_all) {
  const auto revoke = [this](const std::string& id) { return command({"device", "revoke", "-n", id, "-y"}); };
  for (int i = 0; i < kMeasurements; ++i) (void)hub_.provision("measured-" + std::to_string(i));
  const long duration_us = measure([&](int i) { EXPECT_TRUE(revoke("measured-" + std::to_string(i))); });
  int acknowledgements = 0;
  int held = 0;
  for (const auto& moment : moments(duration_us)) {
    SCOPED_TRACE("killed after " + (moment ? std::to_string(*moment) + " us" : std::string("the acknowledgement")));
    const auto id = "victim-" + std::to_string(held) + "-" + std::to_string(prober_->attempts());
    const auto identity = hub_.provision(id);
    ASSERT_EQ(seen(id, identity), Seen::kAccepted);
    const bool acknowledged = act_and_kill(
        [&] {
          const bool done = revoke(id);
          if (done) prober_->dead(id, identity);  // from the acknowledgement on, also without a hub process
          return done;
        },
        moment);
    prober_->wait_round();  // the brokers decide alone
    restart_and_check();
    const bool revoked = audited("device.revoke", id) == 1;
    EXPECT_TRUE(revoked || !acknowledged) << "acknowledged and lost";
    EXPECT_EQ(seen(id, identity), revoked ? Seen::kRefused : Seen::kAccepted);
    const auto where = " FROM certificates WHERE device_id = '" + id + "'";
    EXPECT_EQ(sql("SELECT status" + where), revoked ? "3\n" : "2\n");
    EXPECT_EQ(sql("SELECT count(*) FROM devices d JOIN certificates c ON c.device = d.uuid WHERE d.id = '" + id +
                  "' AND c.credential_id = d.credential_id"),
              revoked ? "0\n" : "1\n");
    if (revoked && !acknowledged) prober_->dead(id, identity);
    if (revoked) {
      EXPECT_EQ(seen(id, hub_.provision(id)), Seen::kAccepted) << "it comes back by itself";
    }
    expect_works();
    expect_no_faults();
    acknowledgements += acknowledged ? 1 : 0;
    held += revoked ? 1 : 0;
  }
  EXPECT_GE(acknowledgements, 1);
  summarise("device_revoke", duration_us, acknowledgements, held);
}

TEST_F(CrashTest, policy_revoke_holds_entirely_or_not_at_all) {
  Cohort line(hub_, "line");
  const long duration_us = measure([&](int) { line.revoke_policy(); });
  int revokes = kMeasurements;
  int acknowledgements = 0;
  int held = 0;
  for (const auto& moment : moments(duration_us)) {
    SCOPED_TRACE("killed after " + (moment ? std::to_string(*moment) + " us" : std::string("the acknowledgement")));
    const auto id = line.device(std::to_string(held) + "-" + std::to_string(prober_->attempts()));
    const auto identity = line.provision(id);
    ASSERT_EQ(seen(id, identity), Seen::kAccepted);
    const auto before = line.subject();
    const bool acknowledged = act_and_kill(
        [&] {
          const bool done = command({"policy", "revoke", "-n", "line", "-y"});
          if (done) prober_->dead(id, identity);
          return done;
        },
        moment);
    prober_->wait_round();
    restart_and_check();
    const int now = audited("policy.revoke", "line");
    const bool revoked = now == revokes + 1;
    EXPECT_TRUE(revoked || now == revokes);
    revokes = now;
    EXPECT_TRUE(revoked || !acknowledged) << "acknowledged and lost";
    EXPECT_EQ(seen(id, identity), revoked ? Seen::kRefused : Seen::kAccepted);
    const auto after = line.subject();
    EXPECT_EQ(after != before, revoked);
    EXPECT_EQ(ca_with_subject(hub_, before).at("status"), revoked ? "revoked" : "active");
    EXPECT_EQ(hub_certificates(hub_, before).size(), revoked ? 0U : 1U);
    EXPECT_EQ(hub_certificates(hub_, after).size(), 1U);
    if (revoked && !acknowledged) prober_->dead(id, identity);
    EXPECT_EQ(seen(id, line.provision(id)), Seen::kAccepted);
    expect_works();
    expect_no_faults();
    acknowledgements += acknowledged ? 1 : 0;
    held += revoked ? 1 : 0;
  }
  EXPECT_GE(acknowledgements, 1);
  summarise("policy_revoke", duration_us, acknowledgements, held);
}

// A device's conversation with DPS that gives up when it is told that the hub is gone.
std::optional<Identity> try_issue(const Hub& hub, const std::string& id, const std::atomic<bool>& gone) {
  DeviceClient client(hub.dps_options(id, hub.token(id)));
  const auto key = make_key();
  if (client.connect().seen != Seen::kAccepted || client.subscribe("$dps/registrations/res/#") != 1)
    return std::nullopt;
  const json body{{"registrationId", id}, {"csr", make_csr(key, id)}};
  client.publish("$dps/registrations/PUT/iotdps-register/?$rid=0", body.dump());
  for (int request = 1; !gone || client.waiting_messages() > 0;) {
    const auto answer = client.wait_message([](const Message&) { return true; }, 20);
    if (!answer) continue;
    const auto said = json::parse(answer->payload);
    if (said.value("status", "") == "assigned") return Hub::identity_from({{"topicStatus", 200}, {"body", said}}, key);
    if (said.value("status", "") != "assigning") return std::nullopt;
    client.publish("$dps/registrations/GET/iotdps-get-operationstatus/?$rid=" + std::to_string(request++) +
                       "&operationId=" + said.at("operationId").get<std::string>(),
                   " ");
  }
  return std::nullopt;
}

TEST_F(CrashTest, issuance_holds_entirely_or_can_be_repeated) {
  const std::atomic<bool> never{false};
  const long duration_us =
      measure([&](int i) { EXPECT_TRUE(try_issue(hub_, "measured-" + std::to_string(i), never)); });
  int acknowledgements = 0;
  int held = 0;
  for (const auto& moment : moments(duration_us)) {
    SCOPED_TRACE("killed after " + (moment ? std::to_string(*moment) + " us" : std::string("the answer")));
    const auto id = "device-" + std::to_string(prober_->attempts());
    std::atomic<bool> gone{false};
    std::optional<Identity> issued;
    const bool acknowledged = act_and_kill(
        [&] {
          issued = try_issue(hub_, id, gone);
          return issued.has_value();
        },
        moment, &gone);
    if (acknowledged) {
      EXPECT_EQ(seen(id, *issued), Seen::kAccepted) << "without a hub process";
    }
    restart_and_check();
    if (acknowledged) {
      EXPECT_EQ(seen(id, *issued), Seen::kAccepted) << "acknowledged and lost";
    }
    const auto issued_rows =
        sql("SELECT lower(hex(serial)) FROM certificates WHERE status = 2 AND device_id = '" + id + "'");
    const bool in_force = !issued_rows.empty();
    if (in_force) {
      EXPECT_EQ(audited("certificate.issue", issued_rows.substr(0, issued_rows.size() - 1)), 1);
    }
    EXPECT_TRUE(in_force || !acknowledged);
    EXPECT_EQ(sql("SELECT count(*) FROM devices WHERE id = '" + id + "'"),
              std::to_string(audited("device.register", id)) + "\n");
    EXPECT_EQ(seen(id, hub_.provision(id)), Seen::kAccepted) << "asking again helps";
    expect_works();
    expect_no_faults();
    acknowledgements += acknowledged ? 1 : 0;
    held += in_force ? 1 : 0;
  }
  EXPECT_GE(acknowledgements, 1);
  summarise("issuance", duration_us, acknowledgements, held);
}

}  // namespace
}  // namespace latchkey::tests
