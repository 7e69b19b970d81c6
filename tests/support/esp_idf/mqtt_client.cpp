// SPDX-License-Identifier: Apache-2.0
#include "tests/support/esp_idf/mqtt_client.h"

#include <esp_tls_errors.h>
#include <mosquitto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kAlert = 0x7780;
constexpr int kVerifyFailed = 0x2700;
constexpr int kEof = 0x7280;
constexpr int kNoTls = 0x7200;

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Context = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;

std::atomic<std::size_t> g_clients{0};
std::atomic<std::size_t> g_repeats{0};
std::atomic<bool> g_end_twice{false};
std::atomic<bool> g_die{false};

Bio text_of(const char* pem) { return Bio(BIO_new_mem_buf(pem, -1)); }

}  // namespace

struct esp_mqtt_client {
  enum class State { kInit, kConnected, kWaiting, kOff };
  struct Sent {
    std::string topic, payload;
    int qos;
  };

  explicit esp_mqtt_client(const esp_mqtt_client_config_t& given) {
    ++g_clients;
    configure(given);
  }
  ~esp_mqtt_client() {
    stop();
    --g_clients;
  }

  void configure(const esp_mqtt_client_config_t& given) {
    config = given;  // its texts are looked at no more
    keep(given.broker.address.hostname, host);
    keep(given.credentials.client_id, id);
    keep(given.credentials.username, username);
    keep(given.credentials.authentication.password, password);
  }
  // Left out: as it was.
  static void keep(const char* text, std::string& kept) {
    if (text != nullptr) kept = text;
  }

  esp_err_t start() {
    const std::lock_guard lock(api);
    if (running) return ESP_FAIL;
    if (task.joinable()) task.join();
    running = true;
    state = State::kInit;
    task = std::thread([this] { run(); });
    return ESP_OK;
  }

  esp_err_t stop() {
    bool was_running = false;
    {
      const std::lock_guard lock(api);
      was_running = running;
      if (was_running && std::this_thread::get_id() == task.get_id()) return ESP_FAIL;
      running = false;
    }
    bits_changed.notify_all();
    if (task.joinable()) task.join();
    return was_running ? ESP_OK : ESP_FAIL;
  }

  void run() {
    while (step()) {
    }
    const std::lock_guard lock(api);
    close();
    outbox.clear();
    state = State::kOff;
  }

  bool step() {
    std::unique_lock lock(api);
    if (!running) return false;
    switch (state) {
      case State::kInit:
        clear_bits();
        if (g_die.exchange(false)) {
          running = false;
          return false;
        }
        attempt();
        return true;
      case State::kConnected:
        if (take_disconnect()) {
          mosquitto_disconnect(session);
          mosquitto_loop_write(session, 1);
          abort_connection();
        } else if (mosquitto_loop(session, 5, 1) != MOSQ_ERR_SUCCESS) {
          abort_connection();
        }
        lock.unlock();
        std::this_thread::sleep_for(1ms);  // or the lock would never be anybody else's
        return true;
      case State::kWaiting: break;
      case State::kOff: return false;
    }
    if (take_reconnect()) {
      if (echo) tell(MQTT_EVENT_DISCONNECTED);
      echo = false;
      state = State::kInit;
      return true;
    }
    const auto look_again = std::chrono::milliseconds(config.network.reconnect_timeout_ms / 2);
    lock.unlock();
    std::unique_lock bits(bits_lock);
    bits_changed.wait_for(bits, look_again, [this] { return reconnect || !running; });
    return true;
  }

  void attempt() {
    tell(MQTT_EVENT_BEFORE_CONNECT);
    const esp_err_t opened = open();
    if (opened != ESP_OK) {
      close();
      tell_transport(opened);
      return abort_connection();
    }
    if (!talk()) return abort_connection();
    state = State::kConnected;
    event.session_present = session_present;
    tell(MQTT_EVENT_CONNECTED);
    repeat_outbox();
  }

