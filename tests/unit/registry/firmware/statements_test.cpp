// SPDX-License-Identifier: Apache-2.0
#include "registry/firmware/statements.h"

#include "tests/unit/registry/firmware/firmware_fixture.h"

namespace latchkey::registry::firmware {
namespace {

class Statements : public FirmwareTest {
 protected:
  static Statement statement(StatementKind kind, std::uint64_t version) {
    return {kind, version, "1.2.3", Bytes(100, static_cast<std::uint8_t>(version)), kNow};
  }
};

TEST_F(Statements, versions_of_each_kind_rise_by_one) {
  EXPECT_FALSE(must(statements->newest(StatementKind::kPins)));
  EXPECT_EQ(must(statements->next_version(StatementKind::kPins)), 1u);
  for (std::uint64_t version = 1; version <= 3; ++version) {
    ASSERT_TRUE(statements->add(call, statement(StatementKind::kPins, version)));
  }
  ASSERT_TRUE(statements->add(call, statement(StatementKind::kRevocations, 1)));
  const auto pins = must(statements->newest(StatementKind::kPins));
  ASSERT_TRUE(pins);
  EXPECT_EQ(pins->version, 3u);
  EXPECT_EQ(pins->content, "1.2.3");
  EXPECT_EQ(pins->body, Bytes(100, 3));
  EXPECT_EQ(pins->made, kNow);
  EXPECT_EQ(must(statements->newest(StatementKind::kRevocations))->version, 1u);
  EXPECT_EQ(newest_audit().resource, "firmware/revocations/1");
}

TEST_F(Statements, version_that_is_not_the_next_one_is_refused) {
  ASSERT_TRUE(statements->add(call, statement(StatementKind::kPins, 1)));
  for (const std::uint64_t version : {0, 3}) {
    EXPECT_REFUSED(statements->add(call, statement(StatementKind::kPins, version)), Reason::kPreconditionFailed);
  }
  EXPECT_REFUSED(statements->add(call, statement(StatementKind::kPins, 1)), Reason::kAlreadyExists);
  EXPECT_EQ(must(statements->next_version(StatementKind::kPins)), 2u);
}

// Devices refuse a version that they had.
TEST_F(Statements, versions_go_on_where_they_were_after_a_return_to_a_snapshot) {
  const auto rehearsed =
      std::move(*Registry::open({.path = folder.file("rehearsal.db"), .rehearsal = true}, openssl::host_digest()));
  StatementRows rehearsal(rows_of(*rehearsed));
  ASSERT_TRUE(rehearsal.add(call, statement(StatementKind::kPins, 1)));
  const auto copy = folder.file("copy.db");
  ASSERT_TRUE(rehearsed->copy_to(copy));
  ASSERT_TRUE(rehearsal.add(call, statement(StatementKind::kPins, 2)));
  ASSERT_TRUE(rehearsed->restore(call, "before", copy));
  EXPECT_EQ(must(rehearsal.newest(StatementKind::kPins))->version, 1u);
  EXPECT_EQ(must(rehearsal.next_version(StatementKind::kPins)), 3u);
  ASSERT_TRUE(rehearsal.add(call, statement(StatementKind::kPins, 3)));
}

}  // namespace
}  // namespace latchkey::registry::firmware
