// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/expiry.h"

#include <map>
#include <numeric>

#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

TEST(RenewalStates, follow_the_lifetime) {
  const UnixMs begin = kNow;
  const UnixMs end = kNow + 100 * kDay;
  EXPECT_EQ(renewal_state(begin, end, begin), RenewalState::kFresh);
  EXPECT_EQ(renewal_state(begin, end, begin + 70 * kDay - 1), RenewalState::kFresh);
  EXPECT_EQ(renewal_state(begin, end, begin + 70 * kDay), RenewalState::kDue);
  EXPECT_EQ(renewal_state(begin, end, begin + 85 * kDay - 1), RenewalState::kDue);
  EXPECT_EQ(renewal_state(begin, end, begin + 85 * kDay), RenewalState::kOverdue);
  EXPECT_EQ(renewal_state(begin, end, end - 1), RenewalState::kOverdue);
  EXPECT_EQ(renewal_state(begin, end, end), RenewalState::kExpired);
  for (const auto state : {RenewalState::kFresh, RenewalState::kDue, RenewalState::kOverdue, RenewalState::kExpired}) {
    EXPECT_EQ(parse_renewal_state(to_string(state)), state);
  }
  EXPECT_FALSE(parse_renewal_state("late"));
}

class Expiry : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    make_factory({"alpha", "beta"});
    group = make_enrollment("group", "alpha", true);
  }
  // By provisioning at that time.
  void provision_at(UnixMs at, const std::string& id, const Enrollment& enrollment) {
    const UnixMs now = std::exchange(call.now, at);
    provision(id, enrollment);
    call.now = now;
  }
  ExpiryReport report(ExpiryQuery query = {}) {
    query.now = call.now;
    return must(registry->expiry_report(query));
  }
  ExpiryGroup only(ExpiryQuery query = {}) {
    const auto all = report(query).groups;
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? ExpiryGroup{} : all.front();
  }
  std::vector<std::string> names(ExpiringPageQuery query = {}) {
    query.query.now = call.now;
    std::vector<std::string> ids;
    for (const auto& device : must(registry->expiring_devices(query)).devices) ids.push_back(device.id);
    return ids;
  }
  std::vector<std::string> names(RenewalState state) {
    ExpiringPageQuery query;
    query.state = state;
    return names(query);
  }

  Enrollment group;
};

TEST_F(Expiry, counts_each_device_in_the_bucket_of_its_end) {
  call.now = kNow + 29 * kDay + 1;
  provision_at(kNow, "ends-within-1", group);
  provision_at(kNow + kDay + 2, "ends-within-3", group);
  provision_at(kNow + 20 * kDay, "ends-within-30", group);
  const auto all = only();
  EXPECT_EQ(all.ns, kNs);
  EXPECT_EQ(all.policy, "alpha");
  EXPECT_EQ(all.hub, "hub");
  EXPECT_EQ(all.ends, (std::array<std::uint64_t, 6>{1, 1, 0, 0, 1, 0}));
  EXPECT_EQ(all.expiring, 3u);
  EXPECT_EQ(all.first_end, kNow + 30 * kDay);
  ExpiryQuery soon;
  soon.within_days = 2;
  EXPECT_EQ(only(soon).expiring, 2u) << "and what is due is there, whenever it ends";
  EXPECT_EQ(only(soon).ends, (std::array<std::uint64_t, 6>{1, 1, 0, 0, 0, 0}));
}

TEST_F(Expiry, tells_due_overdue_and_expired_apart) {
  call.now = kNow + 60 * kDay;
  provision_at(call.now - 31 * kDay, "expired", group);
  provision_at(call.now - 27 * kDay, "overdue", group);
  provision_at(call.now - 23 * kDay, "due", group);
  provision_at(call.now - 5 * kDay, "fresh", group);
  provision_at(call.now - 28 * kDay, "off", group);
  DeviceUpdate off;
  off.enabled = false;
  ASSERT_TRUE(registry->update_device(call, kNs, "off", off));
  const auto all = only();
  EXPECT_EQ(all.expired, 1u);
  EXPECT_EQ(all.overdue, 1u);
  EXPECT_EQ(all.due, 1u);
  EXPECT_EQ(all.disabled, 1u) << "nobody expects it to renew";
  EXPECT_EQ(all.expiring, 4u);
  EXPECT_EQ(names(RenewalState::kExpired), std::vector<std::string>{"expired"});
  EXPECT_EQ(names(RenewalState::kOverdue), std::vector<std::string>{"overdue"});
  EXPECT_EQ(names(RenewalState::kDue), std::vector<std::string>{"due"});
  EXPECT_EQ(names(ExpiringPageQuery{}), (std::vector<std::string>{"off", "overdue", "due", "fresh"}));
}

TEST_F(Expiry, a_renewed_device_stands_with_its_new_certificate) {
  call.now = kNow + 29 * kDay;
  provision_at(kNow, "a", group);
  provision_at(kNow + 24 * kDay, "a", group);
  EXPECT_EQ(only().overdue, 0u);
  EXPECT_EQ(only().expiring, 1u);
  EXPECT_EQ(only().first_end, kNow + 54 * kDay);
}

TEST_F(Expiry, two_certificates_that_end_together_are_one_device) {
  provision_at(kNow, "a", group);
  provision_at(kNow, "a", group);
  EXPECT_EQ(only().expiring, 1u);
}

TEST_F(Expiry, what_was_revoked_does_not_expire) {
  for (const char* id : {"a", "b", "c"}) provision(id, group);
  ASSERT_TRUE(registry->revoke_device(call, kNs, "a", false));
  ASSERT_TRUE(registry->delete_device(call, kNs, "b"));
  EXPECT_EQ(only().expiring, 1u);
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=alpha-2")));
  EXPECT_TRUE(report().groups.empty()) << "leaves below a revoked CA are dead already";
}

