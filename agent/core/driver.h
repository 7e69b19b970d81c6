// SPDX-License-Identifier: Apache-2.0
// Performs a core's actions on the ports of a board, and turns what the ports say into events. For boards and fleets.
//
// One thread: start(), stop(), on_timer() and all of MqttLinkEvents are called on the same one. A link that calls back
// on its own thread has to be given a queue in between (boards/host/event_queue.h). A link that calls back from within
// its own functions is fine: the driver takes such events up when the step in hand is done, messages excepted, which
// have to come from outside.
//
// The board's loop: wait for the next link event, but not longer than until wake_at(); call it, or on_timer().
#pragma once

#include "agent/core/core.h"
#include "agent/core/key_maker.h"
#include "platform/ports/clock.h"
#include "platform/ports/mqtt_link.h"
#include "platform/ports/storage.h"

namespace latchkey::agent {

// Who watches. Called on the driver's thread; views live for the call.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_report(const Report& report) = 0;
  virtual void on_state(State from, State to) = 0;
};

class Driver final : public ports::MqttLinkEvents {
 public:
  struct Ports {
    ports::MqttLink& link;
    ports::Storage& storage;
    const ports::Clock& clock;
    ports::Entropy& entropy;
    KeyMaker& keys;
    Workspace& room;
  };

  // All of them outlive the driver.
  Driver(const Config& config, const Ports& ports, Observer& observer);

  // Reads storage and begins. Once.
  void start();
  // Closes the session in order; done when state() is kStopped.
  void stop();
  // Everything that is due by now.
  void on_timer();
  ports::MonotonicMs wake_at() const { return core_.wake_at(); }

  void on_connected(bool session_present) override;
  void on_ended(ports::LinkFailure why, int detail) override;
  void on_subscribed(bool granted) override;
  void on_published() override;
  void on_message(std::string_view topic, ByteView payload) override;

  State state() const { return core_.state(); }
  const Summary& summary() const { return core_.summary(); }

 private:
  void take(const Event& event);
  void step(const Event& event);
  void perform(const Action& action);
  void make_key(const MakeKey& wanted);
  Status store(const Store& wanted);
  Status mark(const MarkRecord& wanted);
  Now now() const;

  Ports ports_;
  Observer& observer_;
  Core core_;

  // Events that arose while a step was performed; all of them small. An action has one answer at most.
  static constexpr std::size_t kQueue = Actions::kMax;
  std::array<Event, kQueue> queue_{};
  std::size_t queue_head_ = 0;
  std::size_t queued_ = 0;
  bool stepping_ = false;
};

}  // namespace latchkey::agent
