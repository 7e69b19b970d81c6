// SPDX-License-Identifier: Apache-2.0
#include "platform/esp_idf/mqtt_link.h"

#include <esp_timer.h>

#include <cstring>

#include "platform/esp_idf/link_failure.h"

namespace latchkey::esp_idf {
namespace {

using ports::LinkFailure;
using ports::LinkIdentity;

constexpr int kReconnectMs = 1'000;       // esp-mqtt's task looks whether it is to stop at half of this
constexpr int kRetransmitMs = 3'600'000;  // never within a session: MQTT 3.1.1 section 4.4 knows no such thing
constexpr int kNoRoom = -2;

template <std::size_t N>
bool copy_text(std::string_view text, std::array<char, N>& out) {
  if (text.size() >= N || text.find('\0') != std::string_view::npos) return false;
  if (!text.empty()) std::memcpy(out.data(), text.data(), text.size());
  out[text.size()] = '\0';
  return true;
}

template <std::size_t N>
void wipe_text(std::array<char, N>& text) {
  wipe(MutableBytes(reinterpret_cast<std::uint8_t*>(text.data()), N));
}

// SUBACK's one return code (MQTT 3.1.1 section 3.9.3).
bool is_granted(const esp_mqtt_event_t& event) {
  constexpr std::uint8_t kRefused = 0x80;
  if (event.error_handle != nullptr && event.error_handle->error_type == MQTT_ERROR_TYPE_SUBSCRIBE_FAILED) return false;
  return event.data == nullptr || event.data_len < 1 || static_cast<std::uint8_t>(event.data[0]) < kRefused;
}

std::size_t count_of(int number) { return number > 0 ? static_cast<std::size_t>(number) : 0; }

}  // namespace

EspMqttLink::EspMqttLink(const Options& options, ports::Storage& storage, ports::MqttLinkEvents& events)
    : options_(options), storage_(storage), events_(events) {}

EspMqttLink::~EspMqttLink() {
  if (client_ != nullptr) esp_mqtt_client_destroy(client_);
  wipe(credential_);
  wipe_texts();
}

Result<void> EspMqttLink::connect(const ports::LinkRequest& request) {
  if (phase_ != Phase::kIdle) return fail(Status::kBusy);
  if (!mailbox_.usable()) return fail(Status::kInternal);
  if (request.host.empty()) return fail(Status::kInvalidArgument);
  LATCHKEY_TRY_VOID(copy_texts(request));
  auto begun = choose_credential(request.identity);
  if (begun) {
    mailbox_.clear();
    attempt_.reset();
    begun = begin(configuration(request));
  }
  wipe_texts();  // esp-mqtt has copied them
  if (!begun) {
    wipe(credential_);
    return begun;
  }
  phase_ = Phase::kConnecting;
  return {};
}

Result<void> EspMqttLink::copy_texts(const ports::LinkRequest& request) {
  if (copy_text(request.host, host_) && copy_text(request.client_id, client_id_) &&
      copy_text(request.username, username_) && copy_text(request.password, password_)) {
    return {};
  }
  wipe_texts();
  return fail(Status::kTooLarge);
}

void EspMqttLink::wipe_texts() {
  wipe_text(username_);
  wipe_text(password_);
}

Result<void> EspMqttLink::choose_credential(LinkIdentity identity) {
  certificate_ = key_ = nullptr;
  switch (identity) {
    case LinkIdentity::kNone: return {};
    case LinkIdentity::kSlotA: return load_slot(ports::Item::kSlotA);
    case LinkIdentity::kSlotB: return load_slot(ports::Item::kSlotB);
    case LinkIdentity::kOnboarding: break;
  }
  if (options_.onboarding_certificate == nullptr || options_.onboarding_key == nullptr) {
    return fail(Status::kUnsupported);
  }
  certificate_ = options_.onboarding_certificate;
  key_ = options_.onboarding_key;
  return {};
}

// A record is one text that PEM readers load as it is: they skip what is not theirs.
Result<void> EspMqttLink::load_slot(ports::Item item) {
  LATCHKEY_TRY(size, storage_.read(item, MutableBytes(credential_.data(), kMaxCredential)));
  credential_[size] = 0;
  const std::string_view text(reinterpret_cast<const char*>(credential_.data()), size);
  if (text.find('\0') != std::string_view::npos || text.find("-----BEGIN EC PRIVATE KEY-----") == text.npos ||
      text.find("-----BEGIN CERTIFICATE-----") == text.npos) {
    wipe(credential_);
    return fail(Status::kCorrupt);
  }
  certificate_ = key_ = text.data();
  return {};
}

// The whole of it, each time: what is left out of certificates and time-outs falls back to defaults, and what is left
// out of texts stays as it was. An empty text is sent as none.
esp_mqtt_client_config_t EspMqttLink::configuration(const ports::LinkRequest& request) const {
  esp_mqtt_client_config_t config{};
  config.broker.address.hostname = host_.data();
  config.broker.address.transport = MQTT_TRANSPORT_OVER_SSL;
  config.broker.address.port = request.port;
  config.broker.verification.certificate = options_.trust;
  config.credentials.username = username_.data();
  config.credentials.client_id = client_id_.data();
  config.credentials.authentication.password = password_.data();
  config.credentials.authentication.certificate = certificate_;
  config.credentials.authentication.key = key_;
  config.session.disable_clean_session = !request.clean_session;
  config.session.keepalive = request.keep_alive_s;
  config.session.disable_keepalive = request.keep_alive_s == 0;
  config.session.protocol_ver = MQTT_PROTOCOL_V_3_1_1;
  config.session.message_retransmit_timeout = kRetransmitMs;
  config.network.reconnect_timeout_ms = kReconnectMs;
  config.network.timeout_ms = options_.network_timeout_ms;
  config.network.disable_auto_reconnect = true;  // the core decides
  config.task.stack_size = kTaskStack;
  config.buffer.size = kBuffer;
  config.buffer.out_size = kBuffer;
  config.outbox.limit = kOutboxMax;
  return config;
}

Result<void> EspMqttLink::begin(const esp_mqtt_client_config_t& configuration) {
  if (client_ == nullptr) {
    client_ = esp_mqtt_client_init(&configuration);
    if (client_ == nullptr) return fail(Status::kInternal);
    if (esp_mqtt_client_register_event(client_, MQTT_EVENT_ANY, on_event, this) != ESP_OK) {
      esp_mqtt_client_destroy(client_);
      client_ = nullptr;
      return fail(Status::kInternal);
    }
    return restart();
  }
  if (esp_mqtt_set_config(client_, &configuration) != ESP_OK) {
    // It has freed its configuration: nothing can be done with this client any more.
    esp_mqtt_client_destroy(client_);
    client_ = nullptr;
    running_ = false;
    return fail(Status::kInternal);
  }
  // What waits in the outbox would be sent to whoever is connected to next; only the task's end empties it.
  if (esp_mqtt_client_get_outbox_size(client_) > 0) return restart();
  if (running_ && esp_mqtt_client_reconnect(client_) == ESP_OK) return {};
  return restart();
}

Result<void> EspMqttLink::restart() {
  if (running_) (void)esp_mqtt_client_stop(client_);  // fails when the task has ended by itself
  running_ = esp_mqtt_client_start(client_) == ESP_OK;
  return running_ ? Result<void>() : fail(Status::kInternal);
}

Result<void> EspMqttLink::subscribe(std::string_view filter, int qos) {
  if (phase_ != Phase::kUp) return fail(Status::kNotReady);
  if (!copy_text(filter, topic_)) return fail(Status::kTooLarge);
  const int id = esp_mqtt_client_subscribe_single(client_, topic_.data(), qos);
  if (id >= 0) return {};
  return fail(id == kNoRoom ? Status::kThrottled : Status::kNotReady);
}

Result<void> EspMqttLink::publish(std::string_view topic, ByteView payload, int qos) {
  if (phase_ != Phase::kUp) return fail(Status::kNotReady);
  if (!copy_text(topic, topic_) || payload.size() > kOutboxMax) return fail(Status::kTooLarge);
  // A length of 0 with data would be taken for a text that ends in a zero.
  const char* const data = payload.empty() ? nullptr : reinterpret_cast<const char*>(payload.data());
  const int id = esp_mqtt_client_publish(client_, topic_.data(), data, static_cast<int>(payload.size()), qos, 0);
  if (id >= 0) return {};
  return fail(id == kNoRoom ? Status::kThrottled : Status::kNotReady);
}

void EspMqttLink::disconnect() {
  if (phase_ == Phase::kIdle || phase_ == Phase::kLeaving) return;
  phase_ = Phase::kLeaving;
  leave_by_us_ = esp_timer_get_time() + std::int64_t{3'000} * options_.network_timeout_ms;
  (void)esp_mqtt_client_disconnect(client_);
}

// Before the event is delivered, which may publish. esp-mqtt forgets a wish to disconnect that came before its task had
// begun the attempt: it is said again.
void EspMqttLink::notice_connected() {
  if (!mailbox_.has_connected()) return;
  if (phase_ == Phase::kConnecting) phase_ = Phase::kUp;
  if (phase_ == Phase::kLeaving) (void)esp_mqtt_client_disconnect(client_);
}

// When esp-mqtt's task has ended for want of memory, it says nothing.
void EspMqttLink::give_up_when_late() {
  if (phase_ != Phase::kLeaving || esp_timer_get_time() < leave_by_us_) return;
  (void)esp_mqtt_client_stop(client_);
  running_ = false;
  mailbox_.clear();
  end(LinkFailure::kLost, 0);
}

bool EspMqttLink::poll(std::uint32_t wait_ms) {
  if (!mailbox_.usable()) return false;
  if (wait_ms > 0) mailbox_.wait(pdMS_TO_TICKS(wait_ms));
  bool delivered = false;
  for (;;) {
    Mailbox::End told{};
    notice_connected();
    switch (mailbox_.deliver_one(events_, phase_ == Phase::kLeaving, told)) {
      case Mailbox::Delivered::kNothing: give_up_when_late(); return delivered;
      case Mailbox::Delivered::kEvent: delivered = true; break;
      case Mailbox::Delivered::kEnd:
        end(phase_ == Phase::kLeaving ? LinkFailure::kLost : told.why, phase_ == Phase::kLeaving ? 0 : told.detail);
        return true;
    }
  }
}

void EspMqttLink::end(LinkFailure why, int detail) {
  phase_ = Phase::kIdle;
  wipe(credential_);
  events_.on_ended(why, detail);  // which may connect again
}

void EspMqttLink::on_event(void* self, esp_event_base_t, std::int32_t, void* data) {
  static_cast<EspMqttLink*>(self)->take(*static_cast<const esp_mqtt_event_t*>(data));
}

void EspMqttLink::take(const esp_mqtt_event_t& event) {
  switch (event.event_id) {
    case MQTT_EVENT_BEFORE_CONNECT: attempt_.begun = true; break;
    case MQTT_EVENT_CONNECTED:
      attempt_.connected = true;
      wipe(credential_);
      mailbox_.put_connected(event.session_present != 0);
      break;
    case MQTT_EVENT_SUBSCRIBED: mailbox_.put_subscribed(is_granted(event)); break;
    case MQTT_EVENT_PUBLISHED: mailbox_.put_published(); break;
    case MQTT_EVENT_DATA:
      mailbox_.put_piece({event.topic, count_of(event.topic_len)},
                         {reinterpret_cast<const std::uint8_t*>(event.data), count_of(event.data_len)},
                         count_of(event.current_data_offset), count_of(event.total_data_len));
      break;
    case MQTT_EVENT_ERROR:
      if (!attempt_.connected && event.error_handle != nullptr) {
        const LinkEnd told = explain(*event.error_handle);
        attempt_.why = told.why;
        attempt_.detail = told.detail;
      }
      break;
    case MQTT_EVENT_DISCONNECTED: take_disconnected(); break;
    default: break;
  }
}

// It may come twice for one session: from the task that read, and from a publish that found out as well. The second
// must not end the attempt that was begun meanwhile.
void EspMqttLink::take_disconnected() {
  if (!attempt_.begun.exchange(false)) return;
  if (attempt_.connected) {
    mailbox_.put_ended(LinkFailure::kLost, 0);
  } else {
    mailbox_.put_ended(attempt_.why, attempt_.detail);
  }
}

}  // namespace latchkey::esp_idf
