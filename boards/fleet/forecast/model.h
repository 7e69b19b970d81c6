// SPDX-License-Identifier: Apache-2.0
// The hub of a forecast: a network of queues for its parts, and the little of its rules that a device can notice. A
// device's link is a Caller; what it asks for takes as long as the calibration and the load of the moment make it take.
// One thread, in virtual time; nothing is answered within the call that asked.
//
// In a sample each device stands for `weight` devices: all work is so many times as much, all limits are that part.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "boards/fleet/forecast/calibration.h"
#include "boards/fleet/forecast/processors.h"

namespace latchkey::boards::fleet::forecast {

// What serves the devices. All nodes are alike and serve equal parts of the fleet.
struct Plant {
  double cores = 2;  // of each node; a part of one is what other programs leave
  unsigned nodes = 1;
  unsigned hub_brokers = 1;                    // of each node (latchkey up --hub-brokers)
  std::uint32_t registrations_per_minute = 0;  // of each node; 0: without limit
  bool shares_machine = false;                 // the devices' own work is done on the same cores, as in `fleet run`
  unsigned fleet_processes = 1;                // then
  std::size_t handshakes = 192;                // then: under way with each endpoint at one time; 0: no limit
};

enum class Endpoint : std::uint8_t { kDps, kHub };

// A certificate, as the hub judges it: the revocations that it has seen.
struct Grant {
  std::uint32_t device_epoch = 0;
  std::uint32_t policy_epoch = 0;
};

// A device's link.
class Caller {
 public:
  virtual ~Caller() = default;
  virtual void on_accepted() = 0;
  virtual void on_refused() = 0;                                                  // CONNACK 5
  virtual void on_told_to_wait(std::uint16_t status, std::uint32_t after_s) = 0;  // 202 or 429 with that retry-after
  virtual void on_assigned(const Grant& grant) = 0;
  virtual void on_disabled() = 0;
  virtual void on_cut() = 0;  // the hub has ended the session
};

class Model final : private Customer, private Engine::Listener {
 public:
  struct Figures {
    std::uint64_t registrations = 0;  // carried out
    std::uint64_t turned_away = 0;    // answered 429
    std::uint64_t connects = 0;       // accepted by the hub endpoint
    std::uint64_t refusals = 0;       // at either endpoint
  };

  Model(Engine& engine, const Plant& plant, const Calibration& calibration, std::uint32_t devices, double weight);

  // Before that everything is done at once and costs nothing, as if the fleet had all the time in the world.
  // `messages_per_s`: telemetry of each connected device.
  void begin_to_charge(double messages_per_s);

  // --- a device's connections. `shown`: the certificate; null: none that the hub knows. `proven`: it can prove itself
  // to DPS.
  void connect(std::uint32_t device, Endpoint endpoint, const Grant* shown, bool proven, Caller& who);
  void send_register(std::uint32_t device) { send(device, Phase::kRegisterAtBroker); }
  void send_poll(std::uint32_t device) { send(device, Phase::kPollAtBroker); }
  // The connection, or the attempt, is over. Nothing of it reaches the caller any more.
  void close(std::uint32_t device, Endpoint endpoint);

  // --- an operator's acts
  void revoke_policy();
  void revoke(std::uint32_t device);
  void forget(std::uint32_t device);  // deleted; it is made anew by its next registration
  void enable(std::uint32_t device, bool enabled);

  const Figures& figures() const { return figures_; }
  // Since charging began, of all threads of that part.
  double worked_us(Part part) const;
  unsigned threads(Part part) const;
  // What telemetry wants of the hub's brokers, in parts of what they can do. Beyond kMostTelemetry it is held to that.
  double telemetry_load() const { return telemetry_load_; }
  static constexpr double kMostTelemetry = 0.5;

