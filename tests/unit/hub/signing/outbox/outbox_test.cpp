// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/outbox/outbox.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "tests/unit/registry/signing/signing_fixture.h"

namespace latchkey::hub::signing {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class OutboxTest : public registry::signing::SigningTest {
 protected:
  void SetUp() override {
    SigningTest::SetUp();
    prepare();
    make_account();
    auto opened = Outbox::open(validations(), {maildir});
    ASSERT_TRUE(opened);
    outbox.emplace(std::move(*opened));
  }
  std::vector<std::filesystem::path> letters() const {
    std::vector<std::filesystem::path> all;
    for (const auto& entry : std::filesystem::directory_iterator(maildir / "new")) all.push_back(entry.path());
    std::sort(all.begin(), all.end());
    return all;
  }
  static std::string read(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path maildir = folder.file("outbox");
  std::optional<Outbox> outbox;
};

// Rows: S-6-65
TEST_F(OutboxTest, each_change_of_status_becomes_a_letter_to_both_addresses_once) {
  const auto made = make_validation(registry::signing::organization());
  EXPECT_EQ(*outbox->send(call.now), 3u);
  decide(made, registry::signing::ValidationEvent::kEmailVerified);
  EXPECT_EQ(*outbox->send(call.now), 0u);
  decide(made, registry::signing::ValidationEvent::kAccepted);
  EXPECT_EQ(*outbox->send(call.now), 2u);
  EXPECT_EQ(*outbox->send(call.now), 0u);
  ASSERT_EQ(letters().size(), 5u);
  const auto last = read(letters().back());
  EXPECT_THAT(last, StartsWith("From: "));
  EXPECT_THAT(last, HasSubstr("\nTo: <ops@contoso.com>\n"));
  EXPECT_THAT(last, HasSubstr("\nSubject: Identity validation: Completed\n"));
  EXPECT_THAT(last, HasSubstr("\nDate: Sun, 17 Mar 2030 17:46:40 +0000\n"));
}

TEST_F(OutboxTest, letters_and_folders_are_for_their_owner_alone) {
  make_validation(registry::signing::organization());
  ASSERT_TRUE(outbox->send(call.now));
  struct stat seen {};
  for (const auto* part : {"", "tmp", "new", "cur"}) {
    ASSERT_EQ(stat((maildir / part).c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 0777u, 0700u) << part;
  }
  ASSERT_EQ(stat(letters().front().c_str(), &seen), 0);
  EXPECT_EQ(seen.st_mode & 0777u, 0600u);
}

TEST_F(OutboxTest, what_cannot_be_written_waits) {
  make_validation(registry::signing::organization());
  std::filesystem::remove_all(maildir);
  EXPECT_FALSE(outbox->send(call.now));
  EXPECT_EQ(mails().size(), 3u);
  ASSERT_TRUE(Outbox::open(validations(), {maildir}));
  EXPECT_EQ(*outbox->send(call.now), 3u);
}

}  // namespace
}  // namespace latchkey::hub::signing
