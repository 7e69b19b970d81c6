// SPDX-License-Identifier: Apache-2.0
// Direct methods: an operator calls, the device that is connected answers, the operator waits. Of several nodes the one
// that was called asks the others for a device that it has not got (OtherNodes), and the one that has it asks the
// device (ask()).
//
// Threads: any. invoke() blocks until the device has answered or its time is over, at most `max_waiting` callers at one
// time; nothing else blocks.
//
// Invariants:
//  1. A call has one answer, from the connection that it was sent to; whatever else comes under its id is dropped.
//  2. A call ends with its connection.
//
// Source: the public articles on direct methods and on IoT Hub's error codes (404103, 504101).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/twin/ports.h"
#include "hub/twin/presence.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::twin {

inline constexpr std::size_t kMaxMethodPayload = 128 * 1024;  // either way

class Methods {
 public:
  struct Options {
    std::string namespace_name;                        // the hub's
    std::size_t max_waiting = 4;                       // calls at one time; kThrottled above
    std::chrono::milliseconds grace{1'000};            // for a connected device to subscribe, at least
    std::chrono::milliseconds least_response{5'000};   // that can be asked for
    std::chrono::milliseconds usual_response{30'000};  // when none is asked for
    std::chrono::milliseconds most{300'000};           // of either wait
  };
  // All outlive this object; no `others`: there are none.
  Methods(registry::Registry& registry, Presence& presence, Outbox& outbox, Options options,
          OtherNodes* others = nullptr);

  // {"methodName","payload","responseTimeoutInSeconds","connectTimeoutInSeconds"}, answered {"status","payload"}.
  // kMalformedRequest, kInvalidArgument; kNotFound; kDeviceNotOnline after the connect timeout (usually 0)
  // when the device is not connected, or is and has not subscribed to methods;
  // kDeviceSilent; kDeviceAnswerUnreadable: not JSON, or too long; kThrottled; kShuttingDown. Calls are
  // audited without their payloads; kMalformedRequest is for the caller to audit, as for every body.
  registry::Outcome<std::string> invoke(const registry::Call& call, const std::string& device_id,
                                        std::string_view body);

  // --- for callers of other nodes, which see to how many there are and for how long they wait.
  enum class Found : std::uint8_t { kAbsent, kDeaf, kListens };  // kDeaf: connected, but not to methods
  Found find(const std::string& device_id) const;
  // `done` is called once, from any thread and under no lock of this room, perhaps before this returns: the answer as
  // invoke() has it, kDeviceSilent or kDeviceAnswerUnreadable.
  using Done = std::function<void(registry::Outcome<std::string>)>;
  void ask(const std::string& device_id, const MethodCall& call, Done done);
  // Ends those whose time is over: to be called often while there are any.
  void tick();

  // A device's answer. False: nobody waits for it (any more), or it is not this connection's to give.
  bool answer(const Speaker& speaker, std::string_view request_id, std::int32_t status, ByteView body);
  void closed(wire::ConnectionId connection);
  // Ends every wait; later calls answer kShuttingDown.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    Speaker speaker;
    Clock::time_point deadline;
    Done done = {};  // empty: somebody waits here
    bool gone = false;
    std::optional<std::int32_t> status = {};  // once it is answered
    std::string body = {};
  };

  static registry::Outcome<MethodCall> read_call(std::string_view body, const Options& options);
  static registry::Outcome<std::string> end_of(const Waiting& waiting);
  registry::Outcome<std::string> carry_out(const std::string& device_id, const MethodCall& call);
  registry::Outcome<std::string> ask_and_wait(const Speaker& speaker, const MethodCall& call);
  // The request id that the device was asked under.
  std::string send(const MethodCall& call, Waiting waiting);
  // Those of other nodes that are over; the caller has the lock, and tells them without it.
  std::vector<Waiting> take_over();
  static void tell(const std::vector<Waiting>& over);
  registry::Outcome<registry::Nothing> enter();
  void leave();

  registry::Registry& registry_;
  Presence& presence_;
  Outbox& outbox_;
  const Options options_;
  OtherNodes* const others_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_. By request id; whoever waits here removes its own.
  std::map<std::string, Waiting, std::less<>> waiting_;
  std::size_t callers_ = 0;
  std::uint64_t last_request_ = 0;
  bool stopped_ = false;
};

}  // namespace latchkey::hub::twin
