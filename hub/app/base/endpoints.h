// SPDX-License-Identifier: Apache-2.0
// Where the two brokers listen. Each endpoint has a loopback address of its own because device SDKs know port 8883
// only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "platform/files/descriptor.h"
#include "registry/model/refusal.h"

namespace latchkey::hub::app {

struct Address {
  std::string host;  // numeric; a name only where devices are told of a balancer: parse_advertised()
  std::uint16_t port = 8883;
  std::shared_ptr<const files::Descriptor> reserved = nullptr;  // choose_port()

  std::string text() const { return host + ":" + std::to_string(port); }
  // What a device is told: the port only where it is not the usual one.
  std::string device_text() const { return port == 8883 ? host : text(); }
};

struct Endpoints {
  Address dps{"127.0.0.1", 8883};
  Address hub{"127.0.0.2", 8883};
  std::vector<Address> more = {};  // of the hub's further brokers, when each has an address of its own
};

// "127.0.0.1", "127.0.0.1:8883", "[::1]:0". kInvalidArgument names what is wrong. Port 0: any free one.
registry::Outcome<Address> parse_address(const std::string& text);

// The same, or a host name: "hub.example.net:8883".
registry::Outcome<Address> parse_advertised(const std::string& text);
// Letters, digits, hyphens and dots, and not an address.
bool is_host_name(const std::string& host);

bool is_loopback(const Address& address);

// Can a broker listen there now?
bool is_free(const Address& address);

// The same, and keeps the port as choose_port() does. kInvalidArgument: a broker cannot listen there.
registry::Outcome<Address> reserve(Address address);

// Replaces port 0 by one that is free now. As long as a copy of the address lives, nobody else gets that port by this
// function, in whatever process: between the choice and the first connection a hub may make keys for half a minute.
registry::Outcome<Address> choose_port(Address address);

}  // namespace latchkey::hub::app
