// SPDX-License-Identifier: Apache-2.0
#include "tests/support/device_client.h"

#include <arpa/inet.h>
#include <mosquitto.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace latchkey::tests {
namespace {

constexpr int kLoopMs = 1000;  // whatever is to be sent wakes the loop

void initialise_library() {
  static const int once = mosquitto_lib_init();
  (void)once;
}

// Over in both directions, with nothing left to be read.
bool is_reset(int socket) {
  pollfd asked{socket, POLLIN, 0};
  char byte = 0;
  return socket >= 0 && ::poll(&asked, 1, 0) == 1 && (asked.revents & (POLLERR | POLLHUP)) != 0 &&
         ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

SSL_CTX* make_tls(const DeviceClient::Options& options) {
  SSL_CTX* const tls = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_load_verify_locations(tls, options.ca_file.c_str(), nullptr);
  SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
  if (options.tls_version != 0) {
    SSL_CTX_set_min_proto_version(tls, options.tls_version);
    SSL_CTX_set_max_proto_version(tls, options.tls_version);
  }
  X509_VERIFY_PARAM* const check = SSL_CTX_get0_param(tls);  // a context of one's own checks no name by itself
  in6_addr any{};
  const bool numeric =
      ::inet_pton(AF_INET, options.host.c_str(), &any) == 1 || ::inet_pton(AF_INET6, options.host.c_str(), &any) == 1;
  if (numeric) {
    X509_VERIFY_PARAM_set1_ip_asc(check, options.host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(check, options.host.c_str(), 0);
  }
  if (options.identity && !options.identity->chain.empty()) {
    SSL_CTX_use_certificate(tls, options.identity->chain.front().get());
    SSL_CTX_use_PrivateKey(tls, options.identity->key.get());
    for (std::size_t i = 1; i + 1 < options.identity->chain.size(); ++i) {  // the root stays at home
      SSL_CTX_add1_chain_cert(tls, options.identity->chain[i].get());
    }
  }
  return tls;
}

}  // namespace

std::string to_string(Seen seen) {
  switch (seen) {
    case Seen::kAccepted: return "accepted";
    case Seen::kRefused: return "refused";
    case Seen::kClosedWithoutConnack: return "closed without CONNACK";
    case Seen::kTlsFailed: return "TLS failed";
    case Seen::kUnreachable: return "unreachable";
    case Seen::kTimeout: return "no answer in time";
  }
  return "";
}

std::string ConnectResult::text() const {
  return to_string(seen) + (seen == Seen::kRefused ? ": CONNACK " + std::to_string(connack) : "");
}

struct DeviceClient::Callbacks {
  static void connected(mosquitto*, void* self, int code, int flags) {
    auto& client = *static_cast<DeviceClient*>(self);
    const std::lock_guard lock(client.mutex_);
    if (!client.result_) {
      client.result_ = ConnectResult{code == 0 ? Seen::kAccepted : Seen::kRefused, code, (flags & 1) != 0};
    }
    client.changed_.notify_all();
  }
  static void disconnected(mosquitto*, void* self, int) {
    auto& client = *static_cast<DeviceClient*>(self);
    const std::lock_guard lock(client.mutex_);
    if (!client.result_) client.result_ = ConnectResult{Seen::kClosedWithoutConnack, -1, false};
    if (!client.closed_) client.closed_ = std::chrono::steady_clock::now();
    client.changed_.notify_all();
  }
  static void subscribed(mosquitto*, void* self, int id, int, const int* granted) {
    auto& client = *static_cast<DeviceClient*>(self);
    const std::lock_guard lock(client.mutex_);
    client.granted_.emplace_back(id, granted[0]);
    client.changed_.notify_all();
  }
  static void published(mosquitto*, void* self, int id) {
    auto& client = *static_cast<DeviceClient*>(self);
    const std::lock_guard lock(client.mutex_);
    client.published_.push_back(id);
    client.changed_.notify_all();
  }
  static void message(mosquitto*, void* self, const mosquitto_message* message) {
    auto& client = *static_cast<DeviceClient*>(self);
    const std::lock_guard lock(client.mutex_);
    client.messages_.push_back(
        {message->topic,
         std::string(static_cast<const char*>(message->payload), static_cast<std::size_t>(message->payloadlen)),
         message->qos});
    client.changed_.notify_all();
  }
};

DeviceClient::DeviceClient(Options options) : options_(std::move(options)) {
  initialise_library();
  client_ =
      mosquitto_new(options_.client_id.empty() ? nullptr : options_.client_id.c_str(), options_.clean_session, this);
  mosquitto_threaded_set(client_, true);
  tls_ = make_tls(options_);
  mosquitto_int_option(client_, MOSQ_OPT_PROTOCOL_VERSION, options_.mqtt_version);
  mosquitto_void_option(client_, MOSQ_OPT_SSL_CTX, tls_);
  mosquitto_int_option(client_, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
  if (!options_.username.empty()) {
    mosquitto_username_pw_set(client_, options_.username.c_str(),
                              options_.password.empty() ? nullptr : options_.password.c_str());
  }
  if (!options_.will_topic.empty()) mosquitto_will_set(client_, options_.will_topic.c_str(), 4, "gone", 1, false);
  mosquitto_connect_with_flags_callback_set(client_, Callbacks::connected);
  mosquitto_disconnect_callback_set(client_, Callbacks::disconnected);
  mosquitto_subscribe_callback_set(client_, Callbacks::subscribed);
  mosquitto_publish_callback_set(client_, Callbacks::published);
  mosquitto_message_callback_set(client_, Callbacks::message);
}

DeviceClient::~DeviceClient() {
  stopping_ = true;
  mosquitto_disconnect(client_);
  if (thread_.joinable()) thread_.join();
  mosquitto_destroy(client_);
  SSL_CTX_free(tls_);
}

ConnectResult DeviceClient::connect(int timeout_ms) {
  const int rc = mosquitto_connect(client_, options_.host.c_str(), options_.port, options_.keep_alive_s);
  if (rc == MOSQ_ERR_TLS) return {Seen::kTlsFailed, -1, false};
  if (rc != MOSQ_ERR_SUCCESS) return {Seen::kUnreachable, -1, false};
  thread_ = std::thread([this] { run(); });
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] { return result_.has_value(); });
  return result_.value_or(ConnectResult{});
}

// The library's own thread ends without a word when the handshake fails in it, which then looks like a hub that does
// not answer, and reconnects behind the test's back. And the library goes on for ever with a handshake that was reset.
void DeviceClient::run() {
  int rc = MOSQ_ERR_SUCCESS;
  while (!stopping_ && rc == MOSQ_ERR_SUCCESS) {
    rc = mosquitto_loop(client_, kLoopMs, 1);
    if (rc == MOSQ_ERR_SUCCESS && is_reset(mosquitto_socket(client_))) rc = MOSQ_ERR_CONN_LOST;
  }
  const std::lock_guard lock(mutex_);
  if (!result_) result_ = ConnectResult{rc == MOSQ_ERR_TLS ? Seen::kTlsFailed : Seen::kClosedWithoutConnack, -1, false};
  if (!closed_) closed_ = std::chrono::steady_clock::now();
  changed_.notify_all();
}

bool DeviceClient::connected() const {
  const std::lock_guard lock(mutex_);
  return result_ && result_->seen == Seen::kAccepted && !closed_;
}

int DeviceClient::subscribe(const std::string& filter, int qos, int timeout_ms) {
  int id = 0;
  if (mosquitto_subscribe(client_, &id, filter.c_str(), qos) != MOSQ_ERR_SUCCESS) return -1;
  std::unique_lock lock(mutex_);
  const auto answer = [&] {
    return std::find_if(granted_.begin(), granted_.end(), [id](const auto& one) { return one.first == id; });
  };
  changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return answer() != granted_.end() || closed_; });
  return answer() == granted_.end() ? -1 : answer()->second;
}

