// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/endpoints.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <random>
#include <utility>

#include "platform/files/descriptor.h"

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

// Whom a socket may be bound beside: kOthers that do not listen, among them connections in TIME_WAIT, as brokers allow.
enum class Beside : bool { kNobody, kOthers };

// Binds a socket that never listens. Whoever sets SO_REUSEADDR can listen beside it, as brokers and servers do; while
// it lives, nobody gets that port by Beside::kNobody.
Outcome<Address> bind_address(Address address, Beside beside) {
  LATCHKEY_TRY(target, to_socket_address(address));
  auto bound =
      std::make_shared<const files::Descriptor>(::socket(target.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto* const name = reinterpret_cast<sockaddr*>(&target.storage);
  const auto allow_others = [&](int others) {
    return ::setsockopt(bound->get(), SOL_SOCKET, SO_REUSEADDR, &others, sizeof others) == 0;
  };
  if (!*bound || !allow_others(beside == Beside::kOthers) || ::bind(bound->get(), name, target.size) != 0 ||
      !allow_others(true) || ::getsockname(bound->get(), name, &target.size) != 0) {
    return refuse(Reason::kInvalidArgument, address.text() + ": " + std::strerror(errno));
  }
  address.port = ntohs(reinterpret_cast<const sockaddr_in&>(target.storage).sin_port);  // same place in sockaddr_in6
  address.reserved = std::move(bound);
  return address;
}

}  // namespace

bool is_loopback(const Address& address) { return address.host.starts_with("127.") || address.host == "::1"; }

Outcome<Address> reserve(Address address) { return bind_address(std::move(address), Beside::kOthers); }

bool is_free(const Address& address) { return reserve(address).has_value(); }

Outcome<Address> parse_address(const std::string& text) {
  Address address;
  std::string rest;  // behind the host: nothing, or a colon and the port
  if (!text.empty() && text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string::npos) return refuse(Reason::kInvalidArgument, "'" + text + "' lacks the closing ]");
    address.host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
  } else {
    const auto colon = std::min(text.find(':'), text.size());
    address.host = text.substr(0, colon);
    rest = text.substr(colon);
  }
  if (!rest.empty()) {
    const auto* const end_of_text = rest.data() + rest.size();
    const auto [end, error] = std::from_chars(rest.data() + 1, end_of_text, address.port);
    if (rest.front() != ':' || error != std::errc() || end != end_of_text) {
      return refuse(Reason::kInvalidArgument, "'" + text + "': the port is not a number from 0 to 65535");
    }
  }
  if (auto valid = to_socket_address(address); !valid) return fail(valid.error());
  return address;
}

bool is_host_name(const std::string& host) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  const auto has_letter = host.find_first_not_of("0123456789.-") != std::string::npos;
  return has_letter && host.size() <= 253 && std::all_of(host.begin(), host.end(), fits);
}

Outcome<Address> parse_advertised(const std::string& text) {
  const auto colon = std::min(text.find(':'), text.size());
  if (!is_host_name(text.substr(0, colon))) return parse_address(text);
  LATCHKEY_TRY(address, parse_address("0.0.0.0" + text.substr(colon)));  // what is behind the name follows its rules
  address.host = text.substr(0, colon);
  if (address.port == 0) return refuse(Reason::kInvalidArgument, "'" + text + "': devices cannot be told port 0");
  return address;
}

Outcome<Address> choose_port(Address address) {
  if (address.port != 0) return address;
  // Below the ports that the kernel gives to outgoing connections (32768 and up, ip(7)): until the broker listens,
  // one of those could take it.
  constexpr int kTries = 50;
  constexpr unsigned kFirst = 16384;
  constexpr unsigned kCount = 16384;
  std::random_device random;
  for (int i = 0; i < kTries; ++i) {
    const auto port = static_cast<std::uint16_t>(kFirst + random() % kCount);
    if (auto chosen = bind_address({address.host, port}, Beside::kNobody)) return *chosen;
  }
  auto chosen = bind_address(std::move(address), Beside::kNobody);
  if (!chosen) return refuse(Reason::kInvalidArgument, "no free port at " + chosen.error().detail);
  return chosen;
}

}  // namespace latchkey::hub::app
