// SPDX-License-Identifier: Apache-2.0
// One operating-system process that may outlive its parent: started in a session of its own, found again after a
// crash by pid, start time and a nonce, watched through a pidfd.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "platform/base/status.h"

namespace latchkey::hub::brokers {

class Process {
 public:
  Process() = default;
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();  // closes the watch; the process lives on

  // Runs before the program does: writes down that it will run. A failure keeps it from running.
  using Record = std::function<Result<void>(const Process&)>;

  // Starts `arguments[0]`; its standard input is /dev/null, its output is appended to `output` (made with 0600;
  // empty: goes where ours goes). A starter that is killed before `record` has returned leaves no process behind that
  // nobody knows of.
  // kNotFound: no such program. kStorageFailed: it cannot be forked or executed. Or what `record` says.
  static Result<Process> start(const std::vector<std::string>& arguments, const std::filesystem::path& output = {},
                               const Record& record = {});
  // The process of that pid, if it is still the one that began at `start_time`. kNotFound otherwise.
  static Result<Process> find(pid_t pid, std::uint64_t start_time);

  pid_t pid() const { return pid_; }
  // In clock ticks since boot (proc(5), stat field 22): tells a process from a later one with the same pid.
  std::uint64_t start_time() const { return start_time_; }
  bool running() const;
  // Do its arguments end with these? Tells our broker from a process that got its pid after a reboot.
  bool runs_with(const std::vector<std::string>& arguments) const;
  // True when it has ended within that time.
  bool wait_end(int timeout_ms);
  void signal(int number) const;

 private:
  pid_t pid_ = -1;
  std::uint64_t start_time_ = 0;
  int pidfd_ = -1;
  bool child_ = false;
};

// The note that lets the next hub process find a broker: "pid start_time nonce config_hash".
struct PidNote {
  pid_t pid = -1;
  std::uint64_t start_time = 0;
  std::string nonce;
  std::string config_hash;
};
Result<void> write_pid_note(const std::filesystem::path& path, const PidNote& note);
std::optional<PidNote> read_pid_note(const std::filesystem::path& path);

}  // namespace latchkey::hub::brokers
