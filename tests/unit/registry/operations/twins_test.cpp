// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class TwinsTest : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    make_factory();
    must(registry->create_device(call, kNs, "dev-1"));
  }
  Twin twin() { return must(registry->find_twin(kNs, "dev-1")); }
  static Twin changed(const Twin& before, const std::string& desired) {
    Twin after = before;
    after.desired = desired;
    ++after.desired_version;
    ++after.revision;
    ++after.version;
    return after;
  }
  std::uint64_t audits() { return must(registry->list_audit(0, 1)).front().number; }
};

TEST_F(TwinsTest, every_device_has_a_twin_from_the_start) {
  const Twin born = twin();
  EXPECT_EQ(born.device.id, "dev-1");
  EXPECT_EQ(born.tags + born.desired + born.reported, "");
  EXPECT_EQ(born.version, 1u);
  EXPECT_EQ(born.revision, 1u);
  EXPECT_REFUSED(registry->find_twin(kNs, "nobody"), Reason::kNotFound);
  EXPECT_REFUSED(registry->find_twin("nowhere", "dev-1"), Reason::kParentNotFound);
}

TEST_F(TwinsTest, what_is_written_is_there_after_a_restart) {
  const Twin before = twin();
  Twin after = changed(before, "{\"rate\":5}");
  after.tags = "tags";
  after.reported = "reported";
  after.reported_version = 9;
  must(registry->put_twin(call, kNs, before, after));
  open();
  const Twin read = twin();
  EXPECT_EQ(read.desired, "{\"rate\":5}");
  EXPECT_EQ(read.tags, "tags");
  EXPECT_EQ(read.reported, "reported");
  EXPECT_EQ(read.desired_version, 2u);
  EXPECT_EQ(read.reported_version, 9u);
  EXPECT_EQ(read.revision, 2u);
  EXPECT_EQ(read.version, 2u);
  EXPECT_EQ(read.updated, call.now);
}

TEST_F(TwinsTest, write_of_a_stale_copy_is_refused_and_changes_nothing) {
  const Twin stale = twin();
  must(registry->put_twin(call, kNs, stale, changed(stale, "first")));
  EXPECT_REFUSED(registry->put_twin(call, kNs, stale, changed(stale, "second")), Reason::kPreconditionFailed);
  EXPECT_REFUSED(registry->report_twin(call, stale, changed(stale, "third")), Reason::kPreconditionFailed);
  EXPECT_EQ(twin().desired, "first");
}

TEST_F(TwinsTest, operators_write_is_audited_and_devices_report_is_not) {
  const auto before = audits();
  const Twin first = twin();
  ASSERT_TRUE(registry->report_twin(call, first, changed(first, "x")));
  EXPECT_EQ(audits(), before);
  const Twin second = twin();
  must(registry->put_twin(call, kNs, second, changed(second, "y")));
  EXPECT_EQ(audits(), before + 1);
  EXPECT_EQ(must(registry->list_audit(0, 1)).front().action, "twin.update");
}

TEST_F(TwinsTest, report_needs_the_identity_that_its_device_has_now) {
  const Twin before = twin();
  Call mine = call;
  mine.shown = DeviceIdentifier{before.device.uuid, before.device.credential_id};
  ASSERT_TRUE(registry->report_twin(mine, before, changed(before, "x")));
  must(registry->revoke_device(call, kNs, "dev-1", false));
  const Twin now = twin();
  EXPECT_REFUSED(registry->report_twin(mine, now, changed(now, "y")), Reason::kIdentifierMismatch);
  EXPECT_EQ(twin().desired, "x");
}

TEST_F(TwinsTest, revoking_a_device_leaves_its_twin) {
  const Twin before = twin();
  must(registry->put_twin(call, kNs, before, changed(before, "kept")));
  must(registry->revoke_device(call, kNs, "dev-1", true));
  EXPECT_EQ(twin().desired, "kept");
  EXPECT_FALSE(twin().device.enabled);
}

TEST_F(TwinsTest, twin_goes_with_its_device) {
  const Twin before = twin();
  must(registry->put_twin(call, kNs, before, changed(before, "old")));
  const Twin old = twin();
  must(registry->delete_device(call, kNs, "dev-1"));
  EXPECT_REFUSED(registry->find_twin(kNs, "dev-1"), Reason::kNotFound);
  EXPECT_REFUSED(registry->put_twin(call, kNs, old, changed(old, "ghost")), Reason::kNotFound);
  EXPECT_REFUSED(registry->report_twin(call, old, changed(old, "ghost")), Reason::kNotFound);
  must(registry->create_device(call, kNs, "dev-1"));
  EXPECT_EQ(twin().desired, "");
  EXPECT_REFUSED(registry->put_twin(call, kNs, old, changed(old, "ghost")), Reason::kPreconditionFailed);
}

}  // namespace
}  // namespace latchkey::registry