bool DeviceClient::publish(const std::string& topic, const std::string& payload, int qos, int timeout_ms) {
  int id = 0;
  if (mosquitto_publish(client_, &id, topic.c_str(), static_cast<int>(payload.size()), payload.data(), qos, false) !=
      MOSQ_ERR_SUCCESS) {
    return false;
  }
  std::unique_lock lock(mutex_);
  const auto acknowledged = [&] { return std::find(published_.begin(), published_.end(), id) != published_.end(); };
  changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return acknowledged() || closed_; });
  return acknowledged();
}

std::optional<Message> DeviceClient::wait_message(const std::function<bool(const Message&)>& wanted, int timeout_ms) {
  std::unique_lock lock(mutex_);
  auto found = messages_.end();
  changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] {
    found = std::find_if(messages_.begin(), messages_.end(), wanted);
    return found != messages_.end() || closed_;
  });
  found = std::find_if(messages_.begin(), messages_.end(), wanted);
  if (found == messages_.end()) return std::nullopt;
  Message message = std::move(*found);
  messages_.erase(found);
  return message;
}

std::size_t DeviceClient::waiting_messages() const {
  const std::lock_guard lock(mutex_);
  return messages_.size();
}

std::optional<TimePoint> DeviceClient::wait_closed(int timeout_ms) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] { return closed_.has_value(); });
  return closed_;
}

void DeviceClient::disconnect() { mosquitto_disconnect(client_); }

}  // namespace latchkey::tests
