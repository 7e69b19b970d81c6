// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <sstream>
#include <utility>

#include "platform/files/file.h"

namespace latchkey::hub::brokers {
namespace {

constexpr std::size_t kProcMax = 256 * 1024;  // what /proc tells of a process: arguments may be long
constexpr std::size_t kNoteMax = 4096;

int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

// Field 22 of /proc/PID/stat; counted behind the last ')', because the name in field 2 may hold anything.
std::optional<std::uint64_t> start_time_of(pid_t pid) {
  const auto stat = files::read_text("/proc/" + std::to_string(pid) + "/stat", kProcMax);
  if (!stat) return std::nullopt;
  const auto behind_name = stat->rfind(')');
  if (behind_name == std::string::npos) return std::nullopt;
  std::istringstream fields(stat->substr(behind_name + 1));
  std::string field;
  for (int number = 3; number < 22; ++number) fields >> field;
  std::uint64_t start_time = 0;
  if (!(fields >> start_time)) return std::nullopt;
  return start_time;
}

void close_both(const int (&pipe)[2]) {
  ::close(pipe[0]);
  ::close(pipe[1]);
}

// In the child between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(char* const* argv, const char* output, int go_pipe, int error_pipe) {
  ::setsid();  // a Ctrl-C at the terminal is the hub's to handle, not the broker's
  char go = 0;
  if (::read(go_pipe, &go, 1) != 1) ::_exit(127);  // the starter died or failed before it had written us down
  if (*output != '\0') {
    const int out = ::open(output, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (out >= 0) ::dup2(out, STDOUT_FILENO);
    if (out >= 0) ::dup2(out, STDERR_FILENO);
  }
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0) ::dup2(null, STDIN_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // Of all that is open here the new process gets nothing else. Boost.Asio does not ask for close-on-exec: a broker
  // that was started behind a listener would keep its port when the hub process dies, and the next one could not have
  // it.
  ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  ::execv(argv[0], argv);
  const int error = errno;
  [[maybe_unused]] const ssize_t told = ::write(error_pipe, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

Process::Process(Process&& other) noexcept { *this = std::move(other); }

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(start_time_, other.start_time_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(child_, other.child_);
  return *this;
}

Process::~Process() {
  if (pidfd_ >= 0) ::close(pidfd_);
}

Result<Process> Process::start(const std::vector<std::string>& arguments, const std::filesystem::path& output,
                               const Record& record) {
  // one at a time: a sibling between fork and exec would hold the pipe by which this one learns of our death
  static std::mutex forking;
  const std::lock_guard lock(forking);
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  int error_pipe[2];
  int go_pipe[2];
  if (::pipe2(error_pipe, O_CLOEXEC) != 0) return fail(Status::kStorageFailed);
  if (::pipe2(go_pipe, O_CLOEXEC) != 0) {
    close_both(error_pipe);
    return fail(Status::kStorageFailed);
  }
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(go_pipe[1]);
    become(argv.data(), output.c_str(), go_pipe[0], error_pipe[1]);
  }
  ::close(error_pipe[1]);
  Process process;
  std::optional<Status> unrecorded;  // why not
  if (pid > 0) {
    process.pid_ = pid;
    process.child_ = true;
    process.pidfd_ = open_pidfd(pid);
    process.start_time_ = start_time_of(pid).value_or(0);
    if (record) {
      if (const auto recorded = record(process); !recorded) unrecorded = recorded.error();
    }
    if (!unrecorded && ::write(go_pipe[1], "g", 1) != 1) unrecorded = Status::kStorageFailed;
  }
  close_both(go_pipe);
  int error = 0;
  const bool failed = pid < 0 || ::read(error_pipe[0], &error, sizeof error) == sizeof error;
  ::close(error_pipe[0]);
  if (failed || unrecorded) {
    if (pid > 0) ::waitpid(pid, nullptr, 0);
    if (unrecorded) return fail(*unrecorded);
    return fail(error == ENOENT ? Status::kNotFound : Status::kStorageFailed);
  }
  return process;
}

Result<Process> Process::find(pid_t pid, std::uint64_t start_time) {
  Process process;
  process.pidfd_ = open_pidfd(pid);
  if (process.pidfd_ < 0) return fail(Status::kNotFound);
  // read after the pidfd is held: from here on the pid cannot come to mean another process unnoticed
  const auto actual = start_time_of(pid);
  if (!actual || *actual != start_time) return fail(Status::kNotFound);
  process.pid_ = pid;
  process.start_time_ = start_time;
  if (!process.running()) return fail(Status::kNotFound);
  return process;
}

bool Process::running() const {
  if (pidfd_ < 0) return false;
  pollfd watch{pidfd_, POLLIN, 0};
  return ::poll(&watch, 1, 0) == 0;
}

bool Process::runs_with(const std::vector<std::string>& arguments) const {
  std::string wanted;
  for (const auto& argument : arguments) wanted += argument + '\0';
  const auto line = files::read_text("/proc/" + std::to_string(pid_) + "/cmdline", kProcMax);
  return line && line->ends_with(wanted);
}

bool Process::wait_end(int timeout_ms) {
  if (pidfd_ < 0) return true;
  pollfd watch{pidfd_, POLLIN, 0};
  int ready;
  do {
    ready = ::poll(&watch, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) return false;
  if (child_) ::waitpid(pid_, nullptr, WNOHANG);
  return true;
}

void Process::signal(int number) const {
  if (pidfd_ >= 0) ::syscall(SYS_pidfd_send_signal, pidfd_, number, nullptr, 0);
}

Result<void> write_pid_note(const std::filesystem::path& path, const PidNote& note) {
  std::ostringstream text;
  text << note.pid << ' ' << note.start_time << ' ' << note.nonce << ' ' << note.config_hash << '\n';
  return files::replace_file(path, text.str());
}

std::optional<PidNote> read_pid_note(const std::filesystem::path& path) {
  const auto text = files::read_text(path, kNoteMax);
  if (!text) return std::nullopt;
  std::istringstream in(*text);
  PidNote note;
  if (!(in >> note.pid >> note.start_time >> note.nonce >> note.config_hash) || note.pid <= 1) return std::nullopt;
  return note;
}

}  // namespace latchkey::hub::brokers
