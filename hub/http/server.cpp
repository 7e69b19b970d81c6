// SPDX-License-Identifier: Apache-2.0
#include "hub/http/server.h"

#include <boost/asio/ip/address.hpp>

#include "hub/http/internal/engine.h"
#include "hub/http/internal/transport.h"
#include "hub/http/internal/unix_socket.h"

namespace latchkey::hub::http {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

Outcome<std::unique_ptr<Server>> Server::listen_unix(const std::string& path, Options options, Handlers handlers) {
  LATCHKEY_TRY(descriptor, internal::listen_at(path));
  using Unix = EngineOver<internal::UnixTransport>;
  try {
    auto engine = std::make_unique<Unix>(
        options, std::move(handlers), internal::UnixTransport{path},
        [descriptor](asio::io_context& io) { return Unix::Acceptor(io, Unix::Protocol(), descriptor); });
    engine->run();
    return std::unique_ptr<Server>(new Server(std::move(engine)));
  } catch (const std::exception& error) {
    return refuse(Reason::kInternal, "the server at " + path + " does not start: " + error.what());
  }
}

Outcome<std::unique_ptr<Server>> Server::listen_tcp(const std::string& host, std::uint16_t port, Options options,
                                                    Handlers handlers) {
  beast::error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error) return refuse(Reason::kInvalidArgument, "'" + host + "' is not a numeric IP address");
  using Tcp = EngineOver<internal::TcpTransport>;
  try {
    auto engine =
        std::make_unique<Tcp>(options, std::move(handlers), internal::TcpTransport{}, [&](asio::io_context& io) {
          constexpr bool kReuseAddress = true;  // connections in TIME_WAIT do not count
          return Tcp::Acceptor(io, {address, port}, kReuseAddress);
        });
    engine->set_port(engine->acceptor().local_endpoint().port());
    engine->run();
    return std::unique_ptr<Server>(new Server(std::move(engine)));
  } catch (const boost::system::system_error& failed) {
    return fail(internal::no_listener(host, port, failed.code()));
  } catch (const std::exception& failed) {
    return refuse(Reason::kInternal, "the server at " + host + " does not start: " + failed.what());
  }
}

Server::Server(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Server::~Server() { stop(); }
std::uint16_t Server::port() const { return engine_->port(); }
void Server::stop() { engine_->stop(); }

}  // namespace latchkey::hub::http
