// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/forecast.h"

#include <map>
#include <set>

#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

using Kind = PlannedAct::Kind;

class PlayedAttendance final : public Attendance {
 public:
  std::vector<std::string> connected(const std::string& hub) override {
    return {sessions[hub].begin(), sessions[hub].end()};
  }
  bool connected(const std::string& hub, const std::string& device) override { return sessions[hub].count(device) > 0; }
  std::optional<UnixMs> last_seen(const std::string& ns, const std::string& device) override {
    EXPECT_EQ(ns, "factory");
    const auto found = heard.find(device);
    return found == heard.end() ? std::nullopt : std::optional(found->second);
  }
  std::map<std::string, std::set<std::string>> sessions;
  std::map<std::string, UnixMs> heard;
};

class Forecasts : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    make_factory({"alpha", "beta"});
    group = make_enrollment("group", "alpha", true);
  }
  Forecast ahead(const PlannedAct& act, const ForecastOptions& options = {}) {
    return must(registry->forecast(call, act, attendance, options));
  }
  static PlannedAct policy(Kind kind, const std::string& name = "alpha") { return {kind, kNs, name}; }
  static PlannedAct device(Kind kind, const std::string& name) { return {kind, kNs, name}; }
  PlannedAct hub_certificate(const std::string& of) {
    PlannedAct act{Kind::kDeleteHubCertificate, "", certificate_of(of)};
    act.hub = "hub";
    return act;
  }
  std::string certificate_of(const std::string& name) {
    const auto ca = must(registry->find_policy(kNs, name)).ca;
    for (const auto& certificate : must(registry->list_hub_certificates("hub"))) {
      if (certificate.ca == ca) return certificate.name;
    }
    return {};
  }
  void disable(const std::string& id) {
    DeviceUpdate update;
    update.enabled = false;
    ASSERT_TRUE(registry->update_device(call, kNs, id, update));
  }
  static std::map<std::string, std::string> obstacles(const Forecast& forecast) {
    std::map<std::string, std::string> named;
    for (const auto& one : forecast.devices) named[one.id] = to_string(one.obstacle);
    return named;
  }

  Enrollment group;
  PlayedAttendance attendance;
};

TEST_F(Forecasts, policy_revoke_counts_its_devices_alone_and_those_that_are_connected) {
  const auto other = make_enrollment("others", "beta", true);
  for (const char* id : {"a", "b", "c"}) provision(id, group);
  provision("d", other);
  attendance.sessions["hub"] = {"a", "c", "d"};

  const auto forecast = ahead(policy(Kind::kRevokePolicy));
  EXPECT_FALSE(forecast.refusal);
  EXPECT_EQ(forecast.losing, 3u);
  EXPECT_EQ(forecast.connected, 2u);
  EXPECT_EQ(forecast.returning, 3u);
  EXPECT_TRUE(forecast.not_returning.empty());
  ASSERT_EQ(forecast.hubs.size(), 1u);
  EXPECT_EQ(forecast.hubs[0].name, "hub");
  EXPECT_EQ(forecast.hubs[0].losing, 3u);
  EXPECT_EQ(forecast.hubs[0].connected, 2u);
  ASSERT_EQ(forecast.devices.size(), 3u);
  EXPECT_TRUE(forecast.devices[0].connected);
  EXPECT_FALSE(forecast.devices[1].connected);
  EXPECT_EQ(forecast.devices[0].hubs, std::vector<std::string>{"hub"});
}

TEST_F(Forecasts, nothing_is_changed_and_nothing_recorded) {
  provision("a", group);
  const auto head = must(registry->audit_head());
  const auto newest = registry->newest_sequence();
  const auto before = must(registry->find_policy(kNs, "alpha"));
  const auto trusted = certificate_of("alpha");
  for (const auto kind : {Kind::kRevokePolicy, Kind::kDeletePolicy}) ahead(policy(kind));
  for (const auto kind : {Kind::kRevokeDevice, Kind::kDisableDevice, Kind::kDeleteDevice}) ahead(device(kind, "a"));
  ahead(hub_certificate("alpha"));
  ahead({Kind::kDeleteCredential, kNs, ""});  // refused
  EXPECT_EQ(must(registry->audit_head()), head);
  EXPECT_EQ(registry->newest_sequence(), newest);
  EXPECT_EQ(must(registry->find_policy(kNs, "alpha")).ca, before.ca);
  EXPECT_EQ(certificate_of("alpha"), trusted);
  EXPECT_TRUE(must(registry->find_device(kNs, "a")).enabled);
  EXPECT_EQ(must(registry->list_certificates(kNs, "a")).front().status, CertificateStatus::kIssued);
}

