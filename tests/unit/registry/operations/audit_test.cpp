// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class Audit : public RegistryTest {};

TEST_F(Audit, every_attempt_leaves_one_record_numbered_without_gap) {
  make_factory();
  ASSERT_FALSE(registry->create_namespace(call, kNs));
  ASSERT_FALSE(registry->revoke_device(call, kNs, "none", false));
  const auto records = registry->list_audit(0, 1000);
  ASSERT_EQ(records->size(), 6u);  // namespace, credential, hub, policy, two refusals
  std::uint64_t number = 6;
  for (const auto& record : *records) EXPECT_EQ(record.number, number--);
}

TEST_F(Audit, pages_go_back_in_time) {
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(registry->audit(call, "probe", std::to_string(i), "ok", ""));
  auto page = registry->list_audit(0, 3);
  ASSERT_EQ(page->size(), 3u);
  EXPECT_EQ(page->front().resource, "6");
  page = registry->list_audit(page->back().number, 3);
  EXPECT_EQ(page->front().resource, "3");
  page = registry->list_audit(page->back().number, 3);
  ASSERT_EQ(page->size(), 1u);
  EXPECT_EQ(page->front().resource, "0");
}

TEST_F(Audit, record_of_ones_own_reads_back) {
  call.actor = "uid:0 (root)";
  ASSERT_TRUE(registry->audit(call, "hub.start", "hubs/hub", "ok", "version 1"));
  expect_audit("hub.start", "hubs/hub", "ok");
  EXPECT_EQ(last_audit().detail, "version 1");
}

TEST_F(Audit, strangers_ids_cannot_forge_lines) {
  ASSERT_TRUE(registry->create_namespace(call, kNs));
  ASSERT_FALSE(registry->create_device(call, kNs, "x\n2030-01-01 root deleted everything"));
  EXPECT_EQ(last_audit().resource.find('\n'), std::string::npos);
}

TEST_F(Audit, refusal_says_which_rule) {
  ASSERT_TRUE(registry->create_namespace(call, kNs));
  ASSERT_FALSE(registry->create_namespace(call, kNs));
  EXPECT_EQ(last_audit().outcome, "already exists");
  EXPECT_EQ(last_audit().detail, "namespace 'factory' is there already");
}

TEST_F(Audit, records_survive_reopening) {
  make_factory();
  const auto before = registry->list_audit(0, 1000)->size();
  open();
  EXPECT_EQ(registry->list_audit(0, 1000)->size(), before);
  ASSERT_TRUE(registry->create_namespace(call, "next"));
  EXPECT_EQ(last_audit().number, before + 1);
}

}  // namespace
}  // namespace latchkey::registry
