// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/hub/brokers/scratch.h"

namespace latchkey::hub::brokers {
namespace {

using test::Scratch;

void end(Process& process) {
  process.signal(SIGKILL);
  process.wait_end(-1);
}

TEST(ProcessTest, started_process_is_found_by_pid_and_start_time) {
  auto started = Process::start({"/bin/sleep", "60"});
  ASSERT_TRUE(started);
  auto found = Process::find(started->pid(), started->start_time());
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->running());
  // start() answers within exec, a moment before /proc has the new arguments.
  EXPECT_TRUE(test::eventually([&] { return found->runs_with({"60"}); }));
  EXPECT_FALSE(found->runs_with({"61"}));
  end(*started);
  EXPECT_FALSE(found->running());
}

TEST(ProcessTest, another_start_time_means_another_process) {
  auto started = Process::start({"/bin/sleep", "60"});
  ASSERT_TRUE(started);
  EXPECT_EQ(Process::find(started->pid(), started->start_time() + 1).error(), Status::kNotFound);
  EXPECT_TRUE(started->running());
  end(*started);
}

TEST(ProcessTest, ended_process_is_not_found) {
  auto started = Process::start({"/bin/true"});
  ASSERT_TRUE(started);
  ASSERT_TRUE(started->wait_end(10'000));
  EXPECT_EQ(Process::find(started->pid(), started->start_time()).error(), Status::kNotFound);
}

TEST(ProcessTest, process_outlives_its_owner_object) {
  pid_t pid = -1;
  std::uint64_t start_time = 0;
  {
    auto started = Process::start({"/bin/sleep", "60"});
    ASSERT_TRUE(started);
    pid = started->pid();
    start_time = started->start_time();
  }
  auto found = Process::find(pid, start_time);
  ASSERT_TRUE(found);
  end(*found);
  ::waitpid(pid, nullptr, 0);
}

TEST(ProcessTest, process_leads_a_session_of_its_own) {
  auto started = Process::start({"/bin/sleep", "60"});
  ASSERT_TRUE(started);
  EXPECT_EQ(::getsid(started->pid()), started->pid());
  end(*started);
}

// A listener as Boost.Asio makes it: without close-on-exec.
int listen_on(in_port_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = port;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && ::listen(listener, 1) == 0) {
    return listener;
  }
  ::close(listener);
  return -1;
}

TEST(ProcessTest, process_has_nothing_of_what_is_open_here_and_keeps_no_port) {
  const int listener = listen_on(0);
  ASSERT_GE(listener, 0);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  auto started = Process::start({"/bin/sleep", "60"});
  ASSERT_TRUE(started);
  ::close(listener);
  const int again = listen_on(address.sin_port);
  EXPECT_GE(again, 0) << "a hub process that is killed and started again needs its ports";
  ::close(again);
  end(*started);
}

TEST(ProcessTest, missing_program_is_not_found) {
  EXPECT_EQ(Process::start({"/does/not/exist"}).error(), Status::kNotFound);
}

TEST(ProcessTest, file_that_is_no_program_cannot_be_started) {
  EXPECT_EQ(Process::start({"/etc/passwd"}).error(), Status::kStorageFailed);
}

TEST(ProcessTest, wait_end_does_not_claim_an_end_that_has_not_come) {
  auto started = Process::start({"/bin/sleep", "60"});
  ASSERT_TRUE(started);
  EXPECT_FALSE(started->wait_end(1));
  end(*started);
  EXPECT_TRUE(started->wait_end(0));
}

TEST(ProcessTest, output_is_appended_to_a_private_file) {
  const Scratch scratch;
  ASSERT_TRUE(files::replace_file(scratch / "out", std::string("of the run before\n")));
  auto started = Process::start({"/bin/sh", "-c", "echo one; echo two >&2"}, scratch / "out");
  ASSERT_TRUE(started);
  ASSERT_TRUE(started->wait_end(10'000));
  EXPECT_EQ(files::read_text(scratch / "out", 100).value_or(""), "of the run before\none\ntwo\n");
  EXPECT_EQ(test::mode_of(scratch / "out"), 0600U);
}

TEST(ProcessTest, program_runs_only_after_it_was_written_down) {
  const Scratch scratch;
  const auto sign = scratch / "sign";
  auto started = Process::start({"/bin/sh", "-c", "touch " + sign.string()}, {}, [&](const Process& made) {
    EXPECT_GT(made.pid(), 1);
    EXPECT_GT(made.start_time(), 0U);
    EXPECT_TRUE(made.running());
    EXPECT_FALSE(made.runs_with({"touch " + sign.string()})) << "it is not that program yet";
    return Result<void>{};
  });
  ASSERT_TRUE(started);
  ASSERT_TRUE(started->wait_end(10'000));
  EXPECT_TRUE(std::filesystem::exists(sign));
}

TEST(ProcessTest, program_that_cannot_be_written_down_never_runs) {
  const Scratch scratch;
  const auto sign = scratch / "sign";
  pid_t pid = -1;
  const auto started = Process::start({"/bin/sh", "-c", "touch " + sign.string()}, {}, [&](const Process& made) {
    pid = made.pid();
    return Result<void>{fail(Status::kStorageFull)};
  });
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error(), Status::kStorageFull);
  EXPECT_NE(::kill(pid, 0), 0) << "start() answers after the end of what it made";
  EXPECT_FALSE(std::filesystem::exists(sign));
}

// The crash that would leave a broker which no later hub knows: between fork and the note.
TEST(ProcessTest, starter_that_dies_before_the_note_leaves_no_process) {
  const Scratch scratch;
  const auto sign = scratch / "sign";
  int told[2];
  ASSERT_EQ(::pipe2(told, O_CLOEXEC), 0);
  const pid_t starter = ::fork();
  ASSERT_GE(starter, 0);
  if (starter == 0) {
    (void)Process::start({"/bin/sh", "-c", "touch " + sign.string()}, {}, [&](const Process& made) -> Result<void> {
      const pid_t pid = made.pid();
      (void)!::write(told[1], &pid, sizeof pid);
      ::raise(SIGKILL);
      return {};
    });
    ::_exit(1);
  }
  pid_t orphan = -1;
  ASSERT_EQ(::read(told[0], &orphan, sizeof orphan), ssize_t{sizeof orphan});
  ::waitpid(starter, nullptr, 0);
  ::close(told[0]);
  ::close(told[1]);
  EXPECT_TRUE(test::eventually([&] {
    const auto stat = files::read_text("/proc/" + std::to_string(orphan) + "/stat", 4096);
    return !stat || stat->find(") Z") != std::string::npos;  // gone, or waiting for a lazy init
  }));
  EXPECT_FALSE(std::filesystem::exists(sign));
}

TEST(PidNoteTest, note_survives_the_file) {
  const Scratch scratch;
  ASSERT_TRUE(write_pid_note(scratch / "hub.pid", {4711, 123456789012, "nonce", "hash"}));
  const auto note = read_pid_note(scratch / "hub.pid");
  ASSERT_TRUE(note);
  EXPECT_EQ(note->pid, 4711);
  EXPECT_EQ(note->start_time, 123456789012U);
  EXPECT_EQ(note->nonce, "nonce");
  EXPECT_EQ(note->config_hash, "hash");
  EXPECT_EQ(test::mode_of(scratch / "hub.pid"), 0600U);
}

TEST(PidNoteTest, broken_notes_are_no_notes) {
  const Scratch scratch;
  EXPECT_FALSE(read_pid_note(scratch / "missing"));
  for (const auto* text : {"", "\n", "4711", "4711 1", "4711 1 nonce", "pid 1 nonce hash", "4711 when nonce hash",
                           "1 1 nonce hash", "0 1 nonce hash", "-5 1 nonce hash"}) {
    ASSERT_TRUE(files::replace_file(scratch / "hub.pid", std::string(text)));
    EXPECT_FALSE(read_pid_note(scratch / "hub.pid")) << text;
  }
}

}  // namespace
}  // namespace latchkey::hub::brokers
