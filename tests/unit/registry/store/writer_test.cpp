// SPDX-License-Identifier: Apache-2.0
#include "registry/store/writer.h"

#include <gmock/gmock.h>

#include <latch>
#include <thread>

#include "platform/openssl/digest.h"
#include "registry/store/audit.h"
#include "registry/store/changes.h"
#include "registry/store/readers.h"
#include "registry/store/schema.h"
#include "registry/store/settings.h"
#include "tests/unit/registry/store/store_under_test.h"

namespace latchkey::registry::store {
namespace {

using testing::ElementsAre;

class WriterTest : public testing::Test {
 protected:
  void start(Writer::Options options = {}) {
    auto database = Database::open(path, Database::Access::kReadWrite);
    ASSERT_TRUE(database) << database.error().detail;
    ASSERT_TRUE(migrate(**database));
    auto started = Writer::start(std::move(*database), openssl::host_digest(), std::move(options));
    ASSERT_TRUE(started) << started.error().detail;
    writer = std::move(*started);
  }

  Outcome<Sequence> put(const std::string& name, const std::string& value = "x") {
    return writer->run([&](Transaction& transaction) { return put_setting(transaction.database(), name, value); }, {});
  }
  Outcome<Sequence> change(const std::string& id) {
    return writer->run([&](Transaction& transaction) { return transaction.change(DeviceGone{Uuid{}, id}); }, {});
  }
  bool has(const std::string& name) {
    auto view = readers.view();
    return view && find_setting(**view, name)->has_value();
  }
  std::vector<Change> changes() {
    auto view = readers.view();
    return *changes_after(**view, 0, 1000000);
  }
  std::vector<AuditRecord> audit() {
    auto view = readers.view();
    return *audit_before(**view, 0, 1000);
  }

  // Keeps the writer busy until `gate` opens, so that what is queued meanwhile is one batch.
  std::thread hold(std::latch& started, std::latch& gate) {
    return std::thread([&] {
      auto held = writer->run(
          [&](Transaction&) -> Outcome<Nothing> {
            started.count_down();
            gate.wait();
            return Nothing{};
          },
          {});
      EXPECT_TRUE(held);
    });
  }

  void wait_for_queue(std::size_t count) {
    while (writer->queued() < count) std::this_thread::yield();
  }

  tests::MemoryFolder folder;
  std::string path = store_in(folder);
  std::unique_ptr<Writer> writer;
  Readers readers{path};
};

Outcome<Nothing> no(const std::string& why) { return refuse(Reason::kPreconditionFailed, why); }

TEST_F(WriterTest, answered_operation_is_there_for_readers) {
  start();
  ASSERT_TRUE(put("a"));
  EXPECT_TRUE(has("a"));
}

TEST_F(WriterTest, refused_operation_leaves_nothing_but_its_record) {
  start();
  auto answer = writer->run(
      [&](Transaction& transaction) -> Outcome<Nothing> {
        LATCHKEY_TRY_VOID(put_setting(transaction.database(), "a", "x"));
        LATCHKEY_TRY_VOID(transaction.change(DeviceGone{Uuid{}, "a"}));
        return no("not today");
      },
      [](Transaction& transaction, const Refusal& refusal) {
        return transaction.audit({0, 1, "me", "try", "a", std::string(to_string(refusal.reason)), refusal.detail});
      });
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, Reason::kPreconditionFailed);
  EXPECT_FALSE(has("a"));
  EXPECT_TRUE(changes().empty());
  ASSERT_EQ(audit().size(), 1u);
  EXPECT_EQ(audit().front().detail, "not today");
}

TEST_F(WriterTest, numbers_taken_by_a_refused_operation_are_given_again) {
  start();
  ASSERT_EQ(*change("a"), 1u);
  ASSERT_FALSE(writer->run(
      [](Transaction& transaction) -> Outcome<Nothing> {
        LATCHKEY_TRY_VOID(transaction.change(DeviceGone{Uuid{}, "lost"}));
        return no("x");
      },
      {}));
  EXPECT_EQ(*change("b"), 2u);
}

TEST_F(WriterTest, operation_without_change_answers_the_newest_change_before_it) {
  start();
  EXPECT_EQ(*put("a"), 0u);
  ASSERT_TRUE(change("a"));
  EXPECT_EQ(*put("b"), 1u);
}

TEST_F(WriterTest, operations_that_queue_up_share_a_commit) {
  start();
  std::latch started(1);
  std::latch gate(1);
  std::thread holder = hold(started, gate);
  started.wait();
  const auto before = writer->commits();
  constexpr int kThreads = 50;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&, i] { EXPECT_TRUE(put("k" + std::to_string(i))); });
  wait_for_queue(kThreads);
  gate.count_down();
  holder.join();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(writer->commits() - before, 2u);  // the holder's, and one for all
  for (int i = 0; i < kThreads; ++i) EXPECT_TRUE(has("k" + std::to_string(i)));
}

