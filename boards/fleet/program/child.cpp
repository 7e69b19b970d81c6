// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/child.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <utility>

namespace latchkey::boards::fleet::program {
namespace {

struct Pipe {
  files::Descriptor read;
  files::Descriptor write;
};

std::optional<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{files::Descriptor(ends[0]), files::Descriptor(ends[1])};
}

// Signals that we wait for are blocked in us; a child is to hear them.
class Attributes {
 public:
  Attributes() {
    ::posix_spawnattr_init(&value_);
    sigset_t none;
    sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&value_, &none);
    ::posix_spawnattr_setflags(&value_, POSIX_SPAWN_SETSIGMASK);
  }
  ~Attributes() { ::posix_spawnattr_destroy(&value_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const { return &value_; }

 private:
  posix_spawnattr_t value_;
};

}  // namespace

std::optional<Child> Child::start(const std::vector<std::string>& command, Errors errors) {
  auto down = make_pipe();
  auto up = make_pipe();
  if (!down || !up) return std::nullopt;
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));  // posix_spawn does not write there
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, down->read.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, up->write.get(), STDOUT_FILENO);
  if (errors == Errors::kWithOutput) ::posix_spawn_file_actions_adddup2(&actions, up->write.get(), STDERR_FILENO);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);  // the metrics server's sockets are ours
  const Attributes attributes;
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, argv[0], &actions, attributes.get(), argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return std::nullopt;
  ::fcntl(up->read.get(), F_SETFL, O_NONBLOCK);
  return Child(pid, std::move(down->write), std::move(up->read));
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), input_(std::move(other.input_)), output_(std::move(other.output_)) {}

Child::~Child() {
  hang_up();
  wait();
}

bool Child::say(const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto wrote = ::write(input_.get(), text.data() + done, text.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    done += static_cast<std::size_t>(wrote);
  }
  return true;
}

void Child::kill() {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

int Child::wait() {
  if (pid_ <= 0) return 0;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string Child::read_all() {
  std::string text;
  for (;;) {
    pollfd ready{output_.get(), POLLIN, 0};
    ::poll(&ready, 1, -1);
    char buffer[4096];
    const auto got = ::read(output_.get(), buffer, sizeof buffer);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

std::string own_folder() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "." : self.parent_path().string();
}

}  // namespace latchkey::boards::fleet::program