TEST_F(Forecasts, each_reason_that_keeps_a_device_away_is_told) {
  for (const char* id : {"fine", "off"}) provision(id, group);
  disable("off");
  for (const char* id : {"locked", "bare", "moved", "lost"}) provision(id, make_enrollment(id));
  ASSERT_TRUE(registry->update_enrollment(call, "locked", false, {std::nullopt, false}));
  ASSERT_TRUE(registry->update_enrollment(call, "bare", false, {std::string(), std::nullopt}));
  ASSERT_TRUE(registry->update_enrollment(call, "moved", false, {std::string("beta"), std::nullopt}));
  ASSERT_TRUE(registry->delete_enrollment(call, "lost", false));
  ASSERT_TRUE(registry->delete_policy(call, kNs, "beta"));

  const auto forecast = ahead(policy(Kind::kRevokePolicy));
  EXPECT_EQ(forecast.losing, 5u);
  EXPECT_EQ(forecast.disabled, 1u);
  EXPECT_EQ(forecast.returning, 1u);
  EXPECT_EQ(obstacles(forecast), (std::map<std::string, std::string>{{"fine", ""},
                                                                     {"off", "deviceDisabled"},
                                                                     {"locked", "enrollmentDisabled"},
                                                                     {"bare", "enrollmentWithoutPolicy"},
                                                                     {"moved", "policyGone"},
                                                                     {"lost", "enrollmentGone"}}));
  std::uint64_t kept_away = 0;
  for (const auto& [obstacle, count] : forecast.not_returning) kept_away += count;
  EXPECT_EQ(kept_away + forecast.returning, forecast.losing + forecast.disabled);
}

TEST_F(Forecasts, an_individual_enrollment_speaks_alone_for_its_device) {
  provision("a", group);
  make_enrollment("A");
  ASSERT_TRUE(registry->update_enrollment(call, "a", false, {std::nullopt, false}));
  EXPECT_EQ(obstacles(ahead(policy(Kind::kRevokePolicy)))["a"], "enrollmentDisabled");
}

TEST_F(Forecasts, a_ca_that_leaves_the_hub_lets_nobody_back_while_its_policy_goes_on_issuing_below_it) {
  provision("a", group);
  const auto forecast = ahead(hub_certificate("alpha"));
  EXPECT_EQ(forecast.losing, 1u);
  EXPECT_EQ(forecast.returning, 0u);
  EXPECT_EQ(obstacles(forecast)["a"], "issuerNotOnHub");
}

TEST_F(Forecasts, the_hub_alone_where_the_certificate_is_deleted_refuses) {
  ASSERT_TRUE(registry->create_hub(call, kNs, "second", "localhost:8884"));
  must(registry->sync_credential(call, kNs));
  provision("a", group);
  attendance.sessions["second"] = {"a"};
  const auto forecast = ahead(hub_certificate("alpha"));
  ASSERT_EQ(forecast.hubs.size(), 2u);
  EXPECT_EQ(forecast.hubs[0].losing, 1u);
  EXPECT_EQ(forecast.hubs[1].losing, 0u);
  EXPECT_EQ(forecast.connected, 0u) << "it is connected to the other one";
  EXPECT_EQ(ahead(policy(Kind::kRevokePolicy)).hubs[1].connected, 1u);
}

TEST_F(Forecasts, policy_delete_cuts_nobody_but_ends_those_that_no_other_policy_takes) {
  provision("a", group);
  provision("b", make_enrollment("b"));
  ASSERT_TRUE(registry->update_enrollment(call, "b", false, {std::string("beta"), std::nullopt}));
  const auto forecast = ahead(policy(Kind::kDeletePolicy));
  EXPECT_EQ(forecast.losing, 0u);
  EXPECT_EQ(forecast.ending, 1u);
  EXPECT_EQ(forecast.not_renewing, (Obstacles{{Obstacle::kPolicyGone, 1}}));
  ASSERT_EQ(forecast.devices.size(), 1u);
  EXPECT_EQ(forecast.devices[0].id, "a");
  EXPECT_EQ(to_string(forecast.devices[0].fate), "endsLater");
  EXPECT_EQ(forecast.first_end, kNow + 30 * kDay);
  EXPECT_EQ(forecast.last_end, forecast.first_end);
}

