// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 server (RFC 9112) on one socket: Unix or TCP. For rooms that answer requests and should not know of
// connections.
//
// One thread does the input and output, a pool runs the handlers, which may therefore block. A connection's requests
// are handled one after the other, different connections side by side. start and stop belong to one owner.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "hub/http/message.h"
#include "registry/model/refusal.h"

namespace latchkey::hub::http {

struct Options {
  std::size_t threads = 4;             // requests that are handled at the same time
  std::size_t connection_limit = 256;  // those beyond are closed at once
  std::uint64_t body_limit = 64 * 1024;
  std::uint64_t large_body_limit = 0;  // of the requests that Handlers::large names; below body_limit: as that
  std::size_t large_bodies = 4;        // those above body_limit at the same time: what they take together is bounded
  std::uint32_t header_limit = 16 * 1024;
  std::chrono::milliseconds request_timeout{30'000};  // to receive a request, and to send an answer
  std::chrono::milliseconds idle_timeout{60'000};     // between requests of one connection
};

// What the protocol itself refuses or cannot do, before or instead of a handler's answer.
enum class Fault : std::uint8_t { kBadRequest, kBodyTooLarge, kHeaderTooLarge, kHandlerFailed, kTooManyLargeBodies };

struct Handlers {
  // In the pool. An exception becomes fault(kHandlerFailed); its text is nobody's business.
  std::function<Response(const Request&)> handle;
  // Whether this request may have a large body (Options::large_body_limit). On the input and output thread, before the
  // body is read: quick. Without it none may.
  std::function<bool(std::string_view method, std::string_view path)> large;
  // How this server words such an answer. On the input and output thread: quick. Without it: a line of plain text.
  std::function<Response(Fault)> fault;
  // An answer turns the peer away: it is sent to its first request, which is not read further. On the input and output
  // thread: quick. Without it everybody is admitted.
  std::function<std::optional<Response>(const Peer&)> turn_away;
  // In the pool, once for each connection that was turned away.
  std::function<void(const Peer&)> turned_away;
};

// PEM files: the server's certificate, with those above it if there are any, and its key.
struct TlsFiles {
  std::string certificate;
  std::string key;
};

class Server {
 public:
  // All listen when they return.
  //
  // The socket lies in a folder of mode 0700 and has mode 0600; a socket that a crashed process left is replaced.
  // kInvalidArgument: the path is longer than 107 bytes, its folder is open to others, or something else is there.
  // kAlreadyExists: a process listens there. kStorage: the system refuses.
  static registry::Outcome<std::unique_ptr<Server>> listen_unix(const std::string& path, Options options,
                                                                Handlers handlers);
  // `host` is a numeric address; port 0 takes a free one. kInvalidArgument: not an address, or none of ours.
  // kOperationInProgress: somebody else has it now.
  static registry::Outcome<std::unique_ptr<Server>> listen_tcp(const std::string& host, std::uint16_t port,
                                                               Options options, Handlers handlers);
  // The same over TLS 1.2 or 1.3; a handshake has Options::request_timeout. kStorage: the files cannot be used.
  static registry::Outcome<std::unique_ptr<Server>> listen_tls(const std::string& host, std::uint16_t port,
                                                               const TlsFiles& files, Options options,
                                                               Handlers handlers);
  ~Server();  // stops

  // Where it listens; 0 on a Unix socket.
  std::uint16_t port() const;
  // Takes no more connections, lets running handlers finish and their answers go out. May be called twice.
  void stop();

 private:
  class Engine;
  template <class Transport>
  class EngineOver;
  explicit Server(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace latchkey::hub::http
