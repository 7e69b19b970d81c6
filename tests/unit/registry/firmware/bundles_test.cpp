// SPDX-License-Identifier: Apache-2.0
#include "registry/firmware/bundles.h"

#include "tests/unit/registry/firmware/firmware_fixture.h"

namespace latchkey::registry::firmware {
namespace {

class BundleRowsTest : public FirmwareTest {
 protected:
  void SetUp() override {
    FirmwareTest::SetUp();
    fill();
    bundles = std::make_unique<BundleRows>(rows_of(*registry));
  }
  static Bytes content(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    return bytes;
  }
  void publish(std::uint8_t number, const Bytes& bytes, const std::string& ns = "default") {
    auto campaign = wanted(number);
    campaign.content = bytes;
    if (ns != "default") {
      campaign.policy.clear();
      campaign.devices = {"lonely"};
    }
    must(rows->publish(call, ns, campaign));
  }

  std::unique_ptr<BundleRows> bundles;
};

TEST_F(BundleRowsTest, what_was_published_with_its_content_is_read_whole_whatever_its_size) {
  constexpr std::size_t kMega = std::size_t{1} << 20;
  std::uint8_t number = 0;
  for (const std::size_t size : {std::size_t{1}, kMega - 1, kMega, kMega + 1, 11 * kMega}) {
    const auto bytes = content(size);
    publish(++number, bytes);
    EXPECT_TRUE(must(bundles->read(Bytes(32, number))) == bytes) << size;
    EXPECT_TRUE(must(bundles->has(Bytes(32, number))));
  }
}

TEST_F(BundleRowsTest, one_that_is_kept_elsewhere_is_not_here) {
  publish(1, {});
  EXPECT_REFUSED(bundles->read(Bytes(32, 1)), Reason::kNotFound);
  EXPECT_FALSE(must(bundles->has(Bytes(32, 1))));
}

TEST_F(BundleRowsTest, campaign_that_is_refused_leaves_nothing) {
  auto refused = wanted(1);
  const auto bytes = content(100);
  refused.content = bytes;
  refused.policy = "other";
  EXPECT_REFUSED(rows->publish(call, "default", refused), Reason::kNotFound);
  EXPECT_FALSE(must(bundles->has(Bytes(32, 1))));
}

TEST_F(BundleRowsTest, it_goes_with_the_last_campaign_that_is_active) {
  ASSERT_TRUE(registry->create_namespace(call, "other"));
  ASSERT_TRUE(registry->create_device(call, "other", "lonely"));
  const auto bytes = content(5000);
  publish(1, bytes);
  publish(1, bytes, "other");
  publish(2, content(7));
  must(rows->withdraw(call, "default", Bytes(32, 1)));
  EXPECT_TRUE(must(bundles->read(Bytes(32, 1))) == bytes) << "the other namespace has it still";
  must(rows->withdraw(call, "other", Bytes(32, 1)));
  EXPECT_REFUSED(bundles->read(Bytes(32, 1)), Reason::kNotFound);
  EXPECT_TRUE(must(bundles->has(Bytes(32, 2))));
  publish(1, bytes);
  EXPECT_TRUE(must(bundles->read(Bytes(32, 1))) == bytes) << "and comes again";
}

TEST_F(BundleRowsTest, one_of_a_campaign_that_is_there_is_put_once_and_of_no_campaign_not_at_all) {
  publish(1, {});
  ASSERT_TRUE(bundles->put(Bytes(32, 1), content(100)));
  ASSERT_TRUE(bundles->put(Bytes(32, 1), content(100)));
  EXPECT_EQ(must(bundles->read(Bytes(32, 1))), content(100));
  ASSERT_TRUE(bundles->put(Bytes(32, 9), content(100)));
  EXPECT_FALSE(must(bundles->has(Bytes(32, 9))));
}

TEST_F(BundleRowsTest, standing_are_the_active_campaigns_of_all_namespaces) {
  ASSERT_TRUE(registry->create_namespace(call, "other"));
  ASSERT_TRUE(registry->create_device(call, "other", "lonely"));
  publish(1, {});
  must(rows->publish(call, "default", wanted(2, 10)));
  publish(3, {}, "other");
  must(rows->withdraw(call, "default", Bytes(32, 1)));
  must(rows->raise(call, "default", Bytes(32, 2), 20));
  const auto standing = must(rows->standing());
  ASSERT_EQ(standing.size(), 2u);
  EXPECT_EQ(standing[0].namespace_name, "default");
  EXPECT_EQ(standing[0].bundle, Bytes(32, 2));
  EXPECT_EQ(standing[0].number, 2u);
  EXPECT_EQ(standing[0].percent, 20);
  EXPECT_EQ(standing[0].created, kNow);
  EXPECT_EQ(standing[1].namespace_name, "other");
  EXPECT_EQ(standing[1].percent, 100);
}

}  // namespace
}  // namespace latchkey::registry::firmware
