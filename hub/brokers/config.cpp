// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/config.h"

#include <sstream>

namespace latchkey::hub::brokers {

std::string_view to_string(Endpoint endpoint) { return endpoint == Endpoint::kDps ? "dps" : "hub"; }

std::string render(const BrokerConfig& config) {
  std::ostringstream out;
  out << "# Written by latchkey at each start: changes are lost. Gate " << std::hex << config.gate_hash << std::dec
      << "\n";
  if (!config.user.empty()) out << "user " << config.user << "\n";
  out << "persistence false\n"
         "log_dest file "
      << config.log.string()
      << "\n"
         "log_type error\n"
         "log_type warning\n"
         "log_type notice\n"
         "connection_messages false\n"
         // true would switch the TICK event off, on which the gate cuts sessions and sends decisions
         "per_listener_settings false\n"
         // the gate decides about everybody; false makes a SIGHUP drop every certificate session without a username
         "allow_anonymous true\n"
         "allow_zero_length_clientid false\n"
         // a reply right behind a PUBACK would wait 40 ms for the delayed ACK
         "set_tcp_nodelay true\n"
         // with the defaults a stalled hub process loses requests that were acknowledged to devices
         "max_inflight_messages 0\n"
         // (0, "no limit", makes this version end a session at its first denied QoS 1 publish)
         "max_queued_messages 1000000\n"
         "max_queued_bytes 0\n"
         // a disconnected persistent session is not kept for ever; at the DPS endpoint anybody can leave one
      << (config.endpoint == Endpoint::kDps ? "persistent_client_expiration 1h\n" : "persistent_client_expiration 1d\n")
      << (config.endpoint == Endpoint::kDps ? "max_packet_size 100352\n" : "max_packet_size 1048576\n")
      << "\n"
         "listener 0 "
      << config.socket.string()
      << "\n"
         "\n"
         "listener "
      << config.port << " " << config.address
      << "\n"
         "max_qos 1\n"
         "certfile "
      << config.certificate.string()
      << "\n"
         "keyfile "
      << config.key.string()
      << "\n"
         // the gate's TLS hook asks for a certificate without insisting and verifies against its own anchors
         "require_certificate false\n"
         "\n"
         "plugin "
      << config.gate.string()
      << "\n"
         "plugin_opt_endpoint "
      << to_string(config.endpoint)
      << "\n"
         "plugin_opt_socket "
      << config.socket.string() << "\n";
  return std::move(out).str();
}

}  // namespace latchkey::hub::brokers