TEST_F(Forecasts, device_acts_are_about_one_device) {
  for (const char* id : {"a", "b"}) provision(id, group);
  attendance.sessions["hub"] = {"a", "b"};
  for (const auto kind : {Kind::kRevokeDevice, Kind::kDeleteDevice}) {
    const auto forecast = ahead(device(kind, "a"));
    EXPECT_EQ(forecast.losing, 1u);
    EXPECT_EQ(forecast.connected, 1u);
    EXPECT_EQ(forecast.returning, 1u);
  }
  auto revoke = device(Kind::kRevokeDevice, "a");
  revoke.disable = true;
  EXPECT_EQ(obstacles(ahead(revoke))["a"], "deviceDisabled");
  EXPECT_EQ(obstacles(ahead(device(Kind::kDisableDevice, "a")))["a"], "deviceDisabled");
  EXPECT_EQ(ahead(device(Kind::kDisableDevice, "a")).losing, 1u);
}

TEST_F(Forecasts, disabled_device_loses_nothing_by_being_disabled_and_its_certificates_by_a_revoke) {
  provision("a", group);
  disable("a");
  EXPECT_EQ(ahead(device(Kind::kDisableDevice, "a")).disabled, 0u);
  const auto forecast = ahead(device(Kind::kRevokeDevice, "a"));
  EXPECT_EQ(forecast.losing, 0u);
  EXPECT_EQ(forecast.disabled, 1u);
}

TEST_F(Forecasts, device_with_a_certificate_of_another_policy_is_spared) {
  const auto own = make_enrollment("a");
  provision("a", own);
  ASSERT_TRUE(registry->update_enrollment(call, "a", false, {std::string("beta"), std::nullopt}));
  provision("a", own);
  const auto forecast = ahead(policy(Kind::kRevokePolicy));
  EXPECT_EQ(forecast.losing, 0u);
  EXPECT_EQ(forecast.spared, 1u);
  EXPECT_EQ(ahead(device(Kind::kRevokeDevice, "a")).losing, 1u);
}

TEST_F(Forecasts, expired_certificates_give_no_access_but_a_session_that_outlived_them_is_cut) {
  for (const char* id : {"a", "b"}) provision(id, group);
  attendance.sessions["hub"] = {"b"};
  call.now += 31 * kDay;
  const auto forecast = ahead(policy(Kind::kRevokePolicy));
  EXPECT_EQ(forecast.losing, 1u);
  EXPECT_EQ(forecast.connected, 1u);
  EXPECT_EQ(obstacles(forecast).count("b"), 1u);
}

TEST_F(Forecasts, revoked_devices_have_nothing_left_to_lose) {
  provision("a", group);
  ASSERT_TRUE(registry->revoke_device(call, kNs, "a", false));
  EXPECT_EQ(ahead(policy(Kind::kRevokePolicy)).losing, 0u);
  EXPECT_EQ(ahead(device(Kind::kRevokeDevice, "a")).losing, 0u);
}

TEST_F(Forecasts, silence_counts_only_when_it_is_asked_for_and_never_for_the_connected) {
  for (const char* id : {"a", "b", "c"}) provision(id, group);
  call.now += 10 * kDay;
  attendance.heard = {{"b", call.now - kDay}};
  attendance.sessions["hub"] = {"c"};
  EXPECT_EQ(ahead(policy(Kind::kRevokePolicy)).returning, 3u);
  const auto forecast = ahead(policy(Kind::kRevokePolicy), {.not_seen_ms = 5 * kDay});
  EXPECT_EQ(forecast.returning, 2u);
  EXPECT_EQ(obstacles(forecast)["a"], "notSeen");
  EXPECT_EQ(forecast.devices[0].last_seen, kNow);
  EXPECT_EQ(forecast.devices[1].last_seen, call.now - kDay);
}

