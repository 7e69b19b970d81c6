// SPDX-License-Identifier: Apache-2.0
// Firmware updates over the session that a device has anyway. It stands between a link and the agent's core, which owns
// the session and notices nothing of it: to the core it is the link, to the link it is who hears the events. What is
// about firmware is kept from the core: messages of those topics, and the acknowledgements of what was sent beside it.
//
//   UpdateSession updates(config, {}, {link, store, clock, entropy, room}, observer);
//   Driver driver(core_config, {updates, storage, clock, entropy, keys, workspace}, watcher);
//   updates.serve(driver);
//   updates.start();
//   driver.start();
//   ... events of the link go to `updates`; wait until the earlier wake_at(); on_timer() of both
//
// It speaks at the hub alone, after the core's own subscriptions were granted; that is also what confirms an image that
// runs on trial. One that is not confirmed within the trial's limit is given up by a restart.
//
// One thread, as agent/core/driver.h says it. A link may call back from within its functions, messages excepted.
#pragma once

#include "agent/update/conversation.h"
#include "agent/update/driver.h"
#include "platform/ports/mqtt_link.h"

namespace latchkey::agent {

// Who watches, and restarts. Called from within; takes note and acts later.
class UpdateObserver {
 public:
  virtual ~UpdateObserver() = default;
  virtual void on_update(const UpdateReport& report) = 0;
  // What became of a statement: its kind, or why it was not taken (StatementStore::offer).
  virtual void on_statement(const Result<StatementKind>& taken) = 0;
  // Ends the session in order and starts again, through the boot loader. Asked for once.
  virtual void on_restart() = 0;
};

// Where updates stand. Views live until the next event.
struct UpdateSummary {
  Updater::State state = Updater::State::kStopped;
  ports::FirmwareSlot slot = ports::FirmwareSlot::kA;  // that runs
  bool on_trial = false;
  Version version;
  ByteView image;              // SHA-256 of what runs; empty when it came with the device
  Updater::Progress progress;  // of what is being fetched
  std::uint64_t pins = 0;      // versions of the statements that are held
  std::uint64_t revocations = 0;
  UpdateReport last;  // kNone: none since the start
};

class UpdateSession final : public ports::MqttLink, public ports::MqttLinkEvents, private UpdateHost {
 public:
  struct Ports {
    ports::MqttLink& link;
    ports::FirmwareStore& store;
    const ports::Clock& clock;
    ports::Entropy& entropy;
    UpdateRoom& room;
  };
  static constexpr std::uint32_t kTrialLimitMs = 900'000;

  // All but `talk` outlive it. `trial_limit_ms`: from the start; 0: none.
  UpdateSession(const UpdateConfig& config, const ConversationConfig& talk, const Ports& ports,
                UpdateObserver& observer, std::uint32_t trial_limit_ms = kTrialLimitMs);
  UpdateSession(const UpdateSession&) = delete;
  UpdateSession& operator=(const UpdateSession&) = delete;

  // Who owns the session; before anything else.
  void serve(ports::MqttLinkEvents& core) { core_ = &core; }
  // Reads what is kept. Once, before the core's start.
  void start();
  // Everything that is due by now.
  void on_timer();
  ports::MonotonicMs wake_at() const;
  UpdateSummary summary() const;

  // The core's link.
  Result<void> connect(const ports::LinkRequest& request) override;
  Result<void> subscribe(std::string_view filter, int qos) override;
  Result<void> publish(std::string_view topic, ByteView payload, int qos) override;
  void disconnect() override;

  // The link's events.
  void on_connected(bool session_present) override;
  void on_ended(ports::LinkFailure why, int detail) override;
  void on_subscribed(bool granted) override;
  void on_published() override;
  void on_message(std::string_view topic, ByteView payload) override;

 private:
  enum class Sender : std::uint8_t { kCore, kReport, kRequest };

  // UpdateHost
  void fetch(const OfferId&, std::uint64_t, std::size_t) override {}  // the conversation sees what is wanted
  void restart() override { conversation_.want_restart(); }
  void on_report(const UpdateReport& report) override;

  void take(const ConversationEvent& event);
  void take(ConversationEvent::Kind kind) {
    ConversationEvent event;
    event.kind = kind;
    take(event);
  }
  // False when it could not be sent.
  bool perform(const ConversationAction& action);
  bool send(const ConversationAction& action, Sender sender);
  UpdateStanding standing() const;
  void session_ended();
  bool note(Sender sender);
  Sender settle();

  const UpdateConfig& config_;
  const ConversationConfig talk_;
  Ports ports_;
  UpdateObserver& observer_;
  const std::uint32_t trial_limit_ms_;
  UpdateDriver updates_;
  Conversation conversation_;
  ports::MqttLinkEvents* core_ = nullptr;
  UpdateReport last_;
  ports::MonotonicMs started_at_ = 0;
  bool trial_given_up_ = false;
  bool clock_was_set_ = false;
  bool performing_ = false;

  // The session.
  bool to_hub_ = false;
  bool up_ = false;
  bool ready_ = false;                 // the core's subscriptions were granted
  std::uint32_t core_subscribes_ = 0;  // that are open
  bool own_subscribe_ = false;         // is open, and the only one
  // Whose open publishes these are, oldest first: acknowledgements come in that order (MQTT 3.1.1 section 4.6).
  static constexpr std::size_t kOpenMax = 64;
  std::array<Sender, kOpenMax> open_{};
  std::size_t open_first_ = 0;
  std::size_t open_size_ = 0;
  std::size_t beyond_ = 0;  // the core's, after those; meanwhile nothing is sent beside it
};

}  // namespace latchkey::agent
