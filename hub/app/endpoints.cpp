// SPDX-License-Identifier: Apache-2.0
#include "hub/app/endpoints.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

namespace latchkey::hub::app {
namespace {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Outcome<SocketAddress> to_socket_address(const Address& address) {
  SocketAddress result;
  auto& v4 = reinterpret_cast<sockaddr_in&>(result.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(result.storage);
  if (::inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    result.size = sizeof v4;
  } else if (::inet_pton(AF_INET6, address.host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    result.size = sizeof v6;
  } else {
    return refuse(Reason::kInvalidArgument, "'" + address.host + "' is not a numeric IP address");
  }
  return result;
}

}  // namespace

Outcome<Address> parse_address(const std::string& text) {
  Address address;
  std::string port;
  if (!text.empty() && text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string::npos) return refuse(Reason::kInvalidArgument, "'" + text + "' lacks the closing ]");
    address.host = text.substr(1, close - 1);
    if (close + 1 < text.size()) port = text.substr(close + 2);
  } else {
    const auto colon = text.find(':');
    address.host = text.substr(0, colon);
    if (colon != std::string::npos) port = text.substr(colon + 1);
  }
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc() || end != port.data() + port.size()) {
      return refuse(Reason::kInvalidArgument, "'" + text + "': the port is not a number from 0 to 65535");
    }
  }
  if (auto valid = to_socket_address(address); !valid) return fail(valid.error());
  return address;
}

Outcome<Address> choose_port(Address address) {
  if (address.port != 0) return address;
  auto target = to_socket_address(address);
  if (!target) return fail(target.error());
  const int probe = ::socket(target->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool bound = probe >= 0 && ::bind(probe, reinterpret_cast<sockaddr*>(&target->storage), target->size) == 0 &&
                     ::getsockname(probe, reinterpret_cast<sockaddr*>(&target->storage), &target->size) == 0;
  const std::string error = std::strerror(errno);
  if (probe >= 0) ::close(probe);
  if (!bound) return refuse(Reason::kInvalidArgument, "no free port at " + address.host + ": " + error);
  address.port = ntohs(reinterpret_cast<const sockaddr_in&>(target->storage).sin_port);  // same place in sockaddr_in6
  return address;
}

}  // namespace latchkey::hub::app
