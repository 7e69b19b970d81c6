// SPDX-License-Identifier: Apache-2.0
// Snapshots where there is a signing service: its keys go with the registry, and it stops while the state is replaced.
#include "hub/rehearsal/snapshots.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "platform/openssl/digest.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::hub::rehearsal {
namespace {

class SigningSnapshots : public testing::Test {
 protected:
  SigningSnapshots() {
    auto opened =
        registry::Registry::open({(folder.path() / "registry.db").string(), 256, true}, openssl::host_digest());
    EXPECT_TRUE(opened);
    registry = std::move(*opened);
    std::filesystem::create_directory(keys());
    Snapshots::Parts parts{*registry, folder.path() / "snapshots", folder.path() / "ca-keys",
                           [](const std::string&) {}};
    parts.signing.keys = keys();
    parts.signing.key_refs_in = [this](const std::string&) -> registry::Outcome<std::vector<std::string>> {
      return named;
    };
    parts.signing.pause = [this] {
      EXPECT_FALSE(paused);
      paused = true;
      ++pauses;
      return std::shared_ptr<void>(nullptr, [this](void*) { paused = false; });
    };
    snapshots = std::make_unique<Snapshots>(std::move(parts));
  }
  std::filesystem::path keys() const { return folder.path() / "signing-keys"; }
  void put(const std::string& name, const std::string& content) { std::ofstream(keys() / name) << content; }
  std::string kept(const std::string& name) const {
    std::ifstream in(keys() / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const registry::Call call{"tester", 1'900'000'000'000};
  tests::MemoryFolder folder;
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<Snapshots> snapshots;
  std::vector<std::string> named = {"one.pem", "two.pem"};
  bool paused = false;
  int pauses = 0;
};

TEST_F(SigningSnapshots, state_whose_keys_cannot_be_copied_has_no_snapshots) {
  ASSERT_TRUE(snapshots->take("before", call.now));
  Snapshots elsewhere({*registry, folder.path() / "snapshots", {}, [](const std::string&) {}});
  const auto taken = elsewhere.take("after", call.now);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().reason, registry::Reason::kNotSupported);
  const auto restored = elsewhere.restore(call, "before");
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().reason, registry::Reason::kNotSupported);
}

// Rows: S-6-129
TEST_F(SigningSnapshots, keys_are_taken_and_put_back_while_the_service_stands_still) {
  put("one.pem", "1");
  put("two.pem", "2");
  put("unnamed.pem", "3");
  ASSERT_TRUE(snapshots->take("before", call.now));
  EXPECT_EQ(pauses, 0) << "to take one does not stop it";
  const auto copies = folder.path() / "snapshots" / "before" / "signing-keys";
  EXPECT_EQ(std::filesystem::status(copies).permissions(), std::filesystem::perms::owner_all);
  EXPECT_FALSE(std::filesystem::exists(copies / "unnamed.pem"));
  std::filesystem::remove(keys() / "one.pem");
  put("two.pem", "other");
  ASSERT_TRUE(snapshots->restore(call, "before"));
  EXPECT_EQ(kept("one.pem"), "1");
  EXPECT_EQ(kept("two.pem"), "2");
  EXPECT_EQ(pauses, 1);
  EXPECT_FALSE(paused);
  ASSERT_TRUE(snapshots->reset(call, {}, {}));
  EXPECT_EQ(pauses, 2);
  EXPECT_FALSE(paused);
}

TEST_F(SigningSnapshots, key_that_was_erased_meanwhile_is_left_out) {
  put("one.pem", "1");
  ASSERT_TRUE(snapshots->take("before", call.now));
  std::filesystem::remove(keys() / "one.pem");
  ASSERT_TRUE(snapshots->restore(call, "before"));
  EXPECT_EQ(kept("one.pem"), "1");
  EXPECT_FALSE(std::filesystem::exists(keys() / "two.pem"));
}

TEST_F(SigningSnapshots, service_that_never_ran_has_nothing_to_take) {
  named.clear();
  std::filesystem::remove(keys());
  ASSERT_TRUE(snapshots->take("before", call.now));
  ASSERT_TRUE(snapshots->restore(call, "before"));
  EXPECT_FALSE(std::filesystem::exists(keys()));
}

// It goes on with what was there when that comes to nothing.
TEST_F(SigningSnapshots, restore_that_is_refused_does_not_leave_it_standing) {
  put("one.pem", "1");
  put("two.pem", "2");
  ASSERT_TRUE(snapshots->take("before", call.now));
  std::filesystem::resize_file(folder.path() / "snapshots" / "before" / "registry.db", 100);
  EXPECT_FALSE(snapshots->restore(call, "before"));
  EXPECT_FALSE(paused);
}

}  // namespace
}  // namespace latchkey::hub::rehearsal
