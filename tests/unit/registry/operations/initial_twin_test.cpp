// SPDX-License-Identifier: Apache-2.0
// What an enrollment gives to the twins of its devices, to which of them, and when.
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class InitialTwins : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    make_factory({"alpha"});
  }
  Enrollment group(const InitialTwin& twin, std::vector<std::string> hubs = {}) {
    auto form = enrollment_form("group", "alpha", true);
    form.initial_twin = twin;
    form.hubs = std::move(hubs);
    if (!form.hubs.empty()) form.allocation = AllocationPolicy::kStatic;
    return must(registry->create_enrollment(call, form)).value;
  }
  void assign(const std::string& id, const Enrollment& enrollment) { must(enroll(id, enrollment, false)); }
  Twin twin(const std::string& id) { return must(registry->find_twin(kNs, id)); }
  void write(const std::string& id, const std::string& tags) {
    const Twin before = twin(id);
    Twin after = before;
    after.tags = tags;
    ++after.version;
    ++after.revision;
    must(registry->put_twin(call, kNs, before, after));
  }
  std::string born(const std::string& rest) const { return R"({"born":)" + std::to_string(call.now) + rest; }

  const InitialTwin both{R"({"floor":3})", R"({"rate":5})"};
};

TEST_F(InitialTwins, are_kept_with_their_enrollment_until_they_are_changed) {
  EXPECT_EQ(group(both).initial_twin.tags, both.tags);
  EXPECT_EQ(must(registry->find_enrollment("group", true)).initial_twin.desired, both.desired);
  EnrollmentUpdate update;
  update.enabled = false;
  EXPECT_EQ(must(registry->update_enrollment(call, "group", true, update)).value.initial_twin.desired, both.desired);
  update.initial_twin = InitialTwin{"", R"({"rate":6})"};
  EXPECT_EQ(must(registry->update_enrollment(call, "group", true, update)).value.initial_twin.tags, "");
  EXPECT_EQ(must(registry->find_enrollment("group", true)).initial_twin.desired, R"({"rate":6})");
  update.initial_twin = InitialTwin{};
  EXPECT_TRUE(must(registry->update_enrollment(call, "group", true, update)).value.initial_twin.empty());
}

TEST_F(InitialTwins, are_replaced_with_the_enrollment) {
  group(both);
  auto form = enrollment_form("group", "alpha", true);
  form.initial_twin.tags = R"({"floor":4})";
  const auto replaced = must(registry->replace_enrollment(call, form)).value;
  EXPECT_EQ(replaced.initial_twin.tags, R"({"floor":4})");
  EXPECT_EQ(replaced.initial_twin.desired, "");
}

// Rows: R-10-16
TEST_F(InitialTwins, new_device_begins_with_it_and_with_the_time_of_its_assignment) {
  const auto enrollment = group(both);
  call.now += kDay;
  assign("dev", enrollment);
  const auto given = twin("dev");
  EXPECT_EQ(given.tags, born(R"(,"value":{"floor":3}})"));
  EXPECT_EQ(given.desired, born(R"(,"version":1,"value":{"rate":5}})"));
  EXPECT_EQ(given.reported, "");
  EXPECT_EQ(given.version, 1u);
  EXPECT_EQ(given.updated, call.now);
}

TEST_F(InitialTwins, document_that_is_not_given_stays_as_every_device_has_it) {
  assign("dev", group({"", both.desired}));
  EXPECT_EQ(twin("dev").tags, "");
  EXPECT_NE(twin("dev").desired, "");
}

TEST_F(InitialTwins, device_that_registers_again_keeps_what_became_of_it) {
  const auto enrollment = group(both);
  assign("dev", enrollment);
  write("dev", "changed");
  assign("dev", enrollment);
  EXPECT_EQ(twin("dev").tags, "changed");
}

TEST_F(InitialTwins, device_that_was_there_with_a_twin_of_its_own_keeps_that) {
  must(registry->create_device(call, kNs, "dev"));
  write("dev", "an operator's");
  assign("dev", group(both));
  EXPECT_EQ(twin("dev").tags, "an operator's");
}

TEST_F(InitialTwins, device_that_was_there_with_nothing_of_its_own_gets_it_when_it_is_first_assigned) {
  must(registry->create_device(call, kNs, "dev"));
  assign("dev", group(both));
  EXPECT_NE(twin("dev").tags, "");
}

TEST_F(InitialTwins, later_change_of_the_enrollment_is_for_devices_to_come) {
  const auto enrollment = group(both);
  assign("old", enrollment);
  EnrollmentUpdate update;
  update.initial_twin = InitialTwin{R"({"floor":9})", ""};
  must(registry->update_enrollment(call, "group", true, update));
  assign("old", enrollment);
  assign("new", enrollment);
  EXPECT_NE(twin("old").tags.find(R"("floor":3)"), std::string::npos);
  EXPECT_NE(twin("new").tags.find(R"("floor":9)"), std::string::npos);
}

TEST_F(InitialTwins, move_with_its_data_keeps_the_twin_and_move_without_begins_with_the_initial_one) {
  ASSERT_TRUE(registry->create_hub(call, {"b", kNs, "b.host", "", {}}));
  const auto enrollment = group(both, {"hub"});
  assign("dev", enrollment);
  write("dev", "changed");
  must(registry->update_enrollment(call, "group", true, {{}, {}, {}, {{"b"}}}));
  assign("dev", enrollment);
  EXPECT_EQ(twin("dev").tags, "changed");
  must(registry->update_enrollment(call, "group", true, {{}, {}, {}, {{"hub"}}, ReprovisionPolicy{true, false}}));
  call.now += kDay;
  assign("dev", enrollment);
  EXPECT_EQ(twin("dev").tags, born(R"(,"value":{"floor":3}})"));
}

TEST_F(InitialTwins, registration_that_is_refused_gives_nothing) {
  const auto enrollment = group(both);
  must(registry->create_device(call, kNs, "dev"));
  must(registry->update_device(call, kNs, "dev", {.enabled = false}));
  EXPECT_REFUSED(enroll("dev", enrollment, false), Reason::kDeviceDisabled);
  EXPECT_EQ(twin("dev").tags, "");
}

}  // namespace
}  // namespace latchkey::registry
