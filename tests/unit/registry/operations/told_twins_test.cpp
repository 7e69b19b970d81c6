// SPDX-License-Identifier: Apache-2.0
// What nodes of a registry are told of what was done for a device at one of them.
#include "registry/operations/told_twins.h"

#include "registry/store/device_news.h"
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class ToldTwinsTest : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    make_factory();
    device = must(registry->create_device(call, kNs, "dev-1")).value.uuid;
    ASSERT_TRUE(registry->keep_rows([](store::Database& db) {
      return db
          .query(
              "INSERT INTO nodes (name, incarnation, state, beat, lease, applied, cut, address, version, draining) "
              "VALUES ('a', $1, 1, 0, 8000, 0, 0, '', '', 0)",
              Uuid{})
          .run();
    }));
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
  std::vector<store::DeviceNews> news() {
    return must(registry->looked<std::vector<store::DeviceNews>>(
        [](store::Database& db) { return store::news_after(db, 0, 100); }));
  }

  Uuid device;
};

TEST_F(ToldTwinsTest, write_is_an_act_like_any_other_and_told_in_its_transaction) {
  const Twin before = twin();
  ASSERT_TRUE(put_told_twin(*registry, call, kNs, before, changed(before, "x"), R"({"rate":5})"));
  EXPECT_EQ(twin().desired, "x");
  const auto record = must(registry->list_audit(0, 1)).front();
  EXPECT_EQ(record.action, "twin.update");
  EXPECT_EQ(record.outcome, "ok");
  EXPECT_EQ(record.detail, "desired version 2");
  ASSERT_EQ(news().size(), 1U);
  EXPECT_EQ(news().front().namespace_name, kNs);
  EXPECT_EQ(news().front().device, device);
  EXPECT_EQ(news().front().device_id, "dev-1");
  EXPECT_EQ(news().front().desired_version, 2U);
  EXPECT_EQ(news().front().patch, R"({"rate":5})");
}

TEST_F(ToldTwinsTest, write_that_the_device_does_not_hear_of_is_not_told) {
  const Twin before = twin();
  ASSERT_TRUE(put_told_twin(*registry, call, kNs, before, changed(before, "x"), ""));
  EXPECT_TRUE(news().empty());
}

TEST_F(ToldTwinsTest, write_that_is_refused_is_not_told) {
  const Twin stale = twin();
  must(registry->put_twin(call, kNs, stale, changed(stale, "first")));
  EXPECT_REFUSED(put_told_twin(*registry, call, kNs, stale, changed(stale, "second"), "{}"),
                 Reason::kPreconditionFailed);
  EXPECT_REFUSED(put_told_twin(*registry, call, "nowhere", stale, changed(stale, "second"), "{}"),
                 Reason::kParentNotFound);
  EXPECT_EQ(twin().desired, "first");
  EXPECT_TRUE(news().empty());
}

TEST_F(ToldTwinsTest, message_is_told_and_one_that_is_refused_is_not) {
  must(registry->enqueue_message(call, kNs, "dev-1", {"m", "bag", Bytes{'x'}, call.now + 1'000}));
  EXPECT_REFUSED(registry->enqueue_message(call, kNs, "dev-1", {"m", "bag", Bytes{'x'}, call.now}),
                 Reason::kInvalidArgument);
  ASSERT_EQ(news().size(), 1U);
  EXPECT_EQ(news().front().device, device);
  EXPECT_EQ(news().front().desired_version, 0U);
}

}  // namespace
}  // namespace latchkey::registry
