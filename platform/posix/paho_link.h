// SPDX-License-Identifier: Apache-2.0
// MqttLink over Paho MQTT C++ (TLS by OpenSSL). One Paho client per connect(): a used one takes a second longer to
// connect again and keeps the old credential's settings.
//
// Threads: any thread may call the requests, also from within an event. Events are called on Paho's receive thread or
// on the link's own worker, one at a time: post them to your queue and return; whatever takes long there stops every
// Paho client of the process. Clients are made and destroyed on the worker only, never in a callback, because
// destroying the last client of a process waits up to 1.1 s for Paho's threads; the worker does so as soon as a
// session has ended, and a connect() in that time waits for it without blocking its caller.
// The destructor must not run within an event; once it has returned no event comes, also none for an open session.
//
// Beyond the port: an attempt given up by disconnect() ends with kLost too. Files are read at every connect. Paho
// honours the environment variable https_proxy. Names are resolved by Paho within 100 ms or the attempt fails.
#pragma once

#include <memory>
#include <string>

#include "platform/ports/mqtt_link.h"

namespace latchkey::posix {

// Paths of PEM files. A slot's file holds key and chain both, leaf first, with any text in front of them.
struct PahoLinkOptions {
  std::string trust_store;             // the CAs that may certify the server; the system's own are not used
  std::string onboarding_certificate;  // with its chain; empty: LinkIdentity::kOnboarding ends in kLocal
  std::string onboarding_key;
  std::string slot_a;
  std::string slot_b;
  int connect_timeout_s = 10;  // from the first packet to CONNACK; looked at every 3 s
};

class PahoLink final : public ports::MqttLink {
 public:
  // `events` has to outlive the link.
  PahoLink(PahoLinkOptions options, ports::MqttLinkEvents& events);
  ~PahoLink() override;

  // kInvalidArgument: an empty host. kBusy as the port says. A file that cannot be loaded shows as kLocal.
  Result<void> connect(const ports::LinkRequest& request) override;
  // kNotReady without a session, kThrottled when Paho's buffers are full.
  Result<void> subscribe(std::string_view filter, int qos) override;
  Result<void> publish(std::string_view topic, ByteView payload, int qos) override;
  // Does not wait for publishes that are under way.
  void disconnect() override;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::posix
