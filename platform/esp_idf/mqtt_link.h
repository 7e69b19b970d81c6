// SPDX-License-Identifier: Apache-2.0
// MqttLink over esp-mqtt. One client lives as long as the link; a connect() with another credential swaps it in the one
// order that is safe: the session has ended, esp_mqtt_set_config gives the whole configuration, and only then the
// client is told to connect. esp-mqtt keeps pointers to key and certificates; the buffer they lie in is filled when no
// attempt is under way and wiped as soon as one has come to its session or its end.
//
// Threads: all functions are for the agent's task, which calls poll() in its loop and gets every event from within it.
// esp-mqtt's own task only fills a mailbox. Needs no clock of its own but esp_timer.
//
// Beyond the port: an attempt that is given up by disconnect() ends with kLost when esp-mqtt gets round to it, within
// its network time-out. kTlsAlert has no number: esp-tls keeps it to itself. A session begins with an empty outbox:
// what the last one left unacknowledged is the core's to send again, and was meant for another server perhaps.
#pragma once

#include <mqtt_client.h>

#include <array>
#include <atomic>

#include "platform/esp_idf/mailbox.h"
#include "platform/ports/storage.h"

namespace latchkey::esp_idf {

class EspMqttLink final : public ports::MqttLink {
 public:
  // Texts in PEM, ended by a zero; they outlive the link.
  struct Options {
    const char* trust = nullptr;                   // the CAs that may certify the server; no others are taken
    const char* onboarding_certificate = nullptr;  // with its chain; null: none
    const char* onboarding_key = nullptr;
    int network_timeout_ms = 10'000;  // of a handshake, of CONNACK, of a write
  };
  static constexpr std::size_t kMaxCredential = 8192;
  static constexpr std::size_t kMaxText = 512;  // of topic, user name and password
  static constexpr int kTaskStack = 6144;
  static constexpr int kBuffer = 2048;       // larger messages come in pieces and are put together
  static constexpr int kOutboxMax = 16'384;  // bytes that wait for their acknowledgement

  // All of them outlive the link.
  EspMqttLink(const Options& options, ports::Storage& storage, ports::MqttLinkEvents& events);
  // Not from within an event. Waits for esp-mqtt's task to end.
  ~EspMqttLink() override;
  EspMqttLink(const EspMqttLink&) = delete;
  EspMqttLink& operator=(const EspMqttLink&) = delete;

  // A credential that is not there is told at once: kNotFound, kCorrupt; kUnsupported for an onboarding certificate
  // that there is none of. kInvalidArgument, kTooLarge for texts; kInternal when memory is short.
  Result<void> connect(const ports::LinkRequest& request) override;
  // kNotReady without a session, kThrottled when the outbox is full, kTooLarge.
  Result<void> subscribe(std::string_view filter, int qos) override;
  Result<void> publish(std::string_view topic, ByteView payload, int qos) override;
  void disconnect() override;

  // Delivers what has come; waits for it up to `wait_ms`. True when there was something.
  bool poll(std::uint32_t wait_ms);
  // Messages that did not fit.
  std::uint32_t dropped() const { return mailbox_.dropped(); }

 private:
  // Of the agent's task.
  enum class Phase : std::uint8_t { kIdle, kConnecting, kUp, kLeaving };
  using Text = std::array<char, kMaxText + 1>;

  Result<void> choose_credential(ports::LinkIdentity identity);
  Result<void> load_slot(ports::Item item);
  Result<void> copy_texts(const ports::LinkRequest& request);
  esp_mqtt_client_config_t configuration(const ports::LinkRequest& request) const;
  Result<void> begin(const esp_mqtt_client_config_t& configuration);
  Result<void> restart();
  void wipe_texts();
  void notice_connected();
  void give_up_when_late();
  void end(ports::LinkFailure why, int detail);

  // Of esp-mqtt's task.
  static void on_event(void* self, esp_event_base_t base, std::int32_t id, void* data);
  void take(const esp_mqtt_event_t& event);
  void take_disconnected();

  const Options options_;
  ports::Storage& storage_;
  ports::MqttLinkEvents& events_;
  esp_mqtt_client_handle_t client_ = nullptr;
  Phase phase_ = Phase::kIdle;
  bool running_ = false;  // esp-mqtt's task was started
  std::int64_t leave_by_us_ = 0;
  const char* certificate_ = nullptr;
  const char* key_ = nullptr;
  Text host_{};
  Text client_id_{};
  Text username_{};
  Text password_{};
  Text topic_{};

  // Handed from task to task by the order of things: the agent's touches them while no attempt is under way, and
  // esp-mqtt's while one is.
  std::array<std::uint8_t, kMaxCredential + 1> credential_{};
  struct Attempt {
    // What comes before this is an echo of the last session, which may come while a new attempt is being prepared.
    std::atomic<bool> begun{false};
    bool connected = false;  // CONNACK 0
    ports::LinkFailure why = ports::LinkFailure::kUnreachable;
    int detail = 0;
    void reset() {
      begun = false;
      connected = false;
      why = ports::LinkFailure::kUnreachable;
      detail = 0;
    }
  };
  Attempt attempt_;

  Mailbox mailbox_;
};

}  // namespace latchkey::esp_idf