TEST_F(Forecasts, names_come_in_pages_that_miss_nobody_and_repeat_nobody) {
  for (const char* id : {"e", "b", "d", "a", "c"}) provision(id, group);
  std::vector<std::string> names;
  ForecastOptions options;
  options.limit = 2;
  int pages = 0;
  do {
    const auto page = ahead(policy(Kind::kRevokePolicy), options);
    EXPECT_EQ(page.losing, 5u) << "counts are of all, whichever page it is";
    for (const auto& one : page.devices) names.push_back(one.id);
    options.after = page.next;
    ASSERT_LT(++pages, 5);
  } while (!options.after.empty());
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c", "d", "e"}));
  EXPECT_EQ(pages, 3);
}

TEST_F(Forecasts, what_would_be_refused_is_told_with_its_reason) {
  const auto credential = ahead({Kind::kDeleteCredential, kNs, ""});
  ASSERT_TRUE(credential.refusal);
  EXPECT_EQ(credential.refusal->reason, Reason::kCredentialHasPolicies);
  EXPECT_EQ(credential.losing, 0u);
}

TEST_F(Forecasts, what_is_not_there_is_not_found) {
  const auto asked = [this](const PlannedAct& act) { return registry->forecast(call, act, attendance, {}); };
  EXPECT_REFUSED(asked(policy(Kind::kRevokePolicy, "gamma")), Reason::kNotFound);
  EXPECT_REFUSED(asked(policy(Kind::kDeletePolicy, "gamma")), Reason::kNotFound);
  EXPECT_REFUSED(asked({Kind::kRevokePolicy, "nowhere", "alpha"}), Reason::kParentNotFound);
  EXPECT_REFUSED(asked({Kind::kDeleteCredential, "nowhere", ""}), Reason::kParentNotFound);
  EXPECT_REFUSED(asked(device(Kind::kRevokeDevice, "a")), Reason::kNotFound);
  EXPECT_REFUSED(asked(device(Kind::kDisableDevice, "a")), Reason::kNotFound);
  EXPECT_REFUSED(asked(device(Kind::kDeleteDevice, "a")), Reason::kNotFound);
  PlannedAct act{Kind::kDeleteHubCertificate, "", "adr-none"};
  act.hub = "hub";
  EXPECT_REFUSED(asked(act), Reason::kNotFound);
  act.hub = "nowhere";
  EXPECT_REFUSED(asked(act), Reason::kParentNotFound);
}

class OwnRootForecasts : public Forecasts {
 protected:
  NewCsr request(const std::string& subject) {
    const auto like = new_ca(subject);
    return {like.id, subject, like.der, like.key_ref, KeyProfile::kEcP256};
  }
  void SetUp() override {
    Forecasts::SetUp();
    auto made = registry->create_own_root_policy(call, kNs, {"own", 30, request("CN=own")});
    ASSERT_TRUE(made);
    ASSERT_TRUE(registry->activate_policy(
        call, kNs, "own", {made->value.ca, new_serial(), kNow - kDay, kNow + 400 * kDay, Bytes{0x30, 1}, {}}));
    must(registry->sync_credential(call, kNs));
    provision("a", make_enrollment("a", "own"));
  }
};

TEST_F(OwnRootForecasts, revoke_is_refused_unless_the_older_flow_is_on) {
  const auto refused = ahead(policy(Kind::kRevokePolicy, "own"));
  ASSERT_TRUE(refused.refusal);
  EXPECT_EQ(refused.refusal->reason, Reason::kByorRevokeNotAllowed);
  auto act = policy(Kind::kRevokePolicy, "own");
  act.rotate = true;
  const auto rotated = ahead(act);
  EXPECT_FALSE(rotated.refusal);
  EXPECT_EQ(rotated.losing, 1u);
  EXPECT_EQ(obstacles(rotated)["a"], "policyPendingActivation");
}

TEST_F(OwnRootForecasts, delete_is_refused_while_it_is_used_and_told_with_the_override) {
  const auto refused = ahead(policy(Kind::kDeletePolicy, "own"));
  ASSERT_TRUE(refused.refusal);
  EXPECT_EQ(refused.refusal->reason, Reason::kPolicyHasEnrollments);
  call.override_name = "own";
  const auto overridden = ahead(policy(Kind::kDeletePolicy, "own"));
  EXPECT_FALSE(overridden.refusal);
  EXPECT_EQ(overridden.ending, 1u);
  EXPECT_EQ(obstacles(overridden)["a"], "policyGone");
}

}  // namespace
}  // namespace latchkey::registry
