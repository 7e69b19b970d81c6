// SPDX-License-Identifier: Apache-2.0
#include "platform/posix/paho_session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <chrono>
#include <memory>

#include "platform/posix/tls_trace.h"

namespace latchkey::posix {
namespace {

using ports::LinkFailure;
using namespace std::chrono_literals;

constexpr int kSubscriptionRefused = 0x80;  // MQTT 3.1.1 section 3.9.3
constexpr auto kDisconnectPatience = 2s;

struct ContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

mqtt::ssl_options tls_options(const SessionSettings& settings) {
  mqtt::ssl_options tls;
  tls.set_trust_store(settings.trust_store);
  if (!settings.certificate.empty()) {
    tls.set_key_store(settings.certificate);
    tls.set_private_key(settings.key);
  }
  tls.set_enable_server_cert_auth(true);
  tls.set_verify(true);  // the host name: without this any name will do
  // No set_error_handler: see tls_trace.h.
  return tls;
}

mqtt::connect_options connect_options(const SessionSettings& settings) {
  mqtt::connect_options options;
  options.set_mqtt_version(MQTTVERSION_3_1_1);
  options.set_clean_session(settings.clean_session);
  options.set_keep_alive_interval(settings.keep_alive_s);
  options.set_connect_timeout(settings.connect_timeout_s);
  options.set_automatic_reconnect(false);
  if (!settings.username.empty()) options.set_user_name(settings.username);
  if (!settings.password.empty()) options.set_password(settings.password);
  options.set_ssl(tls_options(settings));
  return options;
}

// Paho C ends itself with its last client, while threads that it has told to end may still write to its log (1.3.12: a
// use after free that the address sanitizer saw once). A client that is never connected keeps it alive.
void keep_library_alive() {
  static const auto* const keeper = new mqtt::async_client("tcp://127.0.0.1:1883", "latchkey-keeper");
  (void)keeper;
}

}  // namespace

SessionSettings::~SessionSettings() {
  wipe(MutableBytes(reinterpret_cast<std::uint8_t*>(password.data()), password.size()));
}

bool tls_files_load(const SessionSettings& settings) {
  ERR_clear_error();
  const std::unique_ptr<SSL_CTX, ContextFree> context(SSL_CTX_new(TLS_client_method()));
  bool good = context && SSL_CTX_load_verify_locations(context.get(), settings.trust_store.c_str(), nullptr) == 1;
  if (good && !settings.certificate.empty()) {
    good = SSL_CTX_use_certificate_chain_file(context.get(), settings.certificate.c_str()) == 1 &&
           SSL_CTX_use_PrivateKey_file(context.get(), settings.key.c_str(), SSL_FILETYPE_PEM) == 1 &&
           SSL_CTX_check_private_key(context.get()) == 1;
  }
  ERR_clear_error();
  return good;
}

PahoSession::PahoSession(const SessionSettings& settings, SessionOwner& owner)
    : owner_(owner), client_(settings.uri, settings.client_id) {
  keep_library_alive();
  // Not set_callback: it completes the connect token twice, and takes two of Paho's locks in the wrong order.
  client_.set_connection_lost_handler([this](const std::string&) { on_lost(); });
  client_.set_message_callback([this](mqtt::const_message_ptr message) { on_message(*message); });
}

void PahoSession::start(const SessionSettings& settings) { client_.connect(connect_options(settings), nullptr, *this); }

void PahoSession::subscribe(const std::string& filter, int qos) { client_.subscribe(filter, qos, nullptr, *this); }

void PahoSession::publish(const std::string& topic, ByteView payload, int qos) {
  const auto message = mqtt::make_message(topic, payload.data(), payload.size(), qos, false);
  if (qos == 0) {
    client_.publish(message);
  } else {
    client_.publish(message, nullptr, *this);
  }
}

void PahoSession::finish() {
  try {
    if (!connected_) return;
    // 0: not to wait for publishes under way, which Paho would look at every 3 s only.
    client_.disconnect(mqtt::disconnect_options(0))->wait_for(kDisconnectPatience);
  } catch (const std::exception&) {
    // The session ended by itself meanwhile.
  }
}

bool PahoSession::claim_end() {
  connected_ = false;
  return !ended_.exchange(true);
}

void PahoSession::end(LinkFailure why, int detail) {
  if (claim_end()) owner_.session_ended(why, detail);
}

void PahoSession::on_lost() {
  take_tls_trace();
  end(LinkFailure::kLost, 0);
}

void PahoSession::on_message(const mqtt::message& message) {
  if (!ended_) owner_.session_message(message.get_topic(), ByteView(message.get_payload()));
}

void PahoSession::on_success(const mqtt::token& token) {
  if (ended_) return;
  switch (token.get_type()) {
    case mqtt::token::CONNECT:
      take_tls_trace();
      connected_ = true;
      owner_.session_up(token.get_connect_response().is_session_present());
      break;
    case mqtt::token::SUBSCRIBE: owner_.session_subscribed(true); break;
    case mqtt::token::PUBLISH: owner_.session_published(); break;
    default: break;
  }
}

void PahoSession::on_failure(const mqtt::token& token) {
  if (token.get_type() == mqtt::token::CONNECT) {
    const LinkEnd judged = judge_connect_failure(token.get_return_code(), take_tls_trace());
    end(judged.why, judged.detail);
  } else if (token.get_type() == mqtt::token::SUBSCRIBE && token.get_return_code() == kSubscriptionRefused && !ended_) {
    owner_.session_subscribed(false);
  }
  // Every other failure is the end of the session, which reports itself.
}

}  // namespace latchkey::posix
