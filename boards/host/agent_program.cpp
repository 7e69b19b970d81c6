// SPDX-License-Identifier: Apache-2.0
#include "boards/host/agent_program.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <memory>
#include <thread>

#include "agent/core/driver.h"
#include "boards/host/agent_log.h"
#include "boards/host/event_queue.h"
#include "boards/host/status_file.h"
#include "boards/host/updates.h"
#include "platform/posix/clock.h"
#include "platform/posix/entropy.h"
#include "platform/posix/paho_link.h"
#include "platform/posix/storage.h"

namespace latchkey::boards::host {
namespace {

constexpr int kClean = 0;
constexpr int kMistake = 2;
constexpr ports::MonotonicMs kStopWithinMs = 5'000;
constexpr ports::MonotonicMs kLongestWaitMs = 1'000;

constexpr int kEndOfThread = SIGUSR1;  // from our own destructor; means nothing from outside

sigset_t waited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, kEndOfThread}) sigaddset(&set, number);
  return set;
}

// SIGINT and SIGTERM become an event of the loop. Blocked in every thread; made before any other thread is.
class SignalThread {
 public:
  explicit SignalThread(EventQueue& queue) {
    const sigset_t set = waited_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    thread_ = std::thread([this, &queue] {
      const sigset_t wanted = waited_signals();
      int number = 0;
      while (!ending_) {
        sigwait(&wanted, &number);
        if (number != kEndOfThread) queue.ask_to_stop();
      }
    });
  }
  ~SignalThread() {
    ending_ = true;
    pthread_kill(thread_.native_handle(), kEndOfThread);
    thread_.join();
  }
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

// Tells the story: log, status file, messages.
class Narrator final : public agent::Observer {
 public:
  Narrator(const Options& options, const ports::Clock& clock)
      : options_(options), clock_(clock), file_(options.status_file), since_(clock.now()) {}

  void on_report(const agent::Report& report) override {
    log(describe(report));
    if (report.what == agent::Occurrence::kDevicebound && options_.print_devicebound) {
      std::printf("%s\n", printable(report.text).c_str());
      std::fflush(stdout);
    }
  }
  void on_state(agent::State, agent::State) override {
    since_ = clock_.now();
    if (driver_ != nullptr) refresh(*driver_);
  }
  void watch(const agent::Driver& driver, const Updates* updates) {
    driver_ = &driver;
    updates_ = updates;
  }
  void refresh(const agent::Driver& driver) {
    if (options_.status_file.empty()) return;
    agent::UpdateSummary firmware;
    if (updates_ != nullptr) firmware = updates_->session().summary();
    const auto* told = updates_ == nullptr ? nullptr : &firmware;
    if (!file_.update(status_json(driver.summary(), options_.registration_id, since_, told))) {
      log("the status file " + options_.status_file + " cannot be written");
    }
  }
  void log(const std::string& line) { log_line(clock_.now(), options_.registration_id, line); }

 private:
  const Options& options_;
  const ports::Clock& clock_;
  StatusFile file_;
  UnixMs since_;
  const agent::Driver* driver_ = nullptr;
  const Updates* updates_ = nullptr;
};

std::unique_ptr<posix::PosixStorage> open_storage(const Options& options) {
  auto storage = posix::PosixStorage::open(options.state_folder);
  if (storage) return std::move(*storage);
  const char* reason = "it cannot be used (is its parent there, is it writable?)";
  if (storage.error() == Status::kBusy) reason = "another agent is running on it";
  if (storage.error() == Status::kRefused) reason = "it has to be a folder of this user that nobody else may write to";
  std::fprintf(stderr, "latchkey-agent: state folder %s: %s\n", options.state_folder.c_str(), reason);
  return nullptr;
}

posix::PahoLinkOptions link_options(const Options& options, const posix::PosixStorage& storage) {
  posix::PahoLinkOptions link;
  link.trust_store = options.ca_file;
  link.onboarding_certificate = options.onboarding_certificate;
  link.onboarding_key = options.onboarding_key;
  link.slot_a = storage.path(ports::Item::kSlotA);
  link.slot_b = storage.path(ports::Item::kSlotB);
  return link;
}

// The loop: the next event or the next timer, whichever comes first. `updates` may be null. True when it ended because
// an update wants a restart.
bool drive(agent::Driver& driver, Updates* updates, EventQueue& queue, const ports::Clock& clock, Narrator& narrator) {
  ports::MqttLinkEvents& hears = updates == nullptr ? static_cast<ports::MqttLinkEvents&>(driver) : updates->session();
  ports::MonotonicMs stop_by = 0;
  bool asked_to_stop = false;
  if (updates != nullptr) updates->session().start();
  driver.start();
  while (driver.state() != agent::State::kStopped) {
    const ports::MonotonicMs now = clock.monotonic();
    if (stop_by != 0 && now >= stop_by) break;  // the link does not answer: the process's end closes it
    ports::MonotonicMs wake = std::min(driver.wake_at(), now + kLongestWaitMs);
    if (updates != nullptr) wake = std::min(wake, updates->session().wake_at());
    const auto event = queue.wait(std::chrono::milliseconds(wake > now ? wake - now : 0));
    if (event && std::holds_alternative<StopAsked>(*event)) {
      if (asked_to_stop) return false;  // asked twice: at once
      asked_to_stop = true;
    } else if (event) {
      deliver(*event, hears);
    }
    if (driver.wake_at() <= clock.monotonic()) driver.on_timer();
    if (updates != nullptr && updates->session().wake_at() <= clock.monotonic()) updates->session().on_timer();
    const bool ends = asked_to_stop || (updates != nullptr && updates->restart_wanted());
    if (ends && stop_by == 0) {
      stop_by = clock.monotonic() + kStopWithinMs;
      driver.stop();
    }
    narrator.refresh(driver);
  }
  return !asked_to_stop && updates != nullptr && updates->restart_wanted();
}

}  // namespace

int run_agent(const Options& options) {
  if (!crypto::init()) {
    std::fprintf(stderr, "latchkey-agent: no randomness for keys\n");
    return kMistake;
  }
  std::string problem;
  const auto config = make_config(options, problem);
  if (!config) {
    std::fprintf(stderr, "latchkey-agent: %s\n", problem.c_str());
    return kMistake;
  }
  const auto storage = open_storage(options);
  if (!storage) return kMistake;
  const posix::PosixClock clock =
      options.clock_file.empty() ? posix::PosixClock() : posix::PosixClock(options.clock_file);
  EventQueue queue;
  SignalThread signals(queue);
  posix::PosixEntropy entropy;
  agent::FreshKeyMaker keys;
  posix::PahoLink link(link_options(options, *storage), queue);
  Narrator narrator(options, clock);
  const auto updates = Updates::open(
      options, {link, clock, entropy}, [&](const std::string& line) { narrator.log(line); }, problem);
  if (!problem.empty()) {
    std::fprintf(stderr, "latchkey-agent: %s\n", problem.c_str());
    return kMistake;
  }
  const auto room = std::make_unique<agent::Workspace>();
  ports::MqttLink& session = updates ? static_cast<ports::MqttLink&>(updates->session()) : link;
  const agent::Driver::Ports board_ports{session, *storage, clock, entropy, keys, *room};
  const auto driver = std::make_unique<agent::Driver>(*config, board_ports, narrator);
  if (updates) updates->session().serve(*driver);
  narrator.watch(*driver, updates.get());
  return drive(*driver, updates.get(), queue, clock, narrator) ? kStartAgain : kClean;
}

}  // namespace latchkey::boards::host
