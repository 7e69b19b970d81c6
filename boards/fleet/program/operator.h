// SPDX-License-Identifier: Apache-2.0
// The operator of a scenario: each act is done at its time with the hub's own command line, as a person would do it.
// An act on many devices runs some commands side by side. Acts do not wait for each other.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "boards/fleet/history/record.h"
#include "boards/fleet/scenario/plan.h"
#include "platform/files/descriptor.h"

namespace latchkey::boards::fleet::program {

// The commands of an act: arguments for `latchkey`, and what is fed to its standard input.
struct Command {
  std::vector<std::string> arguments;
  std::string input;
  bool operator==(const Command&) const = default;
};
std::vector<Command> commands_of(const scenario::Act& act, const std::vector<std::string>& device_names);

class Operator {
 public:
  // `data`: the hub's data folder.
  explicit Operator(std::string data);
  ~Operator();  // waits for acts under way
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  void begin(std::uint32_t number, std::vector<Command> commands);
  int descriptor() const { return done_event_.get(); }  // readable when something was answered
  std::vector<history::ActAnswered> take_answers();

 private:
  history::ActAnswered perform(std::uint32_t number, const std::vector<Command>& commands) const;
  std::string perform(const Command& command) const;

  const std::string data_;
  const files::Descriptor done_event_;
  std::map<std::uint32_t, std::thread> acts_;  // by number; those whose answer nobody has taken
  std::mutex mutex_;                           // guards the next
  std::vector<history::ActAnswered> answers_;
};

}  // namespace latchkey::boards::fleet::program
