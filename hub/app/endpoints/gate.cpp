// SPDX-License-Identifier: Apache-2.0
#include "hub/app/endpoints/gate.h"

#include <utility>

#include "hub/app/base/patience.h"
#include "hub/wire/hold.h"
#include "platform/files/folder.h"

namespace latchkey::hub::app {
namespace {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr std::size_t kLogTail = 2000;
constexpr std::size_t kHandedMax = 64 * 1024 * 1024;  // a plugin with its debug information is some 10 MB

// Copies so that the broker's user can read it, and nobody else.
Result<std::string> hand_over(const std::filesystem::path& from, const std::filesystem::path& to, uid_t owner) {
  LATCHKEY_TRY(content, files::read_text(from, kHandedMax));
  // an unchanged file stays: the plugin may be mapped by a broker that is about to be adopted
  if (const auto present = files::read_text(to, kHandedMax); present && *present == content) return content;
  LATCHKEY_TRY_VOID(files::replace_file(to, content, files::kSecretFile, owner));
  return content;
}

}  // namespace

Gate::Gate(const DataFolder& folder, Options options) : data_(folder), options_(std::move(options)) {
  feeder_ = std::make_unique<link::Feeder>(options_.registry, options_.hub_name, [this](const wire::Batch& batch) {
    return link_->publish(wire::kFeedTopic, wire::encode(batch));
  });
  link_ = std::make_unique<link::GateLink>(
      (this->folder() / "gate.sock").string(),
      link::GateLink::Events{[this] {
                               introduced_ = false;
                               tell(Life::kLinkUp);
                               feeder_->gate_up();
                             },
                             [this] {
                               feeder_->gate_down();
                               tell(Life::kLinkDown);
                             },
                             [this](std::string_view topic, ByteView payload) { on_message(topic, payload); }});
}

Gate::~Gate() { stop(); }

Outcome<brokers::BrokerConfig> Gate::lay_out_files() {
  const uid_t owner = data_.broker_uid();
  brokers::BrokerConfig config{options_.endpoint,      options_.address.host,   options_.address.port,
                               data_.broker_user(),    folder() / "server.pem", folder() / "server.key",
                               folder() / "gate.sock", folder() / "gate.so",    0};
  config.keep_sessions = options_.keep_sessions;
  if (options_.behind_front) config.front_socket = front_socket();
  if (auto made = files::make_folder(folder(), 0700, owner); !made) {
    return refuse(Reason::kStorage, folder().string() + " cannot be made");
  }
  if (!hand_over(options_.certificate, config.certificate, owner) || !hand_over(options_.key, config.key, owner)) {
    return refuse(Reason::kStorage, "the server certificate cannot be copied to " + folder().string());
  }
  const auto plugin = hand_over(options_.plugin, config.gate, owner);
  if (!plugin)
    return refuse(Reason::kInvalidArgument, "the gate plugin " + options_.plugin.string() + " cannot be read");
  config.gate_hash = std::hash<std::string>{}(*plugin);
  return config;
}

Outcome<Nothing> Gate::start(Inbox inbox, Listener listener) {
  inbox_ = std::move(inbox);
  listener_ = std::move(listener);
  auto config = lay_out_files();
  if (!config) return fail(config.error());
  broker_ = std::make_unique<brokers::Broker>(
      brokers::Broker::Options{options_.name, options_.mosquitto, file(".conf"), brokers::render(*config), file(".pid"),
                               file(".log"), data_.nonce(), [this](brokers::BrokerEvent event) { on_broker(event); }});
  seen_ = broker_.get();
  feeder_->start();
  if (auto started = broker_->start(); !started) {
    return refuse(started.error() == Status::kNotFound ? Reason::kInvalidArgument : Reason::kStorage,
                  options_.mosquitto.string() + " cannot be started: " + std::string(to_string(started.error())));
  }
  link_->start();
  return Nothing{};
}

// However long that takes, as long as the gate takes more of its snapshot.
bool Gate::becomes_ready(int timeout_ms, const std::stop_token& end) {
  constexpr int kStepMs = 100;
  Patience patience(timeout_ms);
  while (!broker_->failing() && !end.stop_requested()) {
    if (feeder_->wait_clock(kStepMs)) return true;
    if (!patience.lasts(feeder_->state().taken, kStepMs)) return false;
  }
  return false;
}

Outcome<Nothing> Gate::wait_ready(int timeout_ms, const std::stop_token& end) {
  if (adopted_ && becomes_ready(options_.adopt_timeout_ms, end)) return Nothing{};
  if (adopted_ && !end.stop_requested()) broker_->fence();  // it runs but does not follow
  if (becomes_ready(timeout_ms, end) || end.stop_requested()) return Nothing{};
  if (broker_->failing() && !is_free(options_.address)) {
    return refuse(Reason::kInvalidArgument,
                  "the address " + options_.address.text() +
                      " is in use by another program, or not ours to use: stop that program, or " + options_.advice);
  }
  return refuse(Reason::kInternal, "the broker at " + options_.address.text() +
                                       " does not come up. Its log ends with:\n" +
                                       brokers::LogFile(file(".log")).tail(kLogTail));
}

void Gate::stop() {
  if (link_) link_->stop();
  if (feeder_) feeder_->stop();
  if (!broker_) return;
  broker_->stop();
  std::error_code ignored;  // a broker that had to be killed leaves its socket
  std::filesystem::remove(folder() / "gate.sock", ignored);
}

void Gate::end() {
  if (broker_) broker_->stop();
  stop();
}

void Gate::end_left_behind(const DataFolder& folder, const std::string& files) {
  brokers::Broker::end_left_behind(pid_file(folder, files), folder.brokers() / (files + ".conf"), folder.nonce());
}

// At QoS 0, which is no less: the socket keeps order and loses nothing, and what a lost link takes with it is sent by
// nobody again. A PUBACK for each would cost both ends as much as the message.
void Gate::attest(const wire::Attest& attest) { link_->publish(wire::kAttestTopic, wire::encode(attest), 0); }

void Gate::deliver(const wire::Deliver& deliver) { link_->publish(wire::kDeliverTopic, wire::encode(deliver), 0); }

void Gate::hold(std::uint32_t for_ms) { link_->publish(wire::kHoldTopic, wire::encode(wire::Hold{for_ms}), 0); }

void Gate::end_session(wire::ConnectionId connection) {
  link_->publish(wire::kEndTopic, wire::encode(wire::End{connection}));
}

void Gate::on_broker(brokers::BrokerEvent event) {
  if (event == brokers::BrokerEvent::kAdopted) adopted_ = true;
  if (event == brokers::BrokerEvent::kEnded) {
    adopted_ = false;
    ++restarts_;
    feeder_->process_ended();
    tell(Life::kProcessEnded);
  } else {
    adopted_ ? feeder_->process_adopted() : feeder_->process_started();
    tell(Life::kProcessStarted);
  }
}

void Gate::on_message(std::string_view topic, ByteView payload) {
  if (topic != wire::kAckTopic) return inbox_(topic, payload);
  const auto ack = wire::decode_ack(payload);
  if (!ack) return;
  // The gate tells who is connected when the feed has begun, and acknowledges behind that.
  if (!ack->need_snapshot && !introduced_) {
    introduced_ = true;
    tell(Life::kIntroduced);
  }
  feeder_->acknowledged(*ack);
}

}  // namespace latchkey::hub::app
