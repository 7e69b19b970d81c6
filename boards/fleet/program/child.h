// SPDX-License-Identifier: Apache-2.0
// A child process whose input and output are pipes of ours. Ended by kill() or by itself; the destructor waits for it
// after its input has been closed.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "platform/files/descriptor.h"

namespace latchkey::boards::fleet::program {

class Child {
 public:
  enum class Errors : bool { kOurs, kWithOutput };  // where its standard error goes
  // `command`: the program's path and its arguments. Nothing when the system cannot.
  static std::optional<Child> start(const std::vector<std::string>& command, Errors errors);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  pid_t pid() const { return pid_; }
  int output() const { return output_.get(); }  // to read from; not blocking
  bool say(const std::string& text);            // false when it does not listen any more
  void hang_up() { input_ = files::Descriptor(); }
  void kill();
  // Its exit status, 128 and more for a signal. Blocks.
  int wait();
  // What it has said by its end. Blocks.
  std::string read_all();

 private:
  Child(pid_t pid, files::Descriptor input, files::Descriptor output)
      : pid_(pid), input_(std::move(input)), output_(std::move(output)) {}

  pid_t pid_;  // -1: waited for
  files::Descriptor input_;
  files::Descriptor output_;
};

// The folder that this program lies in.
std::string own_folder();

}  // namespace latchkey::boards::fleet::program
