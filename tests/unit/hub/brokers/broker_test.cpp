// SPDX-License-Identifier: Apache-2.0
// Brokers that are shell scripts: what is watched here is a process, not MQTT.
#include "hub/brokers/broker.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <condition_variable>
#include <mutex>
#include <vector>

#include "tests/unit/hub/brokers/scratch.h"

namespace latchkey::hub::brokers {
namespace {

using test::eventually;
using test::Scratch;

// Stays until it is told to end. Its arguments end with those of the broker, as /proc shows them.
constexpr const char* kObedient = "trap 'exit 0' TERM\nwhile :; do sleep 0.02; done\n";
constexpr const char* kStubborn = "trap '' TERM\nwhile :; do sleep 0.02; done\n";
constexpr const char* kFailing = "echo 'Error: Address already in use' >&2\nexit 1\n";

class BrokerTest : public testing::Test {
 protected:
  Broker::Options options(const std::string& body = kObedient) {
    Broker::Options made;
    made.name = "hub";
    made.executable = scratch_.script("broker", body);
    made.config_file = scratch_ / "mosquitto.conf";
    made.config = "listener 0\n";
    made.pid_file = scratch_ / "hub.pid";
    made.log_file = scratch_ / "hub.log";
    made.nonce = "nonce";
    made.listener = [this](BrokerEvent event) {
      const std::lock_guard lock(mutex_);
      events_.push_back(event);
    };
    return made;
  }
  std::vector<BrokerEvent> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  // The broker of a hub process that crashed: it runs, its note is there, nobody watches it.
  Process leave_behind(const Broker::Options& of, const std::string& nonce = "nonce") {
    pid_t pid = -1;
    std::uint64_t start_time = 0;
    {
      Broker first(of);
      EXPECT_TRUE(first.start());
      const auto note = read_pid_note(of.pid_file);
      hash_ = note->config_hash;
    }
    auto left = Process::start({of.executable.string(), "-c", of.config_file.string()});
    EXPECT_TRUE(left);
    pid = left->pid();
    start_time = left->start_time();
    EXPECT_TRUE(eventually([&] { return left->runs_with({"-c", of.config_file.string()}); }));
    EXPECT_TRUE(write_pid_note(of.pid_file, {pid, start_time, nonce, hash_}));
    const std::lock_guard lock(mutex_);
    events_.clear();
    return std::move(*left);
  }
  std::string text_of(const std::string& name) const {
    return files::read_text(scratch_ / name, 4 * LogFile::kLimit).value_or("");
  }
  static void end(Process& process) {
    process.signal(SIGKILL);
    process.wait_end(-1);
  }

  const Scratch scratch_;
  std::string hash_;
  std::mutex mutex_;
  std::vector<BrokerEvent> events_;
};

TEST_F(BrokerTest, start_writes_configuration_and_note) {
  Broker broker(options());
  ASSERT_TRUE(broker.start());
  EXPECT_EQ(text_of("mosquitto.conf"), "listener 0\n");
  const auto note = read_pid_note(scratch_ / "hub.pid");
  ASSERT_TRUE(note);
  EXPECT_EQ(note->pid, broker.pid());
  EXPECT_EQ(note->nonce, "nonce");
  EXPECT_EQ(events(), std::vector{BrokerEvent::kStarted});
  EXPECT_TRUE(Broker::left_behind(scratch_ / "hub.pid", "nonce"));
  EXPECT_FALSE(Broker::left_behind(scratch_ / "hub.pid", "of another folder"));
}

TEST_F(BrokerTest, stop_ends_it_and_removes_the_note) {
  Broker broker(options());
  ASSERT_TRUE(broker.start());
  const auto note = read_pid_note(scratch_ / "hub.pid");
  ASSERT_TRUE(note);
  broker.stop();
  EXPECT_FALSE(Process::find(note->pid, note->start_time));
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "hub.pid"));
  EXPECT_EQ(events(), (std::vector{BrokerEvent::kStarted, BrokerEvent::kEnded}));
  broker.stop();  // and nothing more happens
  EXPECT_EQ(events().size(), 2U);
}

TEST_F(BrokerTest, stop_does_not_depend_on_its_consent) {
  Broker broker(options(kStubborn));
  ASSERT_TRUE(broker.start());
  const auto note = read_pid_note(scratch_ / "hub.pid");
  ASSERT_TRUE(note);
  broker.stop();
  EXPECT_FALSE(Process::find(note->pid, note->start_time));
}