TEST_F(Expiry, a_certificate_below_a_revoked_ca_does_not_hide_the_one_that_counts) {
  make_enrollment("long", "beta", true);
  ASSERT_TRUE(registry->update_policy(call, kNs, "alpha", 90));
  provision("a", group);  // ends last, and is dead
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=alpha-2")));
  ASSERT_TRUE(registry->update_policy(call, kNs, "alpha", 7));
  provision("a", group);
  EXPECT_EQ(only().first_end, kNow + 7 * kDay);
}

TEST_F(Expiry, old_ends_are_looked_at_no_further_back_than_asked) {
  provision("a", group);
  call.now = kNow + 70 * kDay;
  EXPECT_TRUE(report().groups.empty());
  ExpiryQuery further;
  further.expired_days = 41;
  EXPECT_EQ(only(further).expired, 1u);
}

TEST_F(Expiry, goes_by_namespace_policy_and_hub) {
  provision("a", group);
  provision("b", make_enrollment("b", "beta"));
  EXPECT_EQ(report().groups.size(), 2u);
  EXPECT_EQ(only({.scope = {.ns = {}, .policy = "BETA", .hub = {}}}).policy, "beta") << "names compare as elsewhere";
  EXPECT_EQ(report({.scope = {.ns = kNs, .policy = {}, .hub = "hub"}}).groups.size(), 2u);
  ASSERT_TRUE(registry->delete_policy(call, kNs, "beta"));
  const auto deleted = only({.scope = {.ns = {}, .policy = "beta", .hub = {}}});
  EXPECT_TRUE(deleted.policy_deleted) << "its devices go on until their certificates end";
}

TEST_F(Expiry, names_that_are_not_there_are_refused) {
  const auto ask = [this](const ExpiryScope& scope) { return registry->expiry_report({.now = kNow, .scope = scope}); };
  EXPECT_REFUSED(ask({.ns = "nowhere", .policy = {}, .hub = {}}), Reason::kParentNotFound);
  EXPECT_REFUSED(ask({.ns = {}, .policy = "gamma", .hub = {}}), Reason::kNotFound);
  EXPECT_REFUSED(ask({.ns = {}, .policy = {}, .hub = "gone"}), Reason::kNotFound);
}

TEST_F(Expiry, pages_miss_nobody_where_many_end_at_once) {
  for (int i = 0; i < 7; ++i) provision("d" + std::to_string(i), group);  // all in the same millisecond
  ExpiringPageQuery query;
  query.query.now = kNow;
  query.limit = 3;
  std::map<std::string, int> seen;
  int pages = 0;
  do {
    const auto page = must(registry->expiring_devices(query));
    for (const auto& device : page.devices) ++seen[device.id];
    query.after = page.next;
    ASSERT_LT(++pages, 10);
  } while (!query.after.empty());
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen.size(), 7u);
  for (const auto& [id, times] : seen) EXPECT_EQ(times, 1) << id;
}

TEST_F(Expiry, a_place_that_no_page_gave_is_refused) {
  for (const char* token : {"x", "12", "12-", "-", "12-0", "12-zz", "9999999999999999999999-aa", "12-aa-"}) {
    ExpiringPageQuery query;
    query.query.now = kNow;
    query.after = token;
    SCOPED_TRACE(token);
    EXPECT_REFUSED(registry->expiring_devices(query), Reason::kInvalidArgument);
  }
}

TEST_F(Expiry, enrollments_with_certificates_are_found_among_the_others) {
  auto form = enrollment_form("by-certificate");
  form.attestation = AttestationKind::kX509;
  ASSERT_TRUE(registry->create_enrollment(call, form));
  const auto found = must(registry->certificate_enrollments());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found.front().id, "by-certificate");
}

// A plain model, over a fleet whose devices renew when they please.
TEST_F(Expiry, agrees_with_a_plain_count_over_a_fleet_that_renews_at_will) {
  std::map<std::string, std::pair<UnixMs, UnixMs>> newest;  // begin and end
  unsigned seed = 20261121;
  SCOPED_TRACE("seed " + std::to_string(seed));
  const auto random = [&seed](unsigned below) {
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
  };
  for (int i = 0; i < 200; ++i) {
    const std::string id = "d" + std::to_string(random(80));
    const UnixMs at = kNow + static_cast<UnixMs>(random(60)) * kDay + random(1000) * 60'000;
    provision_at(at, id, group);
    auto& mine = newest[id];
    if (at / 1000 * 1000 + 30 * kDay > mine.second) mine = {at / 1000 * 1000 - 300'000, at / 1000 * 1000 + 30 * kDay};
  }
  for (const int day : {10, 30, 45, 60, 75, 89}) {
    call.now = kNow + day * kDay + 12'345;
    std::uint64_t expiring = 0;
    std::map<RenewalState, std::uint64_t> states;
    for (const auto& [id, life] : newest) {
      const UnixMs left = life.second - call.now;
      expiring += left > 0 && left <= 30 * kDay ? 1 : 0;
      if (left > -30 * kDay) ++states[renewal_state(life.first, life.second, call.now)];
    }
    const auto all = only();
    EXPECT_EQ(all.expiring, expiring) << day;
    EXPECT_EQ(all.due, states[RenewalState::kDue]) << day;
    EXPECT_EQ(all.overdue, states[RenewalState::kOverdue]) << day;
    EXPECT_EQ(all.expired, states[RenewalState::kExpired]) << day;
    EXPECT_EQ(std::accumulate(all.ends.begin(), all.ends.end(), std::uint64_t{0}), expiring) << day;
  }
}

}  // namespace
}  // namespace latchkey::registry
