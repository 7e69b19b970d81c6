// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/config.h"

#include <sstream>
#include <utility>

namespace latchkey::hub::brokers {
namespace {

// One "option value" a line.
class ConfigText {
 public:
  template <class Value>
  void set(std::string_view option, const Value& value) {
    out_ << option << ' ' << value << '\n';
  }
  void set(std::string_view option, const std::filesystem::path& value) { set(option, value.string()); }
  void comment(std::string_view text) { out_ << "\n# " << text << '\n'; }
  std::string take() { return std::move(out_).str(); }

 private:
  std::ostringstream out_;
};

void set_up_broker(ConfigText& text, const BrokerConfig& config) {
  const bool dps = config.endpoint == Endpoint::kDps;
  if (!config.user.empty()) text.set("user", config.user);
  text.set("persistence", "false");
  text.set("log_dest", "stderr");  // see log_file.h
  for (const auto* type : {"error", "warning", "notice"}) text.set("log_type", type);
  text.set("connection_messages", "false");
  // true would switch the TICK event off, on which the gate cuts sessions and sends decisions
  text.set("per_listener_settings", "false");
  // the gate decides about everybody; false makes a SIGHUP drop every certificate session without a username
  text.set("allow_anonymous", "true");
  text.set("allow_zero_length_clientid", "false");
  // a reply right behind a PUBACK would wait 40 ms for the delayed ACK
  text.set("set_tcp_nodelay", config.front_socket.empty() ? "true" : "false");  // a Unix socket has none to set
  // With the defaults a stalled hub process loses requests that were acknowledged to devices. The queue has a number
  // because 0, "no limit", makes this version end a session at its first denied QoS 1 publish.
  text.set("max_inflight_messages", 0);
  text.set("max_queued_messages", 1'000'000);
  text.set("max_queued_bytes", 0);
  // a disconnected persistent session is not kept for ever; at the DPS endpoint anybody can leave one
  text.set("persistent_client_expiration", dps ? "1h" : "1d");
  text.set("max_packet_size", dps ? 100'352 : 1'048'576);  // the service's 96 KB and some; a feed batch
}

void add_listeners(ConfigText& text, const BrokerConfig& config) {
  text.comment("the hub process");
  text.set("listener 0", config.socket);
  text.comment("devices");
  if (config.front_socket.empty()) {
    text.set("listener", std::to_string(config.port) + " " + config.address);
  } else {
    text.set("listener 0", config.front_socket);
  }
  text.set("max_qos", 1);
  text.set("certfile", config.certificate);
  text.set("keyfile", config.key);
  // the gate's TLS hook asks for a certificate without insisting and verifies against its own anchors
  text.set("require_certificate", "false");
}

void add_gate(ConfigText& text, const BrokerConfig& config) {
  text.comment("the gate");
  text.set("plugin", config.gate);
  text.set("plugin_opt_endpoint", to_string(config.endpoint));
  text.set("plugin_opt_socket", config.socket);
  if (config.keep_sessions) text.set("plugin_opt_keep_sessions", "yes");
}

}  // namespace

std::string_view to_string(Endpoint endpoint) { return endpoint == Endpoint::kDps ? "dps" : "hub"; }

std::string render(const BrokerConfig& config) {
  ConfigText text;
  std::ostringstream hash;
  hash << std::hex << config.gate_hash;
  text.set("# Written by latchkey at each start: changes are lost. Gate", hash.str());
  set_up_broker(text, config);
  add_listeners(text, config);
  add_gate(text, config);
  return text.take();
}

}  // namespace latchkey::hub::brokers