  // TCP and the first of TLS; the transport's code.
  esp_err_t open() {
    handshake_done = not_trusted = false;
    alert = 0;
    esp_err_t why = ESP_OK;
    context = make_context(why);
    if (!context) return why;
    session = mosquitto_new(id.c_str(), !config.session.disable_clean_session, this);
    mosquitto_int_option(session, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V311);
    mosquitto_int_option(session, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
    mosquitto_void_option(session, MOSQ_OPT_SSL_CTX, context.get());
    // A password without a name goes out beside an empty name.
    const bool named = !username.empty() || !password.empty();
    mosquitto_username_pw_set(session, named ? username.c_str() : nullptr,
                              password.empty() ? nullptr : password.c_str());
    mosquitto_connect_with_flags_callback_set(session, [](mosquitto*, void* self, int code, int flags) {
      auto& client = *static_cast<esp_mqtt_client*>(self);
      client.connack = code;
      client.session_present = flags & 1;
    });
    mosquitto_subscribe_callback_set(session, [](mosquitto*, void* self, int mid, int count, const int* granted) {
      static_cast<esp_mqtt_client*>(self)->on_subscribed(mid, count > 0 ? granted[0] : 0x80);
    });
    mosquitto_publish_callback_set(
        session, [](mosquitto*, void* self, int mid) { static_cast<esp_mqtt_client*>(self)->on_published(mid); });
    mosquitto_message_callback_set(session, [](mosquitto*, void* self, const mosquitto_message* message) {
      static_cast<esp_mqtt_client*>(self)->on_message(*message);
    });
    connack = -1;
    const int keep_alive = config.session.disable_keepalive ? 0 : config.session.keepalive;
    const int code = mosquitto_connect(session, host.c_str(), static_cast<int>(config.broker.address.port), keep_alive);
    if (code == MOSQ_ERR_SUCCESS) return ESP_OK;
    if (code == MOSQ_ERR_EAI) return ESP_ERR_ESP_TLS_CANNOT_RESOLVE_HOSTNAME;
    if (code == MOSQ_ERR_TLS || alert != 0 || not_trusted) return ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED;
    return ESP_ERR_ESP_TLS_FAILED_CONNECT_TO_HOST;
  }

  // The rest of TLS, CONNECT and CONNACK.
  bool talk() {
    const auto until = Clock::now() + std::chrono::milliseconds(config.network.timeout_ms);
    while (connack < 0 && running) {
      if (Clock::now() > until) {
        if (!handshake_done) tell_transport(ESP_ERR_ESP_TLS_SERVER_HANDSHAKE_TIMEOUT);
        return false;
      }
      const int code = mosquitto_loop(session, 20, 1);
      if (code == MOSQ_ERR_SUCCESS || connack >= 0) continue;
      tell_transport(handshake_done ? ESP_ERR_ESP_TLS_TCP_CLOSED_FIN : ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED);
      return false;
    }
    if (connack == 0) return true;
    errors = {};
    errors.error_type = MQTT_ERROR_TYPE_CONNECTION_REFUSED;
    errors.connect_return_code = connack;
    if (connack > 0) tell(MQTT_EVENT_ERROR);
    return false;
  }

  Context make_context(esp_err_t& why) {
    Context made(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_max_proto_version(made.get(), TLS1_2_VERSION);  // as ESP-IDF is configured
    SSL_CTX_set_app_data(made.get(), this);
    SSL_CTX_set_info_callback(made.get(), hear);
    SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, judge);
    why = ESP_ERR_MBEDTLS_SSL_SETUP_FAILED;  // no trust: esp-tls refuses
    if (config.broker.verification.certificate == nullptr) return nullptr;
    why = ESP_ERR_MBEDTLS_X509_CRT_PARSE_FAILED;
    const Bio trust = text_of(config.broker.verification.certificate);
    int anchors = 0;
    for (Certificate one(PEM_read_bio_X509(trust.get(), nullptr, nullptr, nullptr)); one;
         one.reset(PEM_read_bio_X509(trust.get(), nullptr, nullptr, nullptr))) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(made.get()), one.get());
      ++anchors;
    }
    ERR_clear_error();
    if (anchors == 0) return nullptr;
    X509_VERIFY_PARAM* const wanted = SSL_CTX_get0_param(made.get());
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) != 1) {
      X509_VERIFY_PARAM_set1_host(wanted, host.data(), host.size());
    }
    ERR_clear_error();
    return show(made.get(), why) ? std::move(made) : nullptr;
  }

  bool show(SSL_CTX* made, esp_err_t& why) const {
    const auto& own = config.credentials.authentication;
    if (own.certificate == nullptr) return true;
    const Bio chain = text_of(own.certificate);
    const Certificate leaf(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
    ERR_clear_error();
    why = ESP_ERR_MBEDTLS_X509_CRT_PARSE_FAILED;
    if (!leaf || SSL_CTX_use_certificate(made, leaf.get()) != 1) return false;
    for (Certificate one(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)); one;
         one.reset(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr))) {
      SSL_CTX_add1_chain_cert(made, one.get());
    }
    why = ESP_ERR_MBEDTLS_PK_PARSE_KEY_FAILED;
    const Bio text = text_of(own.key);
    const Key key(PEM_read_bio_PrivateKey(text.get(), nullptr, nullptr, nullptr));
    // A key of another certificate is found out by the server alone: mbedTLS does not compare them.
    const bool good = key && SSL_CTX_use_PrivateKey(made, key.get()) == 1;
    ERR_clear_error();
    return good;
  }

  static void hear(const SSL* tls, int where, int value) {
    auto& client = *static_cast<esp_mqtt_client*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls)));
    if (where == SSL_CB_HANDSHAKE_DONE) client.handshake_done = true;
    if (where == SSL_CB_READ_ALERT && (value & 0xFF) != SSL_AD_CLOSE_NOTIFY) client.alert = value & 0xFF;
  }
  static int judge(int good, X509_STORE_CTX* store) {
    const auto* const tls = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    if (good == 0) static_cast<esp_mqtt_client*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls)))->not_trusted = true;
    return good;
  }

  void tell(esp_mqtt_event_id_t what) {
    event.event_id = what;
    event.error_handle = &errors;
    if (handler != nullptr) handler(argument, "MQTT_EVENTS", what, &event);
  }

  void tell_transport(esp_err_t code) {
    errors = {};
    errors.error_type = MQTT_ERROR_TYPE_TCP_TRANSPORT;
    errors.esp_tls_last_esp_err = code;
    if (code == ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED) {
      errors.esp_tls_cert_verify_flags = not_trusted ? 8 : 0;
      const unsigned long reason = ERR_GET_REASON(ERR_peek_last_error());
      errors.esp_tls_stack_err = not_trusted                            ? kVerifyFailed
                                 : alert != 0                           ? kAlert
                                 : reason == SSL_R_WRONG_VERSION_NUMBER ? kNoTls
                                                                        : kEof;
    }
    ERR_clear_error();
    tell(MQTT_EVENT_ERROR);
  }

  void close() {
    if (session != nullptr) mosquitto_destroy(session);
    session = nullptr;
    context.reset();
  }

  void abort_connection() {
    close();
    state = State::kWaiting;
    tell(MQTT_EVENT_DISCONNECTED);
    echo = g_end_twice;
  }

  void repeat_outbox() {
    const auto waiting = std::move(outbox);
    outbox.clear();
    for (const auto& [mid, sent] : waiting) {
      ++g_repeats;
      transmit(sent);
    }
  }

  int transmit(const Sent& sent) {
    int mid = 0;
    const int code = mosquitto_publish(session, &mid, sent.topic.c_str(), static_cast<int>(sent.payload.size()),
                                       sent.payload.data(), sent.qos, false);
    if (code != MOSQ_ERR_SUCCESS) {
      abort_connection();
      return -1;
    }
    if (sent.qos > 0) outbox[mid] = sent;
    return sent.qos > 0 ? mid : 0;
  }

  int publish(Sent sent) {
    const std::lock_guard lock(api);
    std::size_t waiting = sent.payload.size();
    for (const auto& [mid, other] : outbox) waiting += other.payload.size();
    if (sent.qos > 0 && config.outbox.limit > 0 && waiting > config.outbox.limit) return -2;
    if (state == State::kConnected) return transmit(sent);
    if (sent.qos == 0) return -1;
    outbox[--queued] = std::move(sent);  // goes out when there is a session again, whoever that is with
    return 1;
  }

  int subscribe(const char* filter, int qos) {
    const std::lock_guard lock(api);
    if (state != State::kConnected) return -1;
    int mid = 0;
    return mosquitto_subscribe(session, &mid, filter, qos) == MOSQ_ERR_SUCCESS ? mid : -1;
  }

  void on_subscribed(int mid, int granted) {
    char code = static_cast<char>(granted);
    errors = {};
    errors.error_type = (granted & 0x80) != 0 ? MQTT_ERROR_TYPE_SUBSCRIBE_FAILED : MQTT_ERROR_TYPE_NONE;
    event.msg_id = mid;
    event.data = &code;
    event.data_len = 1;
    tell(MQTT_EVENT_SUBSCRIBED);
    event.data = nullptr;
    event.data_len = 0;
  }

  void on_published(int mid) {
    if (outbox.erase(mid) == 0) return;  // QoS 0: libmosquitto tells that it is out
    event.msg_id = mid;
    tell(MQTT_EVENT_PUBLISHED);
  }

  // As it comes out of the receive buffer: the first piece has less room, by header and topic.
  void on_message(const mosquitto_message& message) {
    std::string topic = message.topic;
    std::string payload(static_cast<const char*>(message.payload), static_cast<std::size_t>(message.payloadlen));
    const std::size_t buffer = static_cast<std::size_t>(config.buffer.size);
    std::size_t room = buffer > topic.size() + 9 ? buffer - topic.size() - 9 : 1;
    event.total_data_len = message.payloadlen;
    std::size_t at = 0;
    do {
      const std::size_t size = std::min(room, payload.size() - at);
      event.topic = at == 0 ? topic.data() : nullptr;
      event.topic_len = at == 0 ? static_cast<int>(topic.size()) : 0;
      event.data = size > 0 ? payload.data() + at : nullptr;
      event.data_len = static_cast<int>(size);
      event.current_data_offset = static_cast<int>(at);
      tell(MQTT_EVENT_DATA);
      at += size;
      room = buffer;
    } while (at < payload.size());
    event.topic = event.data = nullptr;
  }

  void ask_reconnect() {
    {
      const std::lock_guard lock(bits_lock);
      reconnect = true;
    }
    bits_changed.notify_all();
  }
  void ask_disconnect() {
    const std::lock_guard lock(bits_lock);
    disconnect = true;
  }
  void clear_bits() {
    const std::lock_guard lock(bits_lock);
    disconnect = reconnect = false;
  }
  bool take_disconnect() {
    const std::lock_guard lock(bits_lock);
    return std::exchange(disconnect, false);
  }
  bool take_reconnect() {
    const std::lock_guard lock(bits_lock);
    return std::exchange(reconnect, false);
  }

  std::recursive_mutex api;
  std::atomic<bool> running{false};
  std::atomic<State> state{State::kOff};
  std::thread task;
  esp_mqtt_client_config_t config{};
  std::string host, id, username, password;
  esp_event_handler_t handler = nullptr;
  void* argument = nullptr;
  esp_mqtt_event_t event{};
  esp_mqtt_error_codes_t errors{};
  mosquitto* session = nullptr;
  Context context;
  bool handshake_done = false, not_trusted = false;
  int alert = 0;
  int connack = -1;
  int session_present = 0;
  bool echo = false;
  std::map<int, Sent> outbox;
  int queued = 0;  // negative numbers for what has none yet

  std::mutex bits_lock;
  std::condition_variable bits_changed;
  bool disconnect = false, reconnect = false;
};

