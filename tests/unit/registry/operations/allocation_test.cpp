// SPDX-License-Identifier: Apache-2.0
// Which of several hubs a device is assigned to, and when it moves.
#include <map>

#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class Allocation : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    make_factory({"alpha"});
  }
  void link(const std::string& name, std::optional<std::int64_t> latency_ms = {}) {
    ASSERT_TRUE(registry->create_hub(call, {name, kNs, name + ".host", "", latency_ms}));
  }
  Enrollment group(AllocationPolicy allocation, std::vector<std::string> hubs = {},
                   ReprovisionPolicy reprovision = {}) {
    NewEnrollment form = enrollment_form("group", "alpha", true);
    form.allocation = allocation;
    form.hubs = std::move(hubs);
    form.reprovision = reprovision;
    return must(registry->create_enrollment(call, form)).value;
  }
  Registration assign(const std::string& id, const Enrollment& enrollment) {
    return must(enroll(id, enrollment, false)).value.registration;
  }
  // The hubs of that many devices, by device.
  std::map<std::string, std::string> assign_many(const Enrollment& enrollment, int count) {
    std::map<std::string, std::string> hubs;
    for (int i = 0; i < count; ++i) {
      const auto id = "dev-" + std::to_string(i);
      hubs[id] = assign(id, enrollment).hub_name;
    }
    return hubs;
  }
  static std::map<std::string, int> shares(const std::map<std::string, std::string>& hubs) {
    std::map<std::string, int> count;
    for (const auto& [device, assigned] : hubs) ++count[assigned];
    return count;
  }
  void set_latency(const std::string& name, std::optional<std::int64_t> latency_ms) {
    ASSERT_TRUE(registry->update_hub(call, name, {{}, {}, latency_ms}));
  }
};

// Rows: R-10-15
TEST_F(Allocation, hash_spreads_devices_evenly_and_always_says_the_same) {
  link("b");
  link("c");
  const auto enrollment = group(AllocationPolicy::kHashed);
  const auto first = assign_many(enrollment, 300);
  const auto share = shares(first);
  ASSERT_EQ(share.size(), 3u);
  for (const auto& [name, count] : share) {
    EXPECT_GT(count, 60) << name;
    EXPECT_LT(count, 140) << name;
  }
  EXPECT_EQ(assign_many(enrollment, 300), first);
}

TEST_F(Allocation, hash_does_not_depend_on_the_spelling) {
  link("b");
  const auto enrollment = group(AllocationPolicy::kHashed);
  for (const auto& [id, assigned] : assign_many(enrollment, 20)) {
    std::string upper = id;
    upper[0] = 'D';
    EXPECT_EQ(assign(upper, enrollment).hub_name, assigned) << id;
  }
}

TEST_F(Allocation, another_hub_takes_over_its_share_and_moves_nobody_else) {
  link("b");
  link("c");
  const auto enrollment = group(AllocationPolicy::kHashed);
  const auto before = assign_many(enrollment, 200);
  link("d");
  EXPECT_EQ(shares(before).count("d"), 0u);
  EXPECT_EQ(registry->find_registration("dev-0")->hub_name, before.at("dev-0")) << "nobody moves by himself";
  const auto after = assign_many(enrollment, 200);
  int moved = 0;
  for (const auto& [id, assigned] : after) {
    if (assigned == before.at(id)) continue;
    EXPECT_EQ(assigned, "d") << id;
    ++moved;
  }
  EXPECT_GT(moved, 25);
  EXPECT_LT(moved, 80);
}

TEST_F(Allocation, hash_runs_over_the_hubs_that_the_enrollment_names) {
  link("b");
  link("c");
  const auto share = shares(assign_many(group(AllocationPolicy::kHashed, {"B", "c.host"}), 40));
  EXPECT_EQ(share.size(), 2u);
  EXPECT_EQ(share.count("hub"), 0u);
}

// Rows: R-10-15
TEST_F(Allocation, static_assigns_the_one_hub) {
  link("b");
  const auto enrollment = group(AllocationPolicy::kStatic, {"b"});
  EXPECT_EQ(enrollment.hubs, std::vector<std::string>{"b"});
  EXPECT_EQ(shares(assign_many(enrollment, 10)), (std::map<std::string, int>{{"b", 10}}));
  ASSERT_TRUE(registry->update_enrollment(call, "group", true, {{}, {}, {}, {{"hub"}}}));
  EXPECT_EQ(shares(assign_many(enrollment, 10)), (std::map<std::string, int>{{"hub", 10}}));
}

TEST_F(Allocation, static_needs_exactly_one_hub_that_is_linked) {
  link("b");
  ASSERT_TRUE(registry->create_namespace(call, "elsewhere"));
  ASSERT_TRUE(registry->create_hub(call, "elsewhere", "far", "far.host"));
  NewEnrollment form = enrollment_form("group", "alpha", true);
  form.allocation = AllocationPolicy::kStatic;
  for (const std::vector<std::string>& hubs :
       {std::vector<std::string>{}, {"b", "hub"}, {"none"}, {"far"}, {"far.host"}, {""}}) {
    form.hubs = hubs;
    EXPECT_REFUSED(registry->create_enrollment(call, form), Reason::kInvalidArgument);
  }
  form.hubs = {"b", "B"};
  EXPECT_TRUE(registry->create_enrollment(call, form)) << "the same hub twice";
  EXPECT_REFUSED(registry->update_enrollment(call, "group", true, {{}, {}, {}, {std::vector<std::string>{}}}),
                 Reason::kInvalidArgument);
  EXPECT_EQ(registry->find_enrollment("group", true)->hubs.size(), 1u);
}

