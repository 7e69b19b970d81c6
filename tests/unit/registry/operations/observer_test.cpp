// SPDX-License-Identifier: Apache-2.0
#include "registry/model/observer.h"

#include <map>
#include <mutex>

#include "registry/operations/forecast.h"
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class Notes final : public Observer {
 public:
  void operation(std::string_view action, Reason outcome, Duration took) override {
    const std::lock_guard lock(mutex);
    ++operations[{std::string(action), outcome}];
    EXPECT_GT(took.count(), 0);
  }
  void committed(std::size_t count, Duration transaction, Duration commit) override {
    const std::lock_guard lock(mutex);
    in_transactions += count;
    ++(commit.count() > 0 ? commits : failures);
    EXPECT_GE(transaction, commit);
  }
  std::mutex mutex;
  std::map<std::pair<std::string, Reason>, int> operations;
  std::size_t in_transactions = 0;
  int commits = 0;
  int failures = 0;
};

class NobodyThere final : public Attendance {
 public:
  std::vector<std::string> connected(const std::string&) override { return {}; }
  bool connected(const std::string&, const std::string&) override { return false; }
  std::optional<UnixMs> last_seen(const std::string&, const std::string&) override { return std::nullopt; }
};

class ObserverTest : public RegistryTest {
 protected:
  void TearDown() override { registry.reset(); }  // before what observes it
  Notes notes;
};

TEST_F(ObserverTest, hears_of_every_attempt_with_its_outcome) {
  make_factory();
  registry->set_observer(&notes);
  ASSERT_TRUE(registry->create_device(call, kNs, "a"));
  ASSERT_FALSE(registry->create_device(call, kNs, "a"));
  ASSERT_TRUE(registry->revoke_device(call, kNs, "a", false));
  EXPECT_EQ((notes.operations[{"device.create", Reason::kNone}]), 1);
  EXPECT_EQ((notes.operations[{"device.create", Reason::kAlreadyExists}]), 1);
  EXPECT_EQ((notes.operations[{"device.revoke", Reason::kNone}]), 1);
  EXPECT_EQ(notes.operations.size(), 3u);
  EXPECT_EQ(notes.commits, 3);
  EXPECT_EQ(notes.in_transactions, 3u);
}

TEST_F(ObserverTest, a_forecast_is_no_attempt) {
  make_factory();
  registry->set_observer(&notes);
  NobodyThere nobody;
  ASSERT_TRUE(registry->forecast(call, {PlannedAct::Kind::kRevokePolicy, kNs, "alpha"}, nobody, {}));
  EXPECT_TRUE(notes.operations.empty());
}

TEST_F(ObserverTest, a_commit_that_fails_is_none) {
  bool broken = false;
  open({.batch_limit = 256, .keep_changes = 100000, .before_commit = [&broken](store::Database&) -> Outcome<Nothing> {
          if (broken) return refuse(Reason::kStorage, "no");
          return Nothing{};
        }});
  make_factory();
  registry->set_observer(&notes);
  broken = true;
  EXPECT_REFUSED(registry->create_device(call, kNs, "a"), Reason::kStorage);
  EXPECT_EQ((notes.operations[{"device.create", Reason::kStorage}]), 1);
  EXPECT_EQ(notes.commits, 0);
  EXPECT_EQ(notes.failures, 1);
}

TEST_F(ObserverTest, hears_nothing_once_it_is_taken_away) {
  make_factory();
  registry->set_observer(&notes);
  registry->set_observer(nullptr);
  ASSERT_TRUE(registry->create_device(call, kNs, "a"));
  EXPECT_TRUE(notes.operations.empty());
  EXPECT_EQ(notes.commits, 0);
}

}  // namespace
}  // namespace latchkey::registry
