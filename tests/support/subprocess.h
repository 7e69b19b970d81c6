// SPDX-License-Identifier: Apache-2.0
// A program that a test runs: to its end with its output, or in the background until the test is over.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace latchkey::tests {

struct Finished {
  int exit_status = -1;  // 128 + signal when a signal ended it
  std::string out;
  std::string err;
};
// Runs to the end; ended by SIGKILL after `timeout_ms`.
Finished run(const std::vector<std::string>& command, int timeout_ms = 60'000);

// kill(2) for exactly one process: -1 and 0 stand for many and are refused, as is 1. False: nothing was signalled.
bool signal_process(pid_t pid, int number);

class Subprocess {
 public:
  // Output of both kinds goes to `log` (appended).
  Subprocess(const std::vector<std::string>& command, const std::filesystem::path& log);
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;
  ~Subprocess();  // SIGTERM, then SIGKILL

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number) const;
  // Waits for the end; the exit status as in Finished, or -1 on time-out.
  int wait(int timeout_ms);

 private:
  pid_t pid_ = -1;
  int exit_status_ = -1;
};

std::string read_text(const std::filesystem::path& path);  // empty when it cannot be read

}  // namespace latchkey::tests
