// SPDX-License-Identifier: Apache-2.0
// TLS as a transport of the engine: TLS 1.2 and 1.3, the server's certificate alone. Who the peer is, it says inside.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core.hpp>
#include <memory>
#include <optional>
#include <string>

#include "hub/http/internal/transport.h"
#include "hub/http/server.h"

namespace latchkey::hub::http::internal {

// kStorage: a file cannot be read, or the key is not the certificate's.
registry::Outcome<std::shared_ptr<boost::asio::ssl::context>> tls_context(const TlsFiles& files);

struct TlsTransport {
  using Protocol = boost::asio::ip::tcp;
  using Stream = boost::asio::ssl::stream<boost::beast::basic_stream<Protocol>>;

  Stream stream(Protocol::socket socket) const {
    boost::beast::error_code ignored;
    socket.set_option(Protocol::no_delay(true), ignored);
    return Stream(boost::beast::basic_stream<Protocol>(std::move(socket)), *context);
  }
  template <class Done>
  void open(Stream& stream, Done done) const {
    stream.async_handshake(boost::asio::ssl::stream_base::server, std::move(done));
  }
  std::optional<Peer> peer(Protocol::socket& socket) const { return TcpTransport().peer(socket); }
  void closed() const {}

  std::shared_ptr<boost::asio::ssl::context> context;
};

}  // namespace latchkey::hub::http::internal
