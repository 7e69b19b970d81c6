// SPDX-License-Identifier: Apache-2.0
// What devices are to hear of what was done at any node (registry/store/device_news.h), passed on to those that are
// connected here: this node reads the log on from where it was when it joined.
//
// A log that goes on behind what is not known here, as this node was away for too long, ends the sessions that it has.
//
// Brokers, and with them sessions, may outlive the hub process: where it was is kept in a file, and the next one tells
// them what the last one had not read. It is not made durable: what does not outlive the machine needs it no more.
//
// Threads: begin() from any; turn() from one.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <utility>

#include "registry/store/device_news.h"

namespace latchkey::hub::app {

class NodeNews {
 public:
  // Called by turn(); none blocks.
  struct Listeners {
    std::function<void(const registry::store::DeviceNews&)> tell;  // that device, if it is connected here
    std::function<void()> end_sessions;                            // all that are here
  };
  NodeNews(Listeners listeners, std::filesystem::path kept)
      : listeners_(std::move(listeners)), kept_(std::move(kept)) {}

  // All sessions that are there are known. Before that nothing is read on, but its place is where it was at its first
  // turn, or, with sessions that an earlier process left, where that was.
  enum class Sessions : std::uint8_t { kNew, kLeft };
  void begin(Sessions sessions) { begun_ = sessions == Sessions::kLeft ? Begun::kWithLeft : Begun::kAnew; }
  // Reads on. True: there is more. kStorage, with nobody told and its place where it was.
  registry::Outcome<bool> turn(registry::store::Database& database);

 private:
  enum class Begun : std::uint8_t { kNo, kAnew, kWithLeft, kReading };

  const Listeners listeners_;
  const std::filesystem::path kept_;
  std::atomic<Begun> begun_ = Begun::kNo;
  std::optional<std::uint64_t> place_;  // the number that was read last
};

}  // namespace latchkey::hub::app
