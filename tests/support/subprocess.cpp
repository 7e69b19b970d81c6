// SPDX-License-Identifier: Apache-2.0
#include "tests/support/subprocess.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace latchkey::tests {
namespace {

int to_exit_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

pid_t spawn(const std::vector<std::string>& command, const char* out, const char* err) {
  std::vector<char*> argv;
  for (const auto& argument : command) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("a process cannot be made");  // as a pid, -1 would mean every process
  if (pid != 0) return pid;
  ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  ::dup2(::open(out, O_WRONLY | O_CREAT | O_APPEND, 0644), STDOUT_FILENO);
  ::dup2(::open(err, O_WRONLY | O_CREAT | O_APPEND, 0644), STDERR_FILENO);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

int wait_for(pid_t pid, int timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() >= deadline) return -1;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return to_exit_status(status);
}

}  // namespace

Finished run(const std::vector<std::string>& command, int timeout_ms) {
  const TemporaryFolder folder;
  const auto out = folder.path() / "out";
  const auto err = folder.path() / "err";
  const pid_t pid = spawn(command, out.c_str(), err.c_str());
  Finished finished;
  finished.exit_status = wait_for(pid, timeout_ms);
  if (finished.exit_status < 0) {
    signal_process(pid, SIGKILL);
    finished.exit_status = wait_for(pid, timeout_ms);
  }
  finished.out = read_text(out);
  finished.err = read_text(err);
  return finished;
}

bool signal_process(pid_t pid, int number) { return pid > 1 && ::kill(pid, number) == 0; }

Subprocess::Subprocess(const std::vector<std::string>& command, const std::filesystem::path& log)
    : pid_(spawn(command, log.c_str(), log.c_str())) {}

Subprocess::~Subprocess() {
  if (!running()) return;
  signal(SIGTERM);
  if (wait(10'000) >= 0) return;
  signal(SIGKILL);
  wait(10'000);
}

bool Subprocess::running() { return exit_status_ < 0 && wait(0) < 0; }

void Subprocess::signal(int number) const {
  if (exit_status_ < 0) signal_process(pid_, number);
}

int Subprocess::wait(int timeout_ms) {
  if (exit_status_ < 0) exit_status_ = wait_for(pid_, timeout_ms);
  return exit_status_;
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

}  // namespace latchkey::tests