TEST_F(BrokerTest, dead_broker_is_told_of_and_restarted) {
  Broker broker(options());
  ASSERT_TRUE(broker.start());
  const pid_t first = broker.pid();
  ASSERT_GT(first, 1);
  ASSERT_GT(first, 1);
  ASSERT_EQ(::kill(first, SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return events().size() >= 3 && broker.pid() != first; }));
  const auto seen = events();
  EXPECT_EQ(seen[1], BrokerEvent::kEnded);
  EXPECT_EQ(seen[2], BrokerEvent::kStarted);
  EXPECT_EQ(read_pid_note(scratch_ / "hub.pid")->pid, broker.pid());
}

TEST_F(BrokerTest, fence_returns_when_the_old_one_is_gone) {
  Broker broker(options());
  ASSERT_TRUE(broker.start());
  const auto note = read_pid_note(scratch_ / "hub.pid");
  ASSERT_TRUE(note);
  ASSERT_GT(broker.pid(), 1);
  ASSERT_GT(note->pid, 1);
  ASSERT_EQ(::kill(note->pid, SIGSTOP), 0);
  broker.fence();
  EXPECT_FALSE(Process::find(note->pid, note->start_time));
  EXPECT_GE(events().size(), 2U);
  EXPECT_EQ(events()[1], BrokerEvent::kEnded) << "told before fence() returns";
  ASSERT_TRUE(eventually([&] { return broker.pid() != note->pid; }));
}

// Once fence() waited for the end of a broker that had ended already, which takes as long as its successor lives.
TEST_F(BrokerTest, fence_of_a_broker_that_is_down_returns) {
  Broker broker(options(kFailing));
  ASSERT_TRUE(broker.start());
  ASSERT_TRUE(eventually([&] { return broker.failing(); }));  // pauses of 400 ms and more from here on
  for (int i = 0; i < 3; ++i) broker.fence();
}

TEST_F(BrokerTest, broker_that_ends_at_once_is_failing_and_says_why) {
  Broker broker(options(kFailing));
  ASSERT_TRUE(broker.start());
  EXPECT_TRUE(eventually([&] { return broker.failing(); }));
  broker.stop();
  EXPECT_TRUE(text_of("hub.log").starts_with("Error: Address already in use\nError: Address already in use\n"))
      << "each attempt's words are kept";
}

TEST_F(BrokerTest, healthy_broker_is_not_failing) {
  Broker broker(options());
  ASSERT_TRUE(broker.start());
  EXPECT_FALSE(broker.failing());
}

TEST_F(BrokerTest, missing_executable_is_not_found_and_leaves_no_note) {
  auto of = options();
  of.executable = scratch_ / "missing";
  Broker broker(of);
  const auto started = broker.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error(), Status::kNotFound);
  broker.stop();
  EXPECT_TRUE(events().empty());
  EXPECT_FALSE(std::filesystem::exists(of.pid_file));
}

TEST_F(BrokerTest, broker_that_cannot_be_written_down_does_not_run) {
  auto of = options("touch " + (scratch_ / "sign").string() + "\n");
  of.pid_file = scratch_ / "no/such/folder/hub.pid";
  Broker broker(of);
  EXPECT_FALSE(broker.start());
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "sign"));
}

TEST_F(BrokerTest, broker_left_behind_is_adopted) {
  const auto of = options();
  auto left = leave_behind(of);
  {
    Broker broker(of);
    ASSERT_TRUE(broker.start());
    EXPECT_EQ(broker.pid(), left.pid());
    EXPECT_EQ(events(), std::vector{BrokerEvent::kAdopted});
  }
  EXPECT_FALSE(left.running()) << "an adopted broker is stopped like any other";
}

TEST_F(BrokerTest, adopted_broker_is_restarted_when_it_dies) {
  const auto of = options();
  auto left = leave_behind(of);
  Broker broker(of);
  ASSERT_TRUE(broker.start());
  end(left);
  EXPECT_TRUE(eventually([&] { return events().size() >= 3 && broker.pid() != left.pid(); }));
}

TEST_F(BrokerTest, broker_with_another_configuration_is_ended) {
  auto of = options();
  auto left = leave_behind(of);
  of.config = "listener 1\n";
  Broker broker(of);
  ASSERT_TRUE(broker.start());
  EXPECT_NE(broker.pid(), left.pid());
  EXPECT_FALSE(left.running());
  EXPECT_EQ(events(), std::vector{BrokerEvent::kStarted});
}

