// SPDX-License-Identifier: Apache-2.0
// The configuration of HAProxy before several brokers of one hub: it hands each TCP connection to one of them and reads
// nothing of it, so TLS stays between device and broker. Why each line is there stands in front_config.cpp.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace latchkey::hub::brokers {

struct FrontConfig {
  std::string address;  // numeric
  std::uint16_t port = 8883;
  struct User {
    uid_t uid;
    gid_t gid;
  };
  std::optional<User> user;                    // HAProxy drops to it when started as root; nothing: stays who it is
  std::filesystem::path control;               // a Unix socket for the hub process
  std::vector<std::filesystem::path> brokers;  // their Unix sockets; named b1, b2, ... in `brokers`
  std::uint64_t descriptors = 0;               // how many it may have; each session takes two
};

std::string render(const FrontConfig& config);
// How many sessions it can carry with that many descriptors.
std::uint64_t sessions_of(std::uint64_t descriptors);

// What to send on the control socket so that broker `index` (from 0) is given new connections, or is not. What it has
// stays either way.
std::string control_line(std::size_t index, bool open);

}  // namespace latchkey::hub::brokers
