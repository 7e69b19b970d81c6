// SPDX-License-Identifier: Apache-2.0
// What holds when many call at once, when the registry is opened again, when the disk fails and when the process dies.
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <set>
#include <thread>

#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class Durability : public RegistryTest {
 protected:
  std::string integrity() {
    auto database = store::Database::open(path, store::Database::Access::kReadWrite);
    if (!database) return database.error().detail;
    if (on_postgres()) return "ok";  // foreign keys and all: it checks them itself
    auto answer =
        (*database)->query("PRAGMA integrity_check").first([](const store::Query& row) { return row.text(0); });
    if (!answer || !*answer) return "no answer";
    auto keys = (*database)->query("PRAGMA foreign_key_check").next();
    return keys && !*keys ? **answer : "foreign keys broken";
  }
};

TEST_F(Durability, hundred_threads_share_commits_and_lose_nothing) {
  make_factory({"alpha"});
  const Enrollment group = make_enrollment("group", "alpha", true);
  constexpr int kThreads = 100;
  constexpr int kEach = 5;
  const auto commits_before = registry->commits();
  const auto audits_before = last_audit().number;
  std::vector<std::thread> threads;
  std::atomic<int> refused = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::string id = "d" + std::to_string(t);
      for (int i = 0; i < kEach; ++i) {
        const Bytes serial = {0x50, static_cast<std::uint8_t>(t), static_cast<std::uint8_t>(i)};
        auto granted = registry->register_device(call, {id, group.uuid, true, serial, "op"});
        ASSERT_TRUE(granted) << granted.error().detail;
        ASSERT_TRUE(registry->find_device(kNs, id)) << "who was answered finds it";
        if (!registry->create_device(call, kNs, id)) ++refused;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(refused, kThreads * kEach);
  constexpr std::uint64_t kOperations = 2 * kThreads * kEach;
  EXPECT_EQ(last_audit().number, audits_before + kOperations);
  EXPECT_LT(registry->commits() - commits_before, kOperations);
  EXPECT_EQ(registry->list_devices(kNs, "", 1000)->devices.size(), static_cast<std::size_t>(kThreads));
}

TEST_F(Durability, one_of_many_wins_a_name) {
  make_factory();
  std::atomic<int> won = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 30; ++t) {
    threads.emplace_back([&] {
      auto made = registry->create_device(call, kNs, "one");
      if (made) {
        ++won;
      } else {
        EXPECT_EQ(made.error().reason, Reason::kAlreadyExists);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
}

TEST_F(Durability, reopened_registry_is_the_same) {
  make_factory({"alpha", "beta"});
  provision("dev", make_enrollment("dev"));
  const Device device = *registry->find_device(kNs, "dev");
  const Sequence newest = registry->newest_sequence();
  open();
  EXPECT_EQ(registry->newest_sequence(), newest);
  EXPECT_EQ(registry->find_device(kNs, "dev")->credential_id, device.credential_id);
  EXPECT_EQ(registry->list_policies(kNs)->size(), 2u);
  EXPECT_EQ(registry->list_certificates(kNs, "dev")->size(), 1u);
  EXPECT_EQ(registry->create_device(call, kNs, "next")->sequence, newest + 1);
}

TEST_F(Durability, closed_registry_answers_shutting_down_and_still_reads) {
  make_factory();
  registry->close();
  EXPECT_REFUSED(registry->create_device(call, kNs, "d"), Reason::kShuttingDown);
  EXPECT_REFUSED(registry->set_setting("a", "b"), Reason::kShuttingDown);
  EXPECT_TRUE(registry->find_namespace(kNs));
  registry->close();
}

TEST_F(Durability, file_is_private) {
  LATCHKEY_ONLY_ON_SQLITE();
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat found {};
    ASSERT_EQ(::stat((path + suffix).c_str(), &found), 0) << suffix;
    EXPECT_EQ(found.st_mode & 07777, 0600u) << suffix;
  }
}

TEST_F(Durability, path_that_cannot_be_opened_is_a_storage_refusal) {
  EXPECT_REFUSED(Registry::open({folder.file("none/registry.db"), 1, false}, openssl::host_digest()), Reason::kStorage);
}

TEST_F(Durability, commit_that_fails_is_answered_kStorage_and_changes_nothing) {
  std::atomic<bool> broken = false;
  open({.batch_limit = 256, .keep_changes = 1000, .before_commit = [&](store::Database&) -> Outcome<Nothing> {
          if (broken) return refuse(Reason::kStorage, "the disk is gone");
          return Nothing{};
        }});
  make_factory();
  ASSERT_TRUE(registry->create_device(call, kNs, "dev"));
  const Device before = *registry->find_device(kNs, "dev");
  const Sequence newest = registry->newest_sequence();
  const auto audits = last_audit().number;
  int heard = 0;
  registry->set_commit_listener([&](Sequence) { ++heard; });
  broken = true;
  EXPECT_REFUSED(registry->revoke_device(call, kNs, "dev", true), Reason::kStorage);
  EXPECT_REFUSED(registry->create_device(call, kNs, "other"), Reason::kStorage);
  EXPECT_REFUSED(registry->create_device(call, kNs, "dev"), Reason::kStorage);
  EXPECT_EQ(registry->find_device(kNs, "dev")->credential_id, before.credential_id);
  EXPECT_EQ(registry->newest_sequence(), newest);
  EXPECT_EQ(last_audit().number, audits);
  EXPECT_EQ(heard, 0);
  broken = false;
  EXPECT_EQ(registry->revoke_device(call, kNs, "dev", true)->sequence, newest + 1);
  EXPECT_EQ(heard, 1);
}

TEST_F(Durability, full_disk_is_answered_kStorage_and_passes) {
  LATCHKEY_ONLY_ON_SQLITE();  // whose file has a limit to set
  make_factory();
  std::atomic<bool> full = false;
  open({.batch_limit = 256, .keep_changes = 1000, .before_commit = [&](store::Database& database) -> Outcome<Nothing> {
          return database.execute(full ? "PRAGMA max_page_count = 1" : "PRAGMA max_page_count = 1000000");
        }});
  full = true;
  ASSERT_TRUE(registry->set_setting("last", "words"));  // sets the limit to what the file has now
  Outcome<Nothing> big = registry->set_setting("big", std::string(1 << 20, 'x'));
  EXPECT_REFUSED(big, Reason::kStorage);
  EXPECT_THAT(big.error().detail, testing::HasSubstr("storage full"));
  EXPECT_EQ(*registry->setting("big"), std::nullopt);
  full = false;
  ASSERT_TRUE(registry->set_setting("small", "x"));
  ASSERT_TRUE(registry->set_setting("big", std::string(1 << 20, 'x')));
}

// --- a process that dies at any moment

// Runs operations from several threads until it is killed, and reports each acknowledged one on the pipe: a thread
// number and, for that thread's device, how often its revocation was acknowledged.
struct Acknowledged {
  std::uint8_t thread;
  std::uint32_t version;
  std::array<std::uint8_t, 16> credential;
};

[[noreturn]] void work_until_killed(const std::string& path, int pipe, int generation) {
  auto registry = Registry::open({path, 16, false}, openssl::host_digest());
  if (!registry) ::_exit(3);
  const Call call{"child", kNow};
  std::vector<std::thread> threads;
  for (std::uint8_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string id = "d" + std::to_string(t);
      const auto enrollment = (*registry)->find_enrollment("group", true);
      for (std::uint32_t i = 0;; ++i) {
        Bytes serial = {static_cast<std::uint8_t>(0x60 + t), static_cast<std::uint8_t>(generation)};
        for (int shift = 24; shift >= 0; shift -= 8) serial.push_back(static_cast<std::uint8_t>(i >> shift));
        auto granted = (*registry)->register_device(call, {id, enrollment->uuid, true, serial, "op"});
        if (!granted || !(*registry)->finish_issuance(call, serial)) ::_exit(4);
        auto revoked = (*registry)->revoke_device(call, "factory", id, false);
        if (!revoked) ::_exit(5);
        Acknowledged note{t, static_cast<std::uint32_t>(revoked->value.version), revoked->value.credential_id.bytes};
        if (::write(pipe, &note, sizeof(note)) != sizeof(note)) ::_exit(6);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  ::_exit(7);
}

TEST_F(Durability, acknowledged_operations_survive_sigkill_at_any_moment) {
  make_factory({"alpha"});
  make_enrollment("group", "alpha", true);
  registry.reset();
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);

  for (int generation = 0; generation < 8; ++generation) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      work_until_killed(path, ends[1], generation);
    }
    ::close(ends[1]);
    // Killed after a random number of acknowledgements: at whatever the other threads are in the middle of.
    std::map<int, Acknowledged> last;
    const auto enough = std::uniform_int_distribution<int>(1, 60)(random);
    Acknowledged note{};
    for (int i = 0; i < enough && ::read(ends[0], &note, sizeof(note)) == sizeof(note); ++i) last[note.thread] = note;
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    while (::read(ends[0], &note, sizeof(note)) == sizeof(note)) last[note.thread] = note;
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);

    EXPECT_EQ(integrity(), "ok");
    open();
    ASSERT_FALSE(last.empty());
    for (const auto& [thread, acknowledged] : last) {
      const std::string id = "d" + std::to_string(thread);
      const Device device = *registry->find_device(kNs, id);
      EXPECT_GE(device.version, acknowledged.version);
      const bool moved_on = device.version > acknowledged.version;  // done, though not acknowledged
      EXPECT_TRUE(moved_on || device.credential_id.bytes == acknowledged.credential);
      // No certificate of an earlier credential is left unrevoked.
      for (const auto& certificate : must(registry->list_certificates(kNs, id))) {
        const bool current = certificate.credential_id == device.credential_id;
        EXPECT_EQ(certificate.status == CertificateStatus::kIssued && !current, false);
      }
    }
    // The feed is whole, and so is the audit.
    Sequence expected = 0;
    for (const Change& change : must(registry->changes_after(0, 100000))) EXPECT_EQ(change.sequence, ++expected);
    EXPECT_EQ(expected, registry->newest_sequence());
    std::uint64_t number = last_audit().number;
    EXPECT_EQ(registry->list_audit(0, 10000)->size(), std::min<std::uint64_t>(number, 10000));
    registry.reset();
  }
}

}  // namespace
}  // namespace latchkey::registry
