// SPDX-License-Identifier: Apache-2.0
// The configuration file of one Mosquitto broker with the gate in it. Why each line is there stands in config.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace latchkey::hub::brokers {

enum class Endpoint : std::uint8_t { kDps, kHub };
std::string_view to_string(Endpoint endpoint);  // "dps", "hub"

struct BrokerConfig {
  Endpoint endpoint = Endpoint::kHub;
  std::string address;  // numeric
  std::uint16_t port = 8883;
  std::string user;  // the broker drops to it when started as root; empty: stays who it is
  std::filesystem::path certificate;
  std::filesystem::path key;
  std::filesystem::path socket;  // of the hub process; at most 107 bytes (sockaddr_un)
  std::filesystem::path gate;    // the plugin
  std::size_t gate_hash = 0;     // of the plugin's bytes: a broker with another gate is not adopted
  // Where devices come through a front (front.h) instead of at the address, as long a path; empty: at the address.
  std::filesystem::path front_socket = {};
  bool keep_sessions = false;  // sessions go on when the gate's lease ends
};

std::string render(const BrokerConfig& config);

}  // namespace latchkey::hub::brokers
