// SPDX-License-Identifier: Apache-2.0
// What is made here is read as a device reads it (agent/update).
#include "hub/firmware/statements.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/update/statement.h"
#include "platform/crypto/key.h"
#include "tests/unit/hub/firmware/world.h"

namespace latchkey::hub::firmware {
namespace {

using testing::HasSubstr;
using testing::Not;

class StatementsTest : public FirmwareTest {
 protected:
  void SetUp() override { ASSERT_TRUE(crypto::init()); }
  const std::filesystem::path key_path = folder.path() / "firmware" / "statement.key";
  // As a device that was given the key.
  agent::Statement read(const Statement& statement) {
    key = must(statements.public_key(call()));
    const auto read = agent::read_statement(ByteView(statement.body), ByteView(key));
    EXPECT_TRUE(read);
    return read ? *read : agent::Statement{};
  }
  Bytes key;
};

TEST_F(StatementsTest, key_is_made_once_is_its_owners_alone_and_stays) {
  const auto first = must(statements.public_key(call()));
  EXPECT_EQ(newest_audit().action, "firmware.statementKey.create");
  struct stat info {};
  ASSERT_EQ(::stat(key_path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(must(statements.public_key(call())), first);
  StatementKeyFile again(folder.path() / "firmware");
  Statements later(rows_of(*registry), again);
  EXPECT_EQ(must(later.public_key(call())), first);
}

TEST_F(StatementsTest, key_file_that_is_damaged_is_neither_used_nor_written_over) {
  std::ofstream(key_path) << "not a key";
  EXPECT_REFUSED(statements.public_key(call()), Reason::kStorage);
  EXPECT_REFUSED(statements.pin(call(), {"1.2.3"}), Reason::kStorage);
  EXPECT_EQ(std::filesystem::file_size(key_path), 9u);
}

TEST_F(StatementsTest, pins_are_what_a_device_reads_and_each_change_is_a_new_version) {
  const auto first = must(statements.pin(call(), {"1.3.6.1.4.1.311.97.2", "1.3.6.1.4.1.311.97.1"}));
  EXPECT_EQ(first.version, 1u);
  EXPECT_EQ(first.content, "1.3.6.1.4.1.311.97.1\n1.3.6.1.4.1.311.97.2");
  const auto statement = read(first);
  EXPECT_EQ(statement.kind, agent::StatementKind::kPins);
  EXPECT_EQ(statement.version, 1u);
  const auto pins = agent::Pins::read(statement);
  ASSERT_TRUE(pins);
  EXPECT_EQ(pins->size(), 2u);
  const auto second = must(statements.pin(call(), {"1.3.6.1.4.1.311.97.3"}));
  EXPECT_EQ(second.version, 2u);
  EXPECT_EQ(must(statements.newest(StatementKind::kPins))->body, second.body);
}

TEST_F(StatementsTest, same_pins_again_are_the_statement_that_stands) {
  const auto first = must(statements.pin(call(), {"1.2.3", "1.2.4"}));
  EXPECT_EQ(must(statements.pin(call(), {"1.2.4", "1.2.3"})).body, first.body);
  EXPECT_EQ(must(statements.newest(StatementKind::kPins))->version, 1u);
}

TEST_F(StatementsTest, pins_out_of_bounds_are_refused_audited_and_change_nothing) {
  const std::vector<std::vector<std::string>> wrong = {
      {}, {"1.2.3", "1.2.3"}, {"1.2.3", "1.2.4", "1.2.5", "1.2.6", "1.2.7"}, {"no oid"}, {""}};
  for (const auto& ekus : wrong) {
    EXPECT_REFUSED(statements.pin(call(), ekus), Reason::kInvalidArgument);
    EXPECT_EQ(newest_audit().action, "firmware.statement");
    EXPECT_NE(newest_audit().outcome, "ok");
  }
  EXPECT_FALSE(must(statements.newest(StatementKind::kPins)));
}

TEST_F(StatementsTest, nothing_is_said_of_revocations_before_there_is_a_key_or_a_signing_service) {
  open_signing_service();
  EXPECT_FALSE(must(statements.refresh(call())));
  EXPECT_FALSE(must(statements.newest(StatementKind::kRevocations)));
  EXPECT_FALSE(std::filesystem::exists(key_path));
}

TEST_F(StatementsTest, without_a_signing_service_there_is_nothing_to_speak_of) {
  must(statements.public_key(call()));
  EXPECT_FALSE(must(statements.refresh(call())));
}

TEST_F(StatementsTest, authorities_have_revoked_nothing_from_the_keys_first_moment_on) {
  open_signing_service();
  must(statements.public_key(call()));
  const auto newest = must(statements.newest(StatementKind::kRevocations));
  ASSERT_TRUE(newest);
  EXPECT_EQ(newest->version, 1u);
  const auto statement = read(*newest);
  EXPECT_EQ(statement.kind, agent::StatementKind::kRevocations);
  EXPECT_TRUE(agent::Revocations::read(statement));
  EXPECT_FALSE(must(statements.refresh(call())));
}

TEST_F(StatementsTest, each_revocation_is_a_new_version_and_a_look_without_one_is_none) {
  open_signing_service();
  must(statements.public_key(call()));
  revoke(7, test::kNow - test::kNow % 1000);
  const auto second = must(statements.refresh(call()));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->version, 2u);
  EXPECT_TRUE(agent::Revocations::read(read(*second)));
  EXPECT_FALSE(must(statements.refresh(call())));
  revoke(8, test::kNow - test::kNow % 1000);
  EXPECT_EQ(must(statements.refresh(call()))->version, 3u);
}

TEST_F(StatementsTest, what_does_not_fit_is_left_out_of_profiles_that_are_not_pinned) {
  open_signing_service();
  must(statements.pin(call(), {"1.2.3"}));
  for (int i = 1; i <= 50; ++i) revoke(static_cast<std::uint8_t>(i), 1'700'000'000'000, 20, "1.2.3");
  for (int i = 51; i <= 250; ++i) revoke(static_cast<std::uint8_t>(i), 1'700'000'000'000, 20, "1.2.4");
  const auto made = must(statements.refresh(call()));
  ASSERT_TRUE(made);
  EXPECT_LE(made->body.size(), agent::Statement::kSizeMax);
  EXPECT_GT(made->body.size(), agent::Statement::kSizeMax - 64) << "as much as fits";
  ASSERT_TRUE(agent::Revocations::read(read(*made)));
  const auto told = [&](int i) {
    return ByteView(made->body).text().find(std::string(20, static_cast<char>(i))) != std::string_view::npos;
  };
  for (int i = 1; i <= 50; ++i) EXPECT_TRUE(told(i)) << i;
  EXPECT_FALSE(told(51));
  EXPECT_TRUE(told(250));
  EXPECT_FALSE(must(statements.refresh(call()))) << "the same again is no new version";
}

TEST_F(StatementsTest, more_of_pinned_profiles_than_fits_is_refused_until_another_is_pinned) {
  open_signing_service();
  must(statements.pin(call(), {"1.2.3"}));
  for (int i = 1; i <= 200; ++i) revoke(static_cast<std::uint8_t>(i), 1'700'000'000'000, 20, "1.2.3");
  EXPECT_REFUSED(statements.refresh(call()), Reason::kPreconditionFailed);
  EXPECT_EQ(must(statements.newest(StatementKind::kRevocations))->version, 1u);
  must(statements.pin(call(), {"1.2.4"}));
  EXPECT_EQ(must(statements.newest(StatementKind::kRevocations))->version, 2u);
  EXPECT_FALSE(must(statements.refresh(call())));
}

// Two nodes, which have a key in common.
TEST_F(StatementsTest, each_of_two_who_pin_at_once_gets_a_version) {
  must(statements.public_key(call()));
  StatementKeyFile same(folder.path() / "firmware");
  Statements other(rows_of(*registry), same);
  for (int round = 0; round < 20; ++round) {
    const auto eku = [&](int node) { return "1.2." + std::to_string(10 * round + node); };
    std::thread there([&] { EXPECT_TRUE(other.pin(call(), {eku(1)})); });
    EXPECT_TRUE(statements.pin(call(), {eku(0)}));
    there.join();
  }
  EXPECT_EQ(must(statements.newest(StatementKind::kPins))->version, 40u);
}

TEST_F(StatementsTest, key_stands_in_no_audit_record) {
  must(statements.pin(call(), {"1.2.3"}));
  const auto records = must(registry->list_audit(0, 100));
  for (const auto& record : records) {
    EXPECT_THAT(record.detail, Not(HasSubstr("KEY")));
    EXPECT_THAT(record.after, Not(HasSubstr("KEY")));
  }
}

}  // namespace
}  // namespace latchkey::hub::firmware