TEST_F(WriterTest, batch_limit_of_one_commits_each_operation_alone) {
  start({.batch_limit = 1, .keep_changes = 100, .before_commit = {}});
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i) threads.emplace_back([&, i] { EXPECT_TRUE(put("k" + std::to_string(i))); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(writer->commits(), 20u);
}

TEST_F(WriterTest, refusal_does_not_touch_its_neighbours_in_the_batch) {
  start();
  std::latch started(1);
  std::latch gate(1);
  std::thread holder = hold(started, gate);
  started.wait();
  std::vector<std::thread> threads;
  std::atomic<int> refused = 0;
  for (int i = 0; i < 30; ++i) {
    threads.emplace_back([&, i] {
      auto answer = writer->run(
          [&](Transaction& transaction) -> Outcome<Nothing> {
            LATCHKEY_TRY_VOID(transaction.change(DeviceGone{Uuid{}, std::to_string(i)}));
            if (i % 3 == 0) return no("every third");
            return Nothing{};
          },
          {});
      if (!answer) ++refused;
    });
  }
  wait_for_queue(30);
  gate.count_down();
  holder.join();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(refused, 10);
  const auto feed = changes();
  ASSERT_EQ(feed.size(), 20u);
  for (std::size_t i = 0; i < feed.size(); ++i) EXPECT_EQ(feed[i].sequence, i + 1);
}

TEST_F(WriterTest, failed_commit_fails_every_operation_and_changes_nothing) {
  std::atomic<bool> broken = false;
  start({.batch_limit = 256, .keep_changes = 100, .before_commit = [&](Database&) -> Outcome<Nothing> {
           if (broken) return refuse(Reason::kStorage, "the disk is gone");
           return Nothing{};
         }});
  ASSERT_TRUE(change("first"));
  std::latch started(1);
  std::latch gate(1);
  std::thread holder([&] {
    auto held = writer->run(
        [&](Transaction&) -> Outcome<Nothing> {
          started.count_down();
          gate.wait();
          return Nothing{};
        },
        {});
    EXPECT_FALSE(held);
  });
  started.wait();
  broken = true;
  std::vector<std::thread> threads;
  for (int i = 0; i < 10; ++i) {
    threads.emplace_back([&, i] {
      auto answer = writer->run(
          [&](Transaction& transaction) -> Outcome<Nothing> {
            LATCHKEY_TRY_VOID(transaction.change(DeviceGone{Uuid{}, "x"}));
            LATCHKEY_TRY_VOID(put_setting(transaction.database(), "k" + std::to_string(i), "x"));
            if (i == 3) return no("refused, and that is not known to hold either");
            return Nothing{};
          },
          [](Transaction& transaction, const Refusal&) {
            return transaction.audit({0, 1, "me", "try", "a", "refused", ""});
          });
      ASSERT_FALSE(answer);
      EXPECT_EQ(answer.error().reason, Reason::kStorage);
    });
  }
  wait_for_queue(10);
  gate.count_down();
  holder.join();
  for (auto& thread : threads) thread.join();
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(has("k" + std::to_string(i)));
  EXPECT_TRUE(audit().empty());
  EXPECT_EQ(writer->newest(), 1u);

  broken = false;
  EXPECT_EQ(*change("second"), 2u);  // no number was lost
}

TEST_F(WriterTest, full_disk_is_answered_as_storage_failure_and_passes_when_there_is_room) {
  LATCHKEY_ONLY_ON_SQLITE();  // whose file has a limit to set
  std::atomic<bool> full = false;
  start({.batch_limit = 256, .keep_changes = 100, .before_commit = {}});
  ASSERT_TRUE(put("before"));
  auto limit_to = [&](const std::string& pages) {
    return writer->run([&](Transaction& t) { return t.database().execute("PRAGMA max_page_count = " + pages); }, {});
  };
  ASSERT_TRUE(limit_to("1"));  // SQLite makes that the present size
  auto answer = put("big", std::string(1 << 20, 'x'));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, Reason::kStorage);
  EXPECT_THAT(answer.error().detail, testing::HasSubstr("storage full"));
  EXPECT_FALSE(has("big"));
  ASSERT_TRUE(limit_to("1000000"));
  ASSERT_TRUE(put("big", std::string(1 << 20, 'x')));
  EXPECT_TRUE(has("before"));
}

