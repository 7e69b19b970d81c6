// SPDX-License-Identifier: Apache-2.0
// One device of a forecast: the real agent core with its driver, storage and dice, in virtual time; its link leads to
// the Model. What happens to it (arrival, sleep, a lost credential) is the scenario's plan, as in a run. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/core/driver.h"
#include "boards/fleet/forecast/model.h"
#include "boards/fleet/forecast/papers.h"
#include "boards/fleet/scenario/plan.h"
#include "platform/sim/entropy.h"
#include "platform/sim/storage.h"

namespace latchkey::boards::fleet::forecast {

// Who wants to know what becomes of the devices.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void on_hub(std::uint32_t device) = 0;  // connected
  virtual void on_failure() = 0;                  // an attempt that the device gave up, or a session that it lost
};

// What all devices share. Outlives them.
struct Surroundings {
  Engine& engine;
  Model& model;
  Papers& papers;
  agent::Workspace& room;
  const scenario::Plan& plan;
  const agent::Config& config;  // without name
  Watcher& watcher;
  UnixMs started;  // the wall clock at time 0
};

class Device final : public Caller,
                     private Engine::Listener,
                     private ports::MqttLink,
                     private ports::Storage,
                     private ports::Clock,
                     private agent::Observer {
 public:
  Device(const Surroundings& around, std::uint32_t number);
  ~Device() override;

  // Its life begins when the plan says so.
  void begin() { follow_plan(); }
  bool holds_certificate() const { return grants_[0].has_value() || grants_[1].has_value(); }
  bool asleep() const { return asleep_; }

 private:
  enum Event : std::uint64_t { kTimer, kPlan };

  void follow_plan();
  void do_plan();
  void switch_on();
  void switch_off();
  void note();
  void tell(std::uint16_t status, std::uint32_t after_s, bool with_wait, std::string_view body);
  void end(ports::LinkFailure why, int detail);

  // From the model
  void on_accepted() override;
  void on_refused() override;
  void on_told_to_wait(std::uint16_t status, std::uint32_t after_s) override;
  void on_assigned(const Grant& grant) override;
  void on_disabled() override;
  void on_cut() override;
  void on_event(std::uint64_t number) override;

  // The core's ports
  Result<void> connect(const ports::LinkRequest& request) override;
  Result<void> subscribe(std::string_view filter, int qos) override;
  Result<void> publish(std::string_view topic, ByteView payload, int qos) override;
  void disconnect() override;
  Result<std::size_t> read(ports::Item item, MutableBytes out) override { return storage_.read(item, out); }
  Result<void> write(ports::Item item, ByteView bytes) override;
  Result<void> erase(ports::Item item) override { return storage_.erase(item); }
  UnixMs now() const override;
  ports::MonotonicMs monotonic() const override { return static_cast<ports::MonotonicMs>(around_.engine.now() / 1000); }
  void on_report(const agent::Report&) override {}
  void on_state(agent::State, agent::State) override {}

  const Surroundings& around_;
  const std::uint32_t number_;
  const std::string name_;
  std::int64_t skew_ms_ = 0;
  std::optional<scenario::TimeUs> loses_credential_at_;
  sim::SeededEntropy dice_;
  sim::SimStorage storage_;
  std::unique_ptr<agent::Driver> driver_;  // while it is switched on
  std::optional<Grant> grants_[2];         // what the certificates in the slots are worth
  std::optional<Grant> brought_;           // by the answer in hand, for the slot that it will be written to
  Endpoint side_ = Endpoint::kDps;
  enum class Link : std::uint8_t { kDown, kConnecting, kUp } link_ = Link::kDown;
  TimeUs timer_at_ = -1;       // the event that counts
  std::uint32_t request_ = 0;  // of DPS: the core counts from 1
  std::uint32_t nap_ = 0;
  TimeUs planned_at_ = 0;
  bool arrived_ = false;
  bool asleep_ = false;
};

}  // namespace latchkey::boards::fleet::forecast