namespace latchkey::test::esp {

std::size_t mqtt_clients() { return g_clients; }
std::size_t mqtt_repeats() { return g_repeats; }
void mqtt_end_twice(bool on) { g_end_twice = on; }
void mqtt_die_silently(bool on) { g_die = on; }

}  // namespace latchkey::test::esp

esp_mqtt_client_handle_t esp_mqtt_client_init(const esp_mqtt_client_config_t* config) {
  std::signal(SIGPIPE, SIG_IGN);
  mosquitto_lib_init();
  return new esp_mqtt_client(*config);
}

esp_err_t esp_mqtt_client_register_event(esp_mqtt_client_handle_t client, esp_mqtt_event_id_t,
                                         esp_event_handler_t handler, void* argument) {
  client->handler = handler;
  client->argument = argument;
  return ESP_OK;
}

esp_err_t esp_mqtt_client_start(esp_mqtt_client_handle_t client) { return client->start(); }
esp_err_t esp_mqtt_client_stop(esp_mqtt_client_handle_t client) { return client->stop(); }

esp_err_t esp_mqtt_client_destroy(esp_mqtt_client_handle_t client) {
  delete client;
  return ESP_OK;
}

esp_err_t esp_mqtt_set_config(esp_mqtt_client_handle_t client, const esp_mqtt_client_config_t* config) {
  const std::lock_guard lock(client->api);
  client->configure(*config);
  return ESP_OK;
}

esp_err_t esp_mqtt_client_reconnect(esp_mqtt_client_handle_t client) {
  if (client->state != esp_mqtt_client::State::kWaiting) return ESP_FAIL;
  client->ask_reconnect();
  return ESP_OK;
}

esp_err_t esp_mqtt_client_disconnect(esp_mqtt_client_handle_t client) {
  client->ask_disconnect();
  return ESP_OK;
}

int esp_mqtt_client_subscribe_single(esp_mqtt_client_handle_t client, const char* filter, int qos) {
  return client->subscribe(filter, qos);
}

int esp_mqtt_client_publish(esp_mqtt_client_handle_t client, const char* topic, const char* data, int length, int qos,
                            int) {
  std::string payload;
  if (data != nullptr) payload = length > 0 ? std::string(data, static_cast<std::size_t>(length)) : std::string(data);
  return client->publish({topic, std::move(payload), qos});
}

int esp_mqtt_client_get_outbox_size(esp_mqtt_client_handle_t client) {
  const std::lock_guard lock(client->api);
  std::size_t size = 0;
  for (const auto& [mid, sent] : client->outbox) size += sent.topic.size() + sent.payload.size() + 4;
  return static_cast<int>(size);
}
