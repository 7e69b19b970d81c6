// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/operator.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>

#include "boards/fleet/program/child.h"

namespace latchkey::boards::fleet::program {
namespace {

using scenario::ActKind;

constexpr std::size_t kSideBySide = 4;
constexpr std::size_t kMostText = 200;
constexpr const char* kDefaultPolicy = "default";

// One line of what a command said, for the history.
std::string in_one_line(const std::string& text) {
  std::string line = text.substr(0, kMostText);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::vector<std::string> on_device(const scenario::Act& act, const std::string& name) {
  switch (act.kind) {
    case ActKind::kRevokeDevices: {
      std::vector<std::string> words{"device", "revoke", "-n", name, "-y"};
      if (act.disable) words.emplace_back("--disable");
      return words;
    }
    case ActKind::kDisableDevices: return {"device", "update", "-n", name, "--enabled", "false"};
    case ActKind::kEnableDevices: return {"device", "update", "-n", name, "--enabled", "true"};
    default: return {"device", "delete", "-n", name, "-y"};
  }
}

std::string in_seconds(scenario::TimeUs time) {
  char text[32];
  std::snprintf(text, sizeof text, "%lld", static_cast<long long>((time + 999'999) / 1'000'000));
  return text;
}

}  // namespace

std::vector<Command> commands_of(const scenario::Act& act, const std::vector<std::string>& device_names) {
  switch (act.kind) {
    case ActKind::kRevokePolicy:
      return {{{"policy", "revoke", "-n", act.policy.empty() ? kDefaultPolicy : act.policy, "-y"}, {}}};
    case ActKind::kSync: return {{{"credential", "sync"}, {}}};
    case ActKind::kSetFaults: return {{{"rehearsal", "faults", "set", "-f", "-"}, act.faults}};
    case ActKind::kClearFaults: return {{{"rehearsal", "faults", "clear"}, {}}};
    case ActKind::kAdvanceClock: return {{{"rehearsal", "clock", "advance", "--seconds", in_seconds(act.advance)}, {}}};
    default: break;
  }
  std::vector<Command> commands;
  for (const auto& name : device_names) commands.push_back({on_device(act, name), {}});
  return commands;
}

Operator::Operator(std::string data) : data_(std::move(data)), done_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Operator::~Operator() {
  for (auto& [number, act] : acts_) act.join();
}

void Operator::begin(std::uint32_t number, std::vector<Command> commands) {
  acts_[number] = std::thread([this, number, all = std::move(commands)] {
    auto answer = perform(number, all);
    {
      const std::lock_guard lock(mutex_);
      answers_.push_back(std::move(answer));
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto told = ::write(done_event_.get(), &one, sizeof one);
  });
}

std::vector<history::ActAnswered> Operator::take_answers() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(done_event_.get(), &count, sizeof count);
  std::vector<history::ActAnswered> answers;
  {
    const std::lock_guard lock(mutex_);
    answers.swap(answers_);
  }
  for (const auto& answer : answers) {  // its thread has nothing left to do
    const auto act = acts_.find(answer.act);
    act->second.join();
    acts_.erase(act);
  }
  return answers;
}

history::ActAnswered Operator::perform(std::uint32_t number, const std::vector<Command>& commands) const {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::string refusal;
  std::size_t refused = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < commands.size(); i = next++) {
      const auto said = perform(commands[i]);
      if (said.empty()) continue;
      const std::lock_guard lock(mutex);
      if (refused++ == 0) refusal = said;
    }
  };
  std::vector<std::thread> hands;
  for (std::size_t i = 1; i < std::min(kSideBySide, commands.size()); ++i) hands.emplace_back(work);
  work();
  for (auto& hand : hands) hand.join();
  if (refused > 1) refusal = std::to_string(refused) + " of " + std::to_string(commands.size()) + ": " + refusal;
  return {number, refused == 0, refusal};
}

// Empty when it was done, else what the command line said.
std::string Operator::perform(const Command& command) const {
  std::vector<std::string> words{own_folder() + "/latchkey", "--data", data_, "-o", "json"};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  auto child = Child::start(words, Child::Errors::kWithOutput);
  if (!child) return "latchkey cannot be started";
  child->say(command.input);
  child->hang_up();
  const auto said = in_one_line(child->read_all());
  const int status = child->wait();
  if (status == 0) return "";
  return said.empty() ? "exit status " + std::to_string(status) : said;
}

}  // namespace latchkey::boards::fleet::program