TEST_F(BrokerTest, process_of_another_folder_is_left_alone) {
  const auto of = options();
  auto left = leave_behind(of, "another folder's");
  Broker broker(of);
  ASSERT_TRUE(broker.start());
  EXPECT_NE(broker.pid(), left.pid());
  EXPECT_TRUE(left.running());
  end(left);
}

TEST_F(BrokerTest, process_that_got_the_pid_later_is_left_alone) {
  const auto of = options();
  auto left = leave_behind(of);
  ASSERT_TRUE(write_pid_note(of.pid_file, {left.pid(), left.start_time() - 1, "nonce", hash_}));
  Broker broker(of);
  ASSERT_TRUE(broker.start());
  EXPECT_NE(broker.pid(), left.pid());
  EXPECT_TRUE(left.running());
  end(left);
}

// After a reboot pids and start times come again; what runs there is told by its arguments.
TEST_F(BrokerTest, process_that_is_no_broker_is_left_alone) {
  const auto of = options();
  {
    auto left = leave_behind(of);
    end(left);
  }
  auto foreign = Process::start({"/bin/sleep", "60"});
  ASSERT_TRUE(foreign);
  ASSERT_TRUE(eventually([&] { return foreign->runs_with({"60"}); }));
  ASSERT_TRUE(write_pid_note(of.pid_file, {foreign->pid(), foreign->start_time(), "nonce", hash_}));
  for (const auto* config : {"listener 0\n", "listener 1\n"}) {
    auto now = of;
    now.config = config;
    Broker broker(now);
    ASSERT_TRUE(broker.start());
    EXPECT_NE(broker.pid(), foreign->pid());
    EXPECT_TRUE(foreign->running()) << config;
    broker.stop();
    ASSERT_TRUE(write_pid_note(of.pid_file, {foreign->pid(), foreign->start_time(), "nonce", hash_}));
  }
  end(*foreign);
}

TEST_F(BrokerTest, log_over_the_limit_is_put_aside_at_a_start) {
  const auto of = options();
  ASSERT_TRUE(files::replace_file(of.log_file, std::string(LogFile::kLimit + 1, 'x')));
  Broker broker(of);
  ASSERT_TRUE(broker.start());
  EXPECT_EQ(text_of("hub.log"), "");
  EXPECT_EQ(text_of("hub.log.1").size(), LogFile::kLimit);
}

TEST_F(BrokerTest, log_below_the_limit_is_kept) {
  const auto of = options();
  ASSERT_TRUE(files::replace_file(of.log_file, std::string("why it died\n")));
  Broker broker(of);
  ASSERT_TRUE(broker.start());
  EXPECT_EQ(text_of("hub.log"), "why it died\n");
}

// The broker writes until the test has seen the log cut, so it can only have been cut while it ran.
TEST_F(BrokerTest, log_of_a_running_broker_is_bounded) {
  Broker broker(options("echo first\nwhile [ ! -e " + (scratch_ / "enough").string() +
                        " ]; do head -c 65536 /dev/zero | tr '\\0' 'x'; echo; done\n"
                        "while :; do echo last; sleep 0.02; done\n"));
  ASSERT_TRUE(broker.start());
  const auto first_was_cut = [&] {
    const auto before = text_of("hub.log.1");
    return !before.empty() && before.find("first") == std::string::npos && text_of("hub.log").rfind("first", 0) != 0;
  };
  EXPECT_TRUE(eventually(first_was_cut, 60'000));
  ASSERT_TRUE(files::replace_file(scratch_ / "enough", std::string()));
  EXPECT_TRUE(eventually([&] { return text_of("hub.log").ends_with("last\n"); }, 60'000));
  EXPECT_TRUE(eventually([&] { return text_of("hub.log").size() <= LogFile::kLimit; }, 60'000));
  EXPECT_LE(text_of("hub.log.1").size(), LogFile::kLimit);
  EXPECT_EQ(text_of("hub.log").find('\0'), std::string::npos) << "it writes at the end of the file, not where it was";
}

TEST_F(BrokerTest, log_of_an_adopted_broker_is_bounded) {
  const auto of = options();
  auto left = leave_behind(of);
  Broker broker(of);
  ASSERT_TRUE(broker.start());
  ASSERT_EQ(broker.pid(), left.pid());
  ASSERT_TRUE(files::replace_file(of.log_file, std::string(LogFile::kLimit + 1, 'x')));
  EXPECT_TRUE(eventually([&] { return text_of("hub.log").empty(); }));
}

}  // namespace
}  // namespace latchkey::hub::brokers
