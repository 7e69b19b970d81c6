// SPDX-License-Identifier: Apache-2.0
// A broker under watch: started or adopted, restarted when it dies, stopped with the hub.
//
// Threads: start(), stop() and fence() from any thread, not from the listener. The listener is called on the watch
// thread: kStarted before the broker can serve anybody with state, kEnded as soon as it is known to be gone.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "hub/brokers/log_file.h"
#include "hub/brokers/process.h"
#include "platform/base/status.h"

namespace latchkey::hub::brokers {

enum class BrokerEvent : std::uint8_t { kStarted, kAdopted, kEnded };

class Broker {
 public:
  struct Options {
    std::string name;                   // "dps", "hub": for messages
    std::filesystem::path executable;   // mosquitto
    std::filesystem::path config_file;  // written by start()
    std::string config;                 // its text
    std::filesystem::path pid_file;
    std::filesystem::path log_file;  // what it says, bounded while we run (log_file.h); empty: goes where ours goes
    std::string nonce;               // of the data folder
    std::function<void(BrokerEvent)> listener;
    std::vector<std::string> flags = {"-c"};  // of the command line, before the configuration's name
  };

  explicit Broker(Options options);
  ~Broker();  // stop()s

  // Adopts the broker that a crashed hub process left behind if it runs with this very configuration; ends it if the
  // configuration is another one; starts one otherwise. kNotFound: no such executable. kStorageFailed.
  Result<void> start();
  // SIGTERM, and SIGKILL after 5 s. After a start() that failed there is nothing to stop.
  void stop();
  // Ends a broker that does not follow: SIGKILL; the watch starts a fresh one, which serves nobody before it has
  // taken a snapshot. Returns when the old one is gone; at once when there is none at the moment.
  void fence();
  // Did the last process end by itself within its first second? Then its log says why (port in use, ...).
  bool failing() const { return quick_ends_ >= 3; }
  pid_t pid() const;
  // Runs a broker with this note, left behind by a hub process on the data folder of that nonce?
  static bool left_behind(const std::filesystem::path& pid_file, const std::string& nonce);
  // Ends it, if it runs with that configuration. SIGTERM, and SIGKILL after 5 s.
  static void end_left_behind(const std::filesystem::path& pid_file, const std::filesystem::path& config_file,
                              const std::string& nonce, std::vector<std::string> flags = {"-c"});

 private:
  Result<BrokerEvent> adopt_or_spawn();
  Result<void> spawn();
  std::vector<std::string> arguments() const;
  void watch();
  void emit(BrokerEvent event) const {
    if (options_.listener) options_.listener(event);
  }

  const Options options_;
  const std::string config_hash_;
  const LogFile log_;
  std::atomic<int> quick_ends_{0};
  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  Process process_;
  bool stopping_ = false;
  bool down_ = false;        // its end was told, and the next one does not run yet
  std::uint64_t ended_ = 0;  // counts ends, so that fence() can wait for one
  std::thread watch_;
};

}  // namespace latchkey::hub::brokers