TEST_F(WriterTest, operation_that_throws_is_an_internal_error_and_the_writer_goes_on) {
  start();
  auto answer = writer->run([](Transaction&) -> Outcome<Nothing> { throw std::runtime_error("boom"); }, {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, Reason::kInternal);
  EXPECT_TRUE(put("a"));
}

TEST_F(WriterTest, listener_hears_of_commits_with_changes_before_they_are_answered) {
  start();
  std::vector<Sequence> heard;
  writer->set_listener([&](Sequence newest) { heard.push_back(newest); });
  ASSERT_TRUE(put("no change"));
  ASSERT_TRUE(change("a"));
  EXPECT_THAT(heard, ElementsAre(1u));
  writer->set_listener({});
  ASSERT_TRUE(change("b"));
  EXPECT_THAT(heard, ElementsAre(1u));
}

TEST_F(WriterTest, closing_runs_what_is_queued_and_refuses_what_comes_later) {
  start();
  std::latch started(1);
  std::latch gate(1);
  std::thread holder = hold(started, gate);
  started.wait();
  std::thread last([&] { EXPECT_TRUE(put("last")); });
  wait_for_queue(1);
  std::thread closer([&] { writer->close(); });
  gate.count_down();
  holder.join();
  last.join();
  closer.join();
  EXPECT_TRUE(has("last"));
  auto late = put("late");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().reason, Reason::kShuttingDown);
  writer->close();
}

TEST_F(WriterTest, counters_go_on_after_reopening) {
  start();
  ASSERT_EQ(*change("a"), 1u);
  writer.reset();
  start();
  EXPECT_EQ(writer->newest(), 1u);
  EXPECT_EQ(*change("b"), 2u);
}

TEST_F(WriterTest, old_changes_are_pruned_and_numbers_go_on) {
  start({.batch_limit = 256, .keep_changes = 100, .before_commit = {}});
  auto many = [&](int count) {
    return writer->run(
        [&](Transaction& transaction) -> Outcome<Nothing> {
          for (int i = 0; i < count; ++i) LATCHKEY_TRY_VOID(transaction.change(DeviceGone{Uuid{}, "x"}));
          return Nothing{};
        },
        {});
  };
  ASSERT_EQ(*many(5000), 5000u);
  const auto kept = changes();
  EXPECT_EQ(kept.size(), 100u);
  EXPECT_EQ(kept.back().sequence, 5000u);
  EXPECT_EQ(*many(1), 5001u);
}

