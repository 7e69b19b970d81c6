// SPDX-License-Identifier: Apache-2.0
// How connections come in. A transport is what the engine is parameterized over; it gives
//
//   Protocol, Stream                       the acceptor's protocol, and what HTTP is spoken over; the Stream's lowest
//                                          layer is a beast::basic_stream, which keeps the deadlines
//   Stream stream(Protocol::socket)        a Stream over an accepted socket
//   void open(Stream&, done)               what comes before HTTP (a TLS handshake); done(error) at once or later
//   optional<Peer> peer(Protocol::socket&) who came; nothing: closed without a word
//   void closed()                          the listener is gone for good
//
// All of it runs on the engine's input and output thread.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <optional>
#include <string>

#include "hub/http/message.h"

namespace latchkey::hub::http::internal {

struct UnixTransport {
  using Protocol = boost::asio::local::stream_protocol;
  using Stream = boost::beast::basic_stream<Protocol>;

  Stream stream(Protocol::socket socket) const { return Stream(std::move(socket)); }
  template <class Done>
  void open(Stream&, Done done) const {
    done(boost::beast::error_code());
  }
  std::optional<Peer> peer(Protocol::socket& socket) const {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
    return Peer{credentials.uid, {}};
  }
  void closed() const { unlink(path.c_str()); }

  std::string path;
};

struct TcpTransport {
  using Protocol = boost::asio::ip::tcp;
  using Stream = boost::beast::basic_stream<Protocol>;

  Stream stream(Protocol::socket socket) const {
    boost::beast::error_code ignored;
    socket.set_option(Protocol::no_delay(true), ignored);
    return Stream(std::move(socket));
  }
  template <class Done>
  void open(Stream&, Done done) const {
    done(boost::beast::error_code());
  }
  std::optional<Peer> peer(Protocol::socket& socket) const {
    boost::beast::error_code error;
    const auto remote = socket.remote_endpoint(error);
    if (error) return std::nullopt;
    const auto host = remote.address().to_string();
    return Peer{std::nullopt,
                (remote.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(remote.port())};
  }
  void closed() const {}
};

}  // namespace latchkey::hub::http::internal
