// SPDX-License-Identifier: Apache-2.0
// One endpoint: its broker process, the link to the gate inside, and the feeder that keeps the gate's state current.
//
// Threads: all functions from any thread. The inbox is called on the link's thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "hub/app/base/data_folder.h"
#include "hub/app/base/endpoints.h"
#include "hub/brokers/broker.h"
#include "hub/brokers/config.h"
#include "hub/link/feeder.h"
#include "hub/link/gate_link.h"
#include "hub/wire/envelope.h"

namespace latchkey::hub::app {

class Gate {
 public:
  struct Options {
    brokers::Endpoint endpoint = brokers::Endpoint::kHub;
    std::string name;   // what its decisions and its state go by; no two gates of a hub process share one
    std::string files;  // what its files go by, of at most 12 characters; no two share that either. Empty: the name
    Address address;    // where devices are served, by the broker itself or by the front before it
    bool behind_front = false;   // the broker listens on a Unix socket (front_socket()) instead
    bool keep_sessions = false;  // when the lease of its gate ends
    std::filesystem::path mosquitto;
    std::filesystem::path plugin;  // copied into the data folder: a rebuild does not touch a running broker
    std::filesystem::path certificate;
    std::filesystem::path key;
    registry::Registry* registry = nullptr;  // nullptr at the DPS endpoint
    std::string hub_name;
    std::string advice;             // to whoever finds its address in use
    int adopt_timeout_ms = 10'000;  // for a broker that a crashed hub process left behind to follow again
  };
  // Hears all that the gate says but its acknowledgements.
  using Inbox = std::function<void(std::string_view topic, ByteView payload)>;
  // What becomes of the broker's process and of the link to the gate in it. kIntroduced: all connections that lived
  // when the link came up were told. Called on the link's thread, those of the process on another.
  enum class Life : std::uint8_t { kProcessStarted, kProcessEnded, kLinkUp, kIntroduced, kLinkDown };
  using Listener = std::function<void(Life)>;
  // `folder` outlives this object.
  Gate(const DataFolder& folder, Options options);
  ~Gate();

  // Lays out the broker's files, adopts or starts it and begins to feed it. kStorage, kInvalidArgument.
  registry::Outcome<registry::Nothing> start(Inbox inbox, Listener listener = {});
  // Waits until the gate holds a complete snapshot, or `end` is asked for, whichever is first. A broker that was
  // adopted and does not follow is fenced first. kInvalidArgument when another program holds the address; kInternal
  // with the tail of the broker's log otherwise.
  registry::Outcome<registry::Nothing> wait_ready(int timeout_ms, const std::stop_token& end);
  void stop();
  // The same for a gate that goes while others stay: the broker first, so that nobody waits for what it would confirm.
  void end();
  // Ends the broker with files of that name that an earlier hub process left behind.
  static void end_left_behind(const DataFolder& folder, const std::string& files);
  static std::filesystem::path pid_file(const DataFolder& folder, const std::string& files) {
    return folder.brokers() / (files + ".pid");
  }

  void attest(const wire::Attest& attest);
  void deliver(const wire::Deliver& deliver);
  void end_session(wire::ConnectionId connection);
  // Lets nobody new in for a while.
  void hold(std::uint32_t for_ms);
  void fence() {
    if (auto* const broker = seen_.load()) broker->fence();
  }
  link::Feeder& feeder() { return *feeder_; }
  const link::Feeder& feeder() const { return *feeder_; }

  const Address& address() const { return options_.address; }
  const std::string& name() const { return options_.name; }
  const std::string& files() const { return options_.files.empty() ? options_.name : options_.files; }
  // Where the broker takes devices from the front.
  std::filesystem::path front_socket() const { return folder() / "front.sock"; }
  // -1 as long as it was not started.
  pid_t pid() const {
    const auto* const broker = seen_.load();
    return broker ? broker->pid() : -1;
  }
  std::uint64_t restarts() const { return restarts_; }
  // The process that runs is one that an earlier hub process had started.
  bool adopted() const { return adopted_; }

 private:
  registry::Outcome<brokers::BrokerConfig> lay_out_files();
  void on_broker(brokers::BrokerEvent event);
  void on_message(std::string_view topic, ByteView payload);
  void tell(Life life) const {
    if (listener_) listener_(life);
  }
  bool becomes_ready(int timeout_ms, const std::stop_token& end);
  std::filesystem::path folder() const { return data_.brokers() / files(); }
  std::filesystem::path file(const char* suffix) const { return data_.brokers() / (files() + suffix); }

  const DataFolder& data_;
  const Options options_;
  Inbox inbox_;
  Listener listener_;
  bool introduced_ = false;  // the link's thread alone
  std::atomic<std::uint64_t> restarts_{0};
  std::atomic<bool> adopted_{false};
  std::unique_ptr<link::Feeder> feeder_;
  std::unique_ptr<link::GateLink> link_;
  std::unique_ptr<brokers::Broker> broker_;       // made by start()
  std::atomic<brokers::Broker*> seen_ = nullptr;  // the same, for threads that look while start() runs
};

}  // namespace latchkey::hub::app