TEST_F(Allocation, static_hub_that_was_deleted_assigns_nobody_and_makes_nothing) {
  link("b");
  const auto enrollment = group(AllocationPolicy::kStatic, {"b"});
  ASSERT_TRUE(registry->delete_hub(call, "b"));
  EXPECT_REFUSED(enroll("dev", enrollment, false), Reason::kNoHub);
  EXPECT_REFUSED(registry->find_device(kNs, "dev"), Reason::kNotFound);
}

// Rows: R-10-15
TEST_F(Allocation, smallest_declared_latency_wins_and_one_without_comes_last) {
  link("near", 5);
  link("far", 50);
  const auto enrollment = group(AllocationPolicy::kGeoLatency);
  EXPECT_EQ(shares(assign_many(enrollment, 10)), (std::map<std::string, int>{{"near", 10}}));
  set_latency("near", 90);
  EXPECT_EQ(shares(assign_many(enrollment, 10)), (std::map<std::string, int>{{"far", 10}}));
  set_latency("hub", 0);
  EXPECT_EQ(shares(assign_many(enrollment, 10)), (std::map<std::string, int>{{"hub", 10}}));
}

TEST_F(Allocation, equal_latencies_share) {
  link("b", 5);
  link("c", 5);
  EXPECT_EQ(shares(assign_many(group(AllocationPolicy::kGeoLatency), 60)).size(), 2u);
}

// Rows: R-10-17
TEST_F(Allocation, substatus_tells_first_same_and_another_hub) {
  link("b");
  const auto enrollment = group(AllocationPolicy::kStatic, {"hub"});
  EXPECT_EQ(assign("dev", enrollment).substatus, Substatus::kInitialAssignment);
  EXPECT_EQ(assign("dev", enrollment).substatus, Substatus::kReprovisionedToInitialAssignment);
  ASSERT_TRUE(registry->update_enrollment(call, "group", true, {{}, {}, {}, {{"b"}}}));
  const auto moved = assign("dev", enrollment);
  EXPECT_EQ(moved.substatus, Substatus::kDeviceDataMigrated);
  EXPECT_EQ(moved.hub, "b.host");
  EXPECT_EQ(registry->find_registration("dev")->substatus, Substatus::kDeviceDataMigrated);
  ASSERT_TRUE(
      registry->update_enrollment(call, "group", true, {{}, {}, {}, {{"hub"}}, ReprovisionPolicy{true, false}}));
  EXPECT_EQ(assign("dev", enrollment).substatus, Substatus::kDeviceDataReset);
}

// Rows: R-10-14
TEST_F(Allocation, twin_moves_along_unless_the_policy_resets_it) {
  link("b");
  const auto enrollment = group(AllocationPolicy::kStatic, {"hub"});
  assign("dev", enrollment);
  const auto fresh = must(registry->find_twin(kNs, "dev"));
  Twin twin = fresh;
  twin.tags = R"({"floor":3})";
  twin.version = twin.revision = 2;
  ASSERT_TRUE(registry->put_twin(call, kNs, fresh, twin));
  ASSERT_TRUE(registry->update_enrollment(call, "group", true, {{}, {}, {}, {{"b"}}}));
  assign("dev", enrollment);
  EXPECT_EQ(registry->find_twin(kNs, "dev")->tags, twin.tags);
  ASSERT_TRUE(registry->update_enrollment(call, "group", true, {{}, {}, {}, {}, ReprovisionPolicy{true, false}}));
  assign("dev", enrollment);
  EXPECT_EQ(registry->find_twin(kNs, "dev")->tags, twin.tags) << "it did not move";
  ASSERT_TRUE(registry->update_enrollment(call, "group", true, {{}, {}, {}, {{"hub"}}}));
  assign("dev", enrollment);
  EXPECT_EQ(registry->find_twin(kNs, "dev")->tags, "");
}

// Rows: R-10-14
TEST_F(Allocation, device_stays_where_it_is_when_its_policy_says_so) {
  link("b");
  const auto enrollment = group(AllocationPolicy::kStatic, {"hub"}, {false, true});
  assign("dev", enrollment);
  ASSERT_TRUE(registry->update_enrollment(call, "group", true, {{}, {}, {}, {{"b"}}}));
  const auto again = assign("dev", enrollment);
  EXPECT_EQ(again.hub_name, "hub");
  EXPECT_EQ(again.substatus, Substatus::kReprovisionedToInitialAssignment);
  EXPECT_EQ(assign("other", enrollment).hub_name, "b") << "a new one goes where it is sent";
}

TEST_F(Allocation, certificate_and_identity_are_the_same_wherever_a_device_moves) {
  link("b");
  const auto enrollment = group(AllocationPolicy::kStatic, {"hub"});
  const auto first = provision("dev", enrollment);
  ASSERT_TRUE(registry->update_enrollment(call, "group", true, {{}, {}, {}, {{"b"}}}));
  const auto second = provision("dev", enrollment);
  EXPECT_EQ(first.device, second.device);
  EXPECT_EQ(first.credential_id, second.credential_id);
}

}  // namespace
}  // namespace latchkey::registry
