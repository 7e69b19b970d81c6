// SPDX-License-Identifier: Apache-2.0
// The one address before several brokers of a hub: HAProxy under watch, as brokers are (hub/brokers/broker.h): started
// or adopted, restarted when it dies, ended with the hub, left alone when the hub process is killed. It gives new
// connections only to brokers whose gate holds a complete state.
//
// Threads: all functions from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "hub/app/base/data_folder.h"
#include "hub/app/base/endpoints.h"
#include "hub/brokers/broker.h"

namespace latchkey::hub::app {

// What its files go by.
inline constexpr const char* kFrontFiles = "front";

class Front {
 public:
  struct Options {
    Address address;
    std::filesystem::path haproxy;
    std::vector<std::filesystem::path> brokers;  // their sockets
    std::string advice;                          // to whoever finds its address in use
  };
  // `open`: may that broker be given new connections now? Asked every few milliseconds; does not block.
  // `folder` outlives this object.
  Front(const DataFolder& folder, Options options, std::function<bool(std::size_t broker)> open);
  ~Front();

  // kInvalidArgument, with what can be done about it: there is no such program.
  static registry::Outcome<registry::Nothing> check_program(const std::filesystem::path& haproxy);

  // kStorage, kInvalidArgument (no HAProxy, or another program holds the address).
  registry::Outcome<registry::Nothing> start();
  // Returns once every broker that is open is given connections. kInternal with the tail of HAProxy's log.
  registry::Outcome<registry::Nothing> wait_ready(int timeout_ms, const std::stop_token& end);
  void stop();
  // Ends the one that an earlier hub process left behind.
  static void end_left_behind(const DataFolder& folder);

  const Address& address() const { return options_.address; }
  pid_t pid() const {
    const auto* const process = seen_.load();
    return process ? process->pid() : -1;
  }
  std::uint64_t restarts() const { return restarts_; }
  // It runs, and has been told of every broker.
  bool ready() const { return ready_; }

 private:
  registry::Outcome<registry::Nothing> lay_out_files() const;
  std::string config() const;
  void follow(const std::stop_token& end);
  bool tell_changes();
  std::filesystem::path file(const char* suffix) const { return data_.brokers() / (std::string(kFrontFiles) + suffix); }
  std::filesystem::path folder() const { return data_.brokers() / kFrontFiles; }
  std::filesystem::path control() const { return folder() / "ctl"; }

  const DataFolder& data_;
  const Options options_;
  const std::function<bool(std::size_t)> open_;
  std::atomic<std::uint64_t> restarts_{0};
  std::atomic<bool> ready_{false};
  std::atomic<bool> anew_{true};           // the process is another one: it knows of no broker
  std::vector<std::optional<bool>> told_;  // the following thread's alone
  std::unique_ptr<brokers::Broker> process_;
  std::atomic<brokers::Broker*> seen_ = nullptr;  // the same, for threads that look while start() runs
  std::jthread following_;
};

}  // namespace latchkey::hub::app
