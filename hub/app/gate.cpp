// SPDX-License-Identifier: Apache-2.0
#include "hub/app/gate.h"

#include <utility>

#include "hub/brokers/files.h"

namespace latchkey::hub::app {
namespace {

using brokers::make_folder;
using brokers::read_file;
using brokers::write_file;
using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr std::size_t kLogTail = 2000;

// Copies so that the broker's user can read it, and nobody else.
Result<std::string> hand_over(const std::filesystem::path& from, const std::filesystem::path& to, mode_t mode,
                              uid_t owner) {
  LATCHKEY_TRY(content, read_file(from));
  // an unchanged file stays: the plugin may be mapped by a broker that is about to be adopted
  if (const auto present = read_file(to); present && *present == content) return content;
  LATCHKEY_TRY_VOID(write_file(to, content, mode, owner));
  return content;
}

}  // namespace

Gate::Gate(const DataFolder& folder, Options options) : data_(folder), options_(std::move(options)) {
  feeder_ = std::make_unique<link::Feeder>(options_.registry, options_.hub_name, [this](const wire::Batch& batch) {
    return link_->publish(wire::kFeedTopic, wire::encode(batch));
  });
  link_ = std::make_unique<link::GateLink>(
      (this->folder() / "gate.sock").string(),
      link::GateLink::Events{[this] { feeder_->gate_up(); }, [this] { feeder_->gate_down(); },
                             [this](std::string_view topic, ByteView payload) { on_message(topic, payload); }});
}

Gate::~Gate() { stop(); }

std::filesystem::path Gate::folder() const { return data_.brokers() / brokers::to_string(options_.endpoint); }

Outcome<brokers::BrokerConfig> Gate::lay_out_files() {
  const uid_t owner = data_.broker_uid();
  brokers::BrokerConfig config{options_.endpoint,       options_.address.host,
                               options_.address.port,   data_.broker_user(),
                               folder() / "server.pem", folder() / "server.key",
                               folder() / "gate.sock",  folder() / "gate.so",
                               folder() / "broker.log", 0};
  if (auto made = make_folder(folder(), 0700, owner); !made) {
    return refuse(Reason::kStorage, folder().string() + " cannot be made");
  }
  if (!hand_over(options_.certificate, config.certificate, 0600, owner) ||
      !hand_over(options_.key, config.key, 0600, owner)) {
    return refuse(Reason::kStorage, "the server certificate cannot be copied to " + folder().string());
  }
  const auto plugin = hand_over(options_.plugin, config.gate, 0600, owner);
  if (!plugin)
    return refuse(Reason::kInvalidArgument, "the gate plugin " + options_.plugin.string() + " cannot be read");
  config.gate_hash = std::hash<std::string>{}(*plugin);
  return config;
}

Outcome<Nothing> Gate::start() {
  auto config = lay_out_files();
  if (!config) return fail(config.error());
  const auto name = std::string(brokers::to_string(options_.endpoint));
  broker_ = std::make_unique<brokers::Broker>(
      brokers::Broker::Options{name, options_.mosquitto, data_.brokers() / (name + ".conf"), brokers::render(*config),
                               pid_file(), data_.brokers() / (name + ".out"), config->log, data_.nonce(),
                               [this](brokers::BrokerEvent event) { on_broker(event); }});
  feeder_->start();
  if (auto started = broker_->start(); !started) {
    return refuse(started.error() == Status::kNotFound ? Reason::kInvalidArgument : Reason::kStorage,
                  options_.mosquitto.string() + " cannot be started: " + std::string(to_string(started.error())));
  }
  link_->start();
  return Nothing{};
}

bool Gate::becomes_ready(int timeout_ms) {
  constexpr int kStepMs = 100;
  for (int waited = 0; waited < timeout_ms && !broker_->failing(); waited += kStepMs) {
    if (feeder_->wait_clock(kStepMs)) return true;
  }
  return false;
}

Outcome<Nothing> Gate::wait_ready(int timeout_ms) {
  if (adopted_ && becomes_ready(options_.adopt_timeout_ms)) return Nothing{};
  if (adopted_) broker_->fence();  // it runs but does not follow
  if (becomes_ready(timeout_ms)) return Nothing{};
  const auto name = std::string(brokers::to_string(options_.endpoint));
  if (broker_->failing() && !is_free(options_.address)) {
    return refuse(Reason::kInvalidArgument,
                  "the address " + options_.address.text() +
                      " is in use by another program, or not ours to use: stop that program, or "
                      "choose another address with --" +
                      name + " (port 0 takes a free one)");
  }
  auto log =
      read_file(data_.brokers() / (name + ".out")).value_or("") + read_file(folder() / "broker.log").value_or("");
  if (log.size() > kLogTail) log.erase(0, log.size() - kLogTail);
  return refuse(Reason::kInternal,
                "the broker at " + options_.address.text() + " does not come up. Its log ends with:\n" + log);
}

void Gate::stop() {
  if (link_) link_->stop();
  if (feeder_) feeder_->stop();
  if (!broker_) return;
  broker_->stop();
  std::error_code ignored;  // a broker that had to be killed leaves its socket
  std::filesystem::remove(folder() / "gate.sock", ignored);
}

void Gate::attest(const wire::Attest& attest) { link_->publish(wire::kAttestTopic, wire::encode(attest)); }

void Gate::deliver(const wire::Deliver& deliver) { link_->publish(wire::kDeliverTopic, wire::encode(deliver)); }

void Gate::on_broker(brokers::BrokerEvent event) {
  if (event == brokers::BrokerEvent::kAdopted) adopted_ = true;
  if (event == brokers::BrokerEvent::kEnded) {
    adopted_ = false;
    ++restarts_;
    feeder_->process_ended();
  } else {
    feeder_->process_started();
  }
}

void Gate::on_message(std::string_view topic, ByteView payload) {
  if (topic != wire::kAckTopic) return options_.inbox(topic, payload);
  if (const auto ack = wire::decode_ack(payload)) feeder_->acknowledged(*ack);
}

}  // namespace latchkey::hub::app
