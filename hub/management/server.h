// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 in front of Management, in two ways. Over a Unix socket: for the command line and for scripts of the data
// folder's owner, nobody else. Over TLS: for whoever shows a principal's token with each request.
//
// The socket lies in a folder of mode 0700 and has mode 0600; beyond that, every peer is asked for its credentials
// (SO_PEERCRED) and one of another user is answered 403 and reported. A request over TLS without a good token is
// answered 401 (authenticator.h), whatever its path. The connections are hub/http's. start(), start_tls() and stop()
// are called by one owner.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "hub/http/server.h"
#include "hub/management/request.h"
#include "registry/model/refusal.h"

namespace latchkey::hub::management {

struct ServerOptions {
  std::string socket_path;      // at most 107 bytes (sockaddr_un); its folder is made when it is not there
  std::uint32_t owner_uid = 0;  // of the data folder
  std::size_t threads = 8;      // acts that run at the same time
  std::size_t connection_limit = 64;
  std::uint64_t body_limit = 1024 * 1024;
  std::uint64_t large_body_limit = 16 * 1024 * 1024;  // documents and bundles, four at a time
  std::uint32_t header_limit = 16 * 1024;
  std::chrono::milliseconds request_timeout{30'000};  // to receive a request, and to send an answer
  std::chrono::milliseconds idle_timeout{60'000};     // between requests of one connection
};

struct TlsServerOptions {
  std::string host = "127.0.0.1";  // numeric
  std::uint16_t port = 0;          // 0: any free one
  http::TlsFiles files;
  std::size_t threads = 8;
  std::size_t connection_limit = 256;
  std::uint64_t body_limit = 1024 * 1024;
  std::uint64_t large_body_limit = 16 * 1024 * 1024;  // documents and bundles, four at a time
  std::uint32_t header_limit = 16 * 1024;
  std::chrono::milliseconds request_timeout{30'000};  // for a handshake, to receive a request, and to send an answer
  std::chrono::milliseconds idle_timeout{60'000};     // between requests of one connection
};

class Server {
 public:
  using Handle = std::function<Response(const Request&)>;
  using PeerRefused = std::function<void(const Caller&)>;

  // Listens when it returns. kInvalidArgument: the path is too long, or its folder is open to others. kAlreadyExists:
  // a process listens there. kStorage: the system refuses. A socket that a crashed process left is replaced.
  static registry::Outcome<std::unique_ptr<Server>> start(ServerOptions options, Handle handle,
                                                          PeerRefused peer_refused);
  // `authenticate`: who shows this Authorization field, from that address (Authenticator). kInvalidArgument: the
  // address cannot be had. kStorage: the certificate cannot be used.
  using Authenticate = std::function<registry::Outcome<Caller>(std::string_view field, const std::string& source)>;
  static registry::Outcome<std::unique_ptr<Server>> start_tls(TlsServerOptions options, Handle handle,
                                                              Authenticate authenticate);
  // As stop().
  ~Server();
  // Where it listens; 0 on a Unix socket.
  std::uint16_t port() const { return server_->port(); }
  // Takes no more connections, lets running acts finish and their answers go out, removes the socket.
  void stop();

 private:
  explicit Server(std::unique_ptr<http::Server> server) : server_(std::move(server)) {}
  std::unique_ptr<http::Server> server_;
};

}  // namespace latchkey::hub::management
