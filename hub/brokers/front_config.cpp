// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/front_config.h"

#include <algorithm>
#include <sstream>
#include <utility>

namespace latchkey::hub::brokers {
namespace {

constexpr std::uint64_t kOwnDescriptors = 100;  // listeners, the control socket, the log, HAProxy's own
constexpr std::uint64_t kMostSessions = 100'000;

std::string server(std::size_t index) { return "b" + std::to_string(index + 1); }

}  // namespace

std::uint64_t sessions_of(std::uint64_t descriptors) {
  const auto left = descriptors > kOwnDescriptors ? descriptors - kOwnDescriptors : 0;
  return std::clamp<std::uint64_t>(left / 2, 1, kMostSessions);
}

std::string control_line(std::size_t index, bool open) {
  return "set server brokers/" + server(index) + " state " + (open ? "ready" : "maint") + "\n";
}

std::string render(const FrontConfig& config) {
  std::ostringstream out;
  out << "# Written by latchkey at each start: changes are lost.\n"
      << "global\n"
      << "  maxconn " << sessions_of(config.descriptors)
      << "\n"
      // it moves bytes; the cores are the brokers'
      << "  nbthread 1\n"
      << "  log stderr format raw local0 notice\n"
      << "  stats socket " << config.control.string() << " mode 600 level admin\n";
  // Sockets of brokers belong to their user alone.
  if (config.user) out << "  uid " << config.user->uid << "\n  gid " << config.user->gid << "\n";
  out << "defaults\n"
      << "  mode tcp\n"
      << "  log global\n"
      << "  option dontlog-normal\n"
      << "  timeout connect 5s\n"
      // Silence is the broker's to judge, by the session's keep-alive; these are the longest that HAProxy can have.
      << "  timeout client 24d\n"
      << "  timeout server 24d\n"
      // but not once one side has said that it is done
      << "  timeout client-fin 10s\n"
      << "  timeout server-fin 10s\n"
      // a broker that does not answer is passed over
      << "  retries 3\n"
      << "  option redispatch 1\n"
      << "frontend devices\n"
      << "  bind " << (config.address.find(':') == std::string::npos ? config.address : "[" + config.address + "]")
      << ":" << config.port << " backlog 4096\n"
      << "  default_backend brokers\n"
      << "backend brokers\n"
      // sessions are long: whoever has the fewest gets the next, also after a broker came back without any
      << "  balance leastconn\n";
  // None is given connections before the hub process says that its gate holds a complete state.
  for (std::size_t i = 0; i < config.brokers.size(); ++i) {
    out << "  server " << server(i) << " unix@" << config.brokers[i].string() << " disabled\n";
  }
  return std::move(out).str();
}

}  // namespace latchkey::hub::brokers