TEST_F(WriterTest, every_kind_of_change_reads_as_it_was_written) {
  start();
  Uuid a, b;
  a.bytes.fill(1);
  b.bytes.fill(2);
  CredentialId credential;
  credential.bytes.fill(3);
  ASSERT_TRUE(writer->run(
      [&](Transaction& t) -> Outcome<Nothing> {
        LATCHKEY_TRY_VOID(t.change(DeviceState{a, "dev", b, credential, false, 65535}));
        LATCHKEY_TRY_VOID(t.change(DeviceGone{a, "dev"}));
        LATCHKEY_TRY_VOID(t.change(AnchorAdded{a, b, Bytes{0, 1, 2}}));
        return t.change(AnchorGone{a, b});
      },
      {}));
  const auto feed = changes();
  ASSERT_EQ(feed.size(), 4u);
  const auto& state = std::get<DeviceState>(feed[0].body);
  EXPECT_TRUE(state.namespace_uuid == a && state.id == "dev" && state.uuid == b && state.credential_id == credential);
  EXPECT_FALSE(state.enabled);
  EXPECT_EQ(state.policy_number, 65535);
  const auto& gone = std::get<DeviceGone>(feed[1].body);
  EXPECT_TRUE(gone.namespace_uuid == a && gone.id == "dev");
  const auto& added = std::get<AnchorAdded>(feed[2].body);
  EXPECT_TRUE(added.hub == a && added.ca == b);
  EXPECT_EQ(added.der, (Bytes{0, 1, 2}));
  const auto& removed = std::get<AnchorGone>(feed[3].body);
  EXPECT_TRUE(removed.hub == a && removed.ca == b);
}

TEST_F(WriterTest, audit_texts_are_cut_and_made_printable) {
  start();
  ASSERT_TRUE(writer->run(
      [](Transaction& t) {
        return t.audit({0, 5, "a\nb\x1b[31m", "act", std::string(9000, 'r'), "ok", "\xff\x7f"});
      },
      {}));
  const auto records = audit();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].number, 1u);
  EXPECT_EQ(records[0].actor, "a?b?[31m");
  EXPECT_EQ(records[0].resource.size(), 512u);
  EXPECT_EQ(records[0].detail, "??");
}

TEST_F(WriterTest, edition_is_another_one_for_whoever_was_answered_by_an_operation_that_touched) {
  start();
  const auto before = writer->edition();
  ASSERT_TRUE(put("a"));
  ASSERT_TRUE(change("a"));
  EXPECT_EQ(writer->edition(), before);
  ASSERT_TRUE(writer->run(
      [](Transaction& transaction) {
        transaction.touch();
        return put_setting(transaction.database(), "b", "x");
      },
      {}));
  EXPECT_NE(writer->edition(), before);
}

// A commit whose sync failed may still be found after a crash.
TEST_F(WriterTest, edition_is_another_one_also_when_the_commit_fails) {
  bool fails = false;
  Writer::Options options;
  options.before_commit = [&](Database&) -> Outcome<Nothing> {
    if (fails) return refuse(Reason::kStorage, "disk gone");
    return Nothing{};
  };
  start(std::move(options));
  const auto before = writer->edition();
  fails = true;
  ASSERT_FALSE(writer->run(
      [](Transaction& transaction) -> Outcome<Nothing> {
        transaction.touch();
        return Nothing{};
      },
      {}));
  EXPECT_NE(writer->edition(), before);
}

// Many threads that each write again as soon as they are answered: the writer waits for company, and everybody is
// answered with what is true for him.
TEST_F(WriterTest, threads_that_write_in_turn_are_all_answered) {
  start();
  constexpr int kThreads = 8;
  constexpr int kEach = 50;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kEach; ++i) {
        const std::string name = std::to_string(thread) + "-" + std::to_string(i);
        if (i % 5 == 0) {
          const auto answer = writer->run([&](Transaction&) { return no(name); }, {});
          if (answer || answer.error().detail != name) ++wrong;
        } else if (!put(name) || !has(name)) {
          ++wrong;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace latchkey::registry::store
