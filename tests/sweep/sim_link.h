// SPDX-License-Identifier: Apache-2.0
// A link to a SimHub: what the driver asks for happens one thing at a time, when the test turns the crank, and
// everything that crosses is counted. The credential that is shown is read from storage, as a real link does. Not
// thread-safe.
#pragma once

#include <deque>
#include <functional>

#include "tests/sweep/sim_hub.h"

namespace latchkey::sweep {

// What a device cost its services.
struct Traffic {
  std::uint64_t connects = 0;      // attempts that reached a service
  std::uint64_t dps_connects = 0;  // of them to DPS
  std::uint64_t sessions = 0;      // CONNACK 0 of the hub
  std::uint64_t refusals = 0;      // CONNACK 1 to 5, of either
  std::uint64_t registers = 0;
  std::uint64_t polls = 0;
  std::uint64_t renewals = 0;
  std::uint64_t bytes = 0;  // topics and payloads, both ways; handshakes and keep-alive are not in it
};

class SimLink final : public ports::MqttLink {
 public:
  SimLink(SimHub& hub, ports::Storage& storage, const sim::SimClock& clock)
      : hub_(hub), storage_(storage), clock_(clock) {}
  void set_events(ports::MqttLinkEvents& events) { events_ = &events; }

  Result<void> connect(const ports::LinkRequest& request) override;
  Result<void> subscribe(std::string_view filter, int qos) override;
  Result<void> publish(std::string_view topic, ByteView payload, int qos) override;
  void disconnect() override;

  // Lets the next thing happen that is due; false when there is none.
  bool turn();
  // When the next one is due; the end of time when nothing is.
  ports::MonotonicMs due() const;
  // A message of the hub's.
  void send(const std::string& topic, const std::string& body) { answer(topic, {0, body}); }
  // Hears what neither DPS nor the hub knows; may be empty.
  std::function<void(const std::string& topic, const std::string& payload)> on_other;
  // The network, or the hub, ends the session or the attempt.
  void cut(ports::LinkFailure why = ports::LinkFailure::kLost);

  bool up() const { return up_; }
  bool at_hub() const { return up_ && !to_dps_; }
  // Which slot the last connection to the hub showed.
  std::optional<ports::LinkIdentity> shown() const { return shown_; }
  Traffic traffic;

 private:
  struct Happening {
    ports::MonotonicMs at;
    std::function<void()> happen;
  };
  void after(std::uint64_t ms, std::function<void()> happen);
  void end(ports::LinkFailure why, int detail);
  void decide();
  void answer(const std::string& topic, const Answer& answer);
  void take(const std::string& topic, const std::string& payload);
  std::optional<std::string> record(ports::LinkIdentity identity);

  SimHub& hub_;
  ports::Storage& storage_;
  const sim::SimClock& clock_;
  ports::MqttLinkEvents* events_ = nullptr;
  std::deque<Happening> happenings_;  // sorted by time
  bool busy_ = false;
  bool up_ = false;
  bool to_dps_ = false;
  std::optional<ports::LinkIdentity> shown_;
  std::string token_;  // of the last connection to DPS
  std::string csr_;    // of the last registration
};

}  // namespace latchkey::sweep
