// SPDX-License-Identifier: Apache-2.0
// One Paho client from its connect to its end. Private to platform/posix: PahoLink owns it and decides on which thread
// it is made and destroyed.
#pragma once

#include <mqtt/async_client.h>

#include <atomic>
#include <string>

#include "platform/ports/mqtt_link.h"

namespace latchkey::posix {

// ports::LinkRequest and the options, resolved to what one client needs. Wipes the password.
struct SessionSettings {
  std::string uri;  // ssl://host:port
  std::string client_id;
  std::string username;
  std::string password;
  std::string trust_store;
  std::string certificate;  // both empty: server authentication only
  std::string key;
  int keep_alive_s = 60;
  int connect_timeout_s = 10;
  bool clean_session = true;

  SessionSettings() = default;
  SessionSettings(SessionSettings&&) = default;
  SessionSettings& operator=(SessionSettings&&) = default;
  ~SessionSettings();
};

// Whether OpenSSL can load the files, and key and certificate belong together. Paho would say only "failure".
bool tls_files_load(const SessionSettings& settings);

// What a session tells its owner, on Paho's thread.
class SessionOwner {
 public:
  virtual ~SessionOwner() = default;
  virtual void session_up(bool session_present) = 0;
  // Once at most per session.
  virtual void session_ended(ports::LinkFailure why, int detail) = 0;
  virtual void session_subscribed(bool granted) = 0;
  virtual void session_published() = 0;
  virtual void session_message(std::string_view topic, ByteView payload) = 0;
};

class PahoSession final : mqtt::iaction_listener {
 public:
  // May throw (mqtt::exception, std::bad_alloc), as may start, subscribe and publish.
  PahoSession(const SessionSettings& settings, SessionOwner& owner);

  void start(const SessionSettings& settings);
  void subscribe(const std::string& filter, int qos);
  void publish(const std::string& topic, ByteView payload, int qos);
  // Sends DISCONNECT and waits until it is out, 2 s at most. Nothing when there is no session. Does not throw.
  void finish();

  bool connected() const { return connected_; }
  // True for the first caller only: who ends the session reports it.
  bool claim_end();

 private:
  void on_lost();
  void on_message(const mqtt::message& message);
  void on_success(const mqtt::token& token) override;
  void on_failure(const mqtt::token& token) override;
  void end(ports::LinkFailure why, int detail);

  SessionOwner& owner_;
  std::atomic<bool> connected_ = false;
  std::atomic<bool> ended_ = false;
  mqtt::async_client client_;  // last: it is destroyed first, and with it every callback
};

}  // namespace latchkey::posix
