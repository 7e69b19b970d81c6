// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/crl_splits.h"

#include <gmock/gmock.h>

#include "platform/openssl/digest.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::hub::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class CrlSplits : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = registry::Registry::open({(folder_ / "registry.db").string(), 256, false}, openssl::host_digest());
    ASSERT_TRUE(opened) << opened.error().detail;
    registry_ = std::move(*opened);
  }
  void TearDown() override { registry_.reset(); }
  std::vector<ca::CrlSplit> remembered(unsigned count, const std::string& folder) {
    auto splits = remember_split(*registry_, count, folder);
    EXPECT_TRUE(splits) << splits.error().detail;
    return splits.value_or(std::vector<ca::CrlSplit>());
  }

  const tests::MemoryFolder folder_;
  std::unique_ptr<registry::Registry> registry_;
};

TEST_F(CrlSplits, whole_lists_and_lists_that_nobody_serves_are_no_split) {
  EXPECT_THAT(remembered(1, "http://a/crl"), IsEmpty());
  EXPECT_THAT(remembered(8, ""), IsEmpty());
}

TEST_F(CrlSplits, every_number_and_every_address_is_remembered_once) {
  remembered(8, "http://a/crl");
  remembered(8, "http://a/crl");
  remembered(4, "http://a/crl");
  remembered(8, "http://b/crl");
  const auto splits = remembered(1, "http://c/crl");
  ASSERT_THAT(splits, SizeIs(2));
  EXPECT_EQ(splits[0].count, 8u);
  EXPECT_THAT(splits[0].folders, ElementsAre("http://a/crl", "http://b/crl"));
  EXPECT_EQ(splits[1].count, 4u);
  EXPECT_THAT(splits[1].folders, ElementsAre("http://a/crl"));
}

TEST_F(CrlSplits, damaged_memory_is_refused_and_not_forgotten) {
  for (const char* text : {"x", "8", "8 ", "1 http://a/crl\n", "257 http://a/crl\n", "8http://a/crl\n", "\n"}) {
    ASSERT_TRUE(registry_->set_setting("CRL shards", text));
    const auto splits = remember_split(*registry_, 8, "http://b/crl");
    ASSERT_FALSE(splits) << text;
    EXPECT_EQ(splits.error().reason, registry::Reason::kStorage);
    EXPECT_EQ(registry_->setting("CRL shards")->value_or(""), text);
  }
}

}  // namespace
}  // namespace latchkey::hub::app
