// SPDX-License-Identifier: Apache-2.0
#include "registry/model/audit.h"

#include <gmock/gmock.h>

#include <functional>

#include "platform/openssl/digest.h"

namespace latchkey::registry {
namespace {

AuditRecord record() {
  AuditRecord record{7,    1'900'000'000'123,       "uid:0 (root)", "device.revoke", "namespaces/default/devices/dev-1",
                     "ok", "1 certificates revoked"};
  record.source = "unix socket";
  record.before = "credential=00010203 version=3";
  record.after = "credential=fffefdfc version=4";
  for (std::size_t i = 0; i < record.previous.size(); ++i) record.previous[i] = static_cast<std::uint8_t>(i);
  return record;
}

AuditHash hash_of(const AuditRecord& made) {
  const auto hash = audit_hash(openssl::host_digest(), made);
  EXPECT_TRUE(hash);
  return hash ? *hash : AuditHash{};
}

// Computed with Python's hashlib from docs/audit.md alone. Whoever changes it breaks every chain that exists.
TEST(AuditRecordHash, is_the_one_that_the_format_page_gives) {
  EXPECT_EQ(to_text({7, hash_of(record())}), "7:3e630069bac7dc389f2eedc5e4f5f91dbdee0ef6344bd557077232109eaae0d1");
}

TEST(AuditRecordHash, every_field_but_itself_enters) {
  const AuditRecord usual = record();
  const std::pair<const char*, std::function<void(AuditRecord&)>> changes[] = {
      {"number", [](AuditRecord& r) { ++r.number; }},
      {"at", [](AuditRecord& r) { ++r.at; }},
      {"actor", [](AuditRecord& r) { r.actor[0] ^= 1; }},
      {"source", [](AuditRecord& r) { r.source[0] ^= 1; }},
      {"action", [](AuditRecord& r) { r.action[0] ^= 1; }},
      {"resource", [](AuditRecord& r) { r.resource[0] ^= 1; }},
      {"outcome", [](AuditRecord& r) { r.outcome[0] ^= 1; }},
      {"detail", [](AuditRecord& r) { r.detail[0] ^= 1; }},
      {"before", [](AuditRecord& r) { r.before[0] ^= 1; }},
      {"after", [](AuditRecord& r) { r.after[0] ^= 1; }},
      {"previous", [](AuditRecord& r) { r.previous[31] ^= 1; }},
  };
  for (const auto& [name, change] : changes) {
    AuditRecord changed = usual;
    change(changed);
    EXPECT_NE(hash_of(changed), hash_of(usual)) << name;
  }
  AuditRecord same = usual;
  same.hash.fill(9);
  EXPECT_EQ(hash_of(same), hash_of(usual));
}

TEST(AuditRecordHash, text_that_moves_to_the_next_field_is_another_record) {
  AuditRecord a = record();
  AuditRecord b = a;
  a.actor = "ab";
  a.source = "c";
  b.actor = "a";
  b.source = "bc";
  EXPECT_NE(audit_encoding(a), audit_encoding(b));
  EXPECT_EQ(audit_encoding(a).size(), audit_encoding(b).size());
}

class NoDigest final : public ports::Digest {
  Result<void> sha256(ByteView, ports::Sha256&) const override { return fail(Status::kInternal); }
};
TEST(AuditRecordHash, digest_that_fails_is_an_error_and_no_hash) {
  const auto hash = audit_hash(NoDigest(), record());
  ASSERT_FALSE(hash);
  EXPECT_EQ(hash.error().reason, Reason::kInternal);
}

TEST(AuditHeadText, reads_back) {
  AuditHead head{12, {}};
  head.hash.fill(0xa5);
  const auto text = to_text(head);
  ASSERT_TRUE(parse_audit_head(text));
  EXPECT_TRUE(*parse_audit_head(text) == head);
}

TEST(AuditHeadText, what_is_not_count_and_hash_is_refused) {
  const std::string hash(64, 'a');
  const std::string bad[] = {"",
                             ":",
                             hash,
                             "5",
                             "5:",
                             ":" + hash,
                             "-1:" + hash,
                             "+1:" + hash,
                             " 1:" + hash,
                             "1 :" + hash,
                             "0x1:" + hash,
                             "99999999999999999999:" + hash,
                             "1:" + hash.substr(1),
                             "1:" + hash + "a",
                             "1:" + hash.substr(1) + "g",
                             "1:1:" + hash};
  for (const auto& text : bad) EXPECT_FALSE(parse_audit_head(text)) << text;
}

TEST(AuditDifferences, only_what_changed_is_told) {
  const AuditFacts before = {{"enabled", "yes"}, {"version", "3"}, {"policy", "alpha"}};
  const AuditFacts after = {{"enabled", "no"}, {"version", "4"}, {"policy", "alpha"}};
  EXPECT_EQ(differences(before, after),
            std::pair(std::string("enabled=yes version=3"), std::string("enabled=no version=4")));
  EXPECT_EQ(differences({}, before), std::pair(std::string(), std::string("enabled=yes version=3 policy=alpha")));
  EXPECT_EQ(differences(before, {}), std::pair(std::string("enabled=yes version=3 policy=alpha"), std::string()));
  EXPECT_EQ(differences(before, before), std::pair(std::string(), std::string()));
  EXPECT_EQ(differences({}, {{"name", "a enabled=yes"}}).second, "name=a_enabled=yes");
}

}  // namespace
}  // namespace latchkey::registry
