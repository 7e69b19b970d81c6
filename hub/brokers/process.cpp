// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>
#include <utility>

#include "hub/brokers/files.h"

namespace latchkey::hub::brokers {
namespace {

int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

// Field 22 of /proc/PID/stat; counted behind the last ')', because the name in field 2 may hold anything.
std::optional<std::uint64_t> start_time_of(pid_t pid) {
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
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

// In the child between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(char* const* argv, int error_pipe) {
  ::setsid();  // a Ctrl-C at the terminal is the hub's to handle, not the broker's
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0) ::dup2(null, STDIN_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
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

Result<Process> Process::start(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  int error_pipe[2];
  if (::pipe2(error_pipe, O_CLOEXEC) != 0) return fail(Status::kStorageFailed);
  const pid_t pid = ::fork();
  if (pid == 0) become(argv.data(), error_pipe[1]);
  ::close(error_pipe[1]);
  int error = 0;
  const bool failed = pid < 0 || ::read(error_pipe[0], &error, sizeof error) == sizeof error;
  ::close(error_pipe[0]);
  if (failed) {
    if (pid > 0) ::waitpid(pid, nullptr, 0);
    return fail(error == ENOENT ? Status::kNotFound : Status::kStorageFailed);
  }
  Process process;
  process.pid_ = pid;
  process.child_ = true;
  process.pidfd_ = open_pidfd(pid);
  process.start_time_ = start_time_of(pid).value_or(0);
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
  return write_file(path, text.str(), 0600);
}

std::optional<PidNote> read_pid_note(const std::filesystem::path& path) {
  const auto text = read_file(path);
  if (!text) return std::nullopt;
  std::istringstream in(*text);
  PidNote note;
  if (!(in >> note.pid >> note.start_time >> note.nonce >> note.config_hash) || note.pid <= 1) return std::nullopt;
  return note;
}

}  // namespace latchkey::hub::brokers