 private:
  enum class Phase : std::uint8_t {
    kHello,  // the device's own work for a handshake
    kKnock,  // again: nobody took its first packet
    kAtBroker,
    kVerified,  // by the hub process, at the DPS endpoint
    kRegisterAtBroker,
    kRegisterAtProcess,
    kIssued,
    kCommitted,
    kPollAtBroker,
    kPollAtProcess,
    kAssigned,  // the device's work with its certificate
    kDisabled,
    kCutAtBroker,
    kCutAtDevice,
    kTelemetry,
  };
  struct Attempt {
    Caller* who = nullptr;  // null: there is none
    std::uint16_t serial = 0;
    Grant shown;
    bool has_grant = false;
    bool proven = false;
    bool accepted = false;
    bool in_turnstile = false;
    bool unverified = false;
    bool in_backlog = false;
    std::uint8_t knocks = 0;
  };
  enum class Work : std::uint8_t { kNone, kRunning, kGranted, kDisabled };
  struct Known {
    std::array<Attempt, 2> at;  // by endpoint
    std::uint32_t epoch = 0;
    bool enabled = true;
    Work work = Work::kNone;
    Grant grant;
  };

  Attempt& attempt(std::uint32_t device, Endpoint endpoint) {
    return devices_[device].at[static_cast<std::size_t>(endpoint)];
  }
  static std::uint32_t code(Phase phase, Endpoint endpoint, std::uint16_t serial);
  void send(std::uint32_t device, Phase phase);
  void pay(Step step, Part part, double share, std::uint32_t device, Phase then, Endpoint endpoint,
           Station::Kind kind = Station::Kind::kConversation);
  void pay_unheard(Step step, Part part, std::uint32_t device);
  Station& station(Part part, std::uint32_t device);
  bool is_device_part(Part part) const { return part == Part::kFleetLoop || part == Part::kFleetKeys; }

  void go_on(std::uint32_t device, std::uint32_t step);
  void enter(std::uint32_t device, Endpoint endpoint);
  void leave_turnstile(Attempt& attempt, Endpoint endpoint);
  void queue_at_broker(std::uint32_t device, Endpoint endpoint);
  bool enter_backlog(std::uint32_t device, Endpoint endpoint);
  void leave_backlog(Attempt& attempt, Endpoint endpoint);
  void leave_door(Attempt& attempt);
  void judge(std::uint32_t device, Endpoint endpoint);
  void take_register(std::uint32_t device);
  void finish_register(std::uint32_t device);
  void take_poll(std::uint32_t device);
  bool good(const Known& device, const Attempt& attempt) const;
  bool throttled();
  std::uint32_t moment_for_later(std::uint32_t device);
  void cut(std::uint32_t device);
  void charge_telemetry();

  bool still_wants(std::uint32_t ticket, std::uint32_t step) const override;
  void served(std::uint32_t ticket, std::uint32_t step) override { go_on(ticket, step); }
  void on_event(std::uint64_t number) override;

  Engine& engine_;
  const Plant plant_;
  const Calibration calibration_;
  const double weight_;
  const std::size_t most_inside_;      // the turnstiles; 0: no limit
  const std::size_t most_unverified_;  // at the DPS endpoint
  const std::size_t most_backlog_;     // of connections that a broker has not taken yet
  Processors processors_;
  Station dps_broker_;
  std::vector<std::unique_ptr<Station>> hub_brokers_;
  Station hub_process_;
  Station fleet_loop_;
  Station fleet_keys_;
  bool charged_ = false;
  std::vector<Known> devices_;
  std::uint32_t policy_epoch_ = 0;
  std::uint32_t live_ = 0;
  std::array<std::size_t, 2> inside_{};
  std::array<std::deque<std::pair<std::uint32_t, std::uint16_t>>, 2> outside_;
  std::array<std::size_t, 2> backlog_{};
  std::size_t unverified_ = 0;
  std::deque<std::pair<std::uint32_t, std::uint16_t>> door_;
  std::size_t in_work_ = 0;  // registrations
  double tokens_;            // registrations that the throttle lets through now
  TimeUs tokens_at_ = 0;
  double gap_us_ = 0;  // between two registrations that are done, or from when there was one to do
  TimeUs last_done_ = 0;
  TimeUs moments_until_ = 0;  // given to those that were turned away
  double messages_per_s_ = 0;
  double telemetry_load_ = 0;
  Figures figures_;
};

}  // namespace latchkey::boards::fleet::forecast
