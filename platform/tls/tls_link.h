// SPDX-License-Identifier: Apache-2.0
// MqttLink for boards without an operating system: mqtt::Client over TlsSession over the board's ByteStream. Driven by
// poll() from the board's loop; events arrive from within poll(), never from within the link's other functions. One
// thread; no heap but mbedTLS's.
//
// Credentials are read from storage when a session begins: key and chain of the slot's record, by their PEM labels.
#pragma once

#include "platform/mqtt/client.h"
#include "platform/ports/clock.h"
#include "platform/ports/storage.h"
#include "platform/tls/tls_session.h"

namespace latchkey::tls {

class TlsLink final : public ports::MqttLink {
 public:
  struct Options {
    ByteView trust_anchor;                // DER of the one certificate that the hub's server certificates chain to
    MutableBytes in;                      // largest message; also holds a record while a session begins: 8 KB or more
    MutableBytes out;                     // largest packet that is sent
    std::uint64_t (*cycles)() = nullptr;  // counts what handshakes cost, where a board can; null: not counted
  };
  struct Figures {
    std::uint32_t handshakes = 0;             // completed
    std::uint64_t last_handshake_cycles = 0;  // spent in TLS, waiting left out
  };

  // All of them outlive the link.
  TlsLink(const Options& options, ByteStream& stream, ports::Storage& storage, const ports::Clock& clock,
          ports::MqttLinkEvents& events);

  // kUnsupported for kOnboarding: this link has no onboarding certificate.
  Result<void> connect(const ports::LinkRequest& request) override;
  Result<void> subscribe(std::string_view filter, int qos) override { return client_.subscribe(filter, qos); }
  Result<void> publish(std::string_view topic, ByteView payload, int qos) override {
    return client_.publish(topic, payload, qos);
  }
  void disconnect() override;

  // Moves on as far as it goes without waiting. True when something happened: call again before sleeping.
  bool poll();
  // When poll() has something to do without anything having come; 0: never.
  ports::MonotonicMs wake_at() const { return client_.wake_at(); }
  const Figures& figures() const { return figures_; }

 private:
  enum class Stage : std::uint8_t { kIdle, kOpening, kHandshake, kSession, kClosing };

  Result<void> begin_tls(const ports::LinkRequest& request);
  Result<void> begin_with_slot(std::string_view host, ports::Item item);
  bool poll_opening();
  bool poll_handshake();
  bool poll_session();
  bool poll_closing();
  bool send_waiting();
  void end(ports::LinkFailure why, int detail);
  std::uint64_t cycles() const { return options_.cycles != nullptr ? options_.cycles() : 0; }

  const Options options_;
  ByteStream& stream_;
  ports::Storage& storage_;
  const ports::Clock& clock_;
  ports::MqttLinkEvents& events_;
  TlsSession tls_;
  mqtt::Client client_;
  Stage stage_ = Stage::kIdle;
  bool was_up_ = false;
  ports::MonotonicMs closing_until_ = 0;
  std::uint64_t handshake_cycles_ = 0;
  Figures figures_;
};

}  // namespace latchkey::tls
