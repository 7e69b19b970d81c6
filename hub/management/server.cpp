// SPDX-License-Identifier: Apache-2.0
#include "hub/management/server.h"

#include <pwd.h>
#include <sys/types.h>

#include <optional>
#include <string_view>
#include <vector>

#include "hub/management/internal/answer.h"

namespace latchkey::hub::management {
namespace {

std::string user_name(uid_t uid) {
  std::vector<char> buffer(4096);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || !found) return {};
  return found->pw_name;
}

// Connections come over a Unix socket only, so a peer always has a uid.
Caller caller_of(const http::Peer& peer, std::uint32_t owner) {
  const auto uid = peer.uid.value_or(~std::uint32_t{0});
  const auto kind = peer.uid == owner ? Caller::Kind::kOwner : Caller::Kind::kNobody;
  return Caller::on_socket(kind, uid, user_name(uid));
}

std::optional<Method> method_of(std::string_view verb) {
  if (verb == "GET") return Method::kGet;
  if (verb == "PUT") return Method::kPut;
  if (verb == "PATCH") return Method::kPatch;
  if (verb == "POST") return Method::kPost;
  if (verb == "DELETE") return Method::kDelete;
  return std::nullopt;
}

http::Response message_of(Response response) {
  const std::string type = response.body.empty() ? "" : "application/json";
  http::Fields fields;
  if (!response.etag.empty()) fields.emplace_back("ETag", '"' + response.etag + '"');
  if (!response.challenge.empty()) fields.emplace_back("WWW-Authenticate", response.challenge);
  return {response.status, type, std::move(response.body), std::move(fields)};
}

http::Response fault_answer(http::Fault fault) {
  switch (fault) {
    case http::Fault::kBodyTooLarge: return message_of(http_error(413, "PayloadTooLarge", "the body is too large"));
    case http::Fault::kHeaderTooLarge: return message_of(http_error(431, "HeaderTooLarge", "the header is too large"));
    case http::Fault::kHandlerFailed:
      return message_of(error_answer(Fault(registry::Reason::kInternal, "the request could not be handled")));
    case http::Fault::kBadRequest: break;
  }
  return message_of(http_error(400, "BadRequest", "this is not an HTTP/1.1 request"));
}

http::Response handled(const Server::Handle& handle, std::uint32_t owner, const http::Request& asked) {
  const auto method = method_of(asked.method);
  if (!method) {
    return message_of(http_error(405, "MethodNotAllowed", "only GET, PUT, PATCH, POST and DELETE are known"));
  }
  return message_of(handle({*method, asked.path, asked.query, asked.body, caller_of(asked.peer, owner),
                            std::string(asked.field("if-match"))}));
}

}  // namespace

registry::Outcome<std::unique_ptr<Server>> Server::start(ServerOptions options, Handle handle,
                                                         PeerRefused peer_refused) {
  http::Options connections;
  connections.threads = options.threads;
  connections.connection_limit = options.connection_limit;
  connections.body_limit = options.body_limit;
  connections.header_limit = options.header_limit;
  connections.request_timeout = options.request_timeout;
  connections.idle_timeout = options.idle_timeout;
  http::Handlers handlers;
  handlers.handle = [act = std::move(handle), owner = options.owner_uid](const http::Request& asked) {
    return handled(act, owner, asked);
  };
  handlers.fault = fault_answer;
  handlers.turn_away = [owner = options.owner_uid](const http::Peer& peer) -> std::optional<http::Response> {
    if (peer.uid == owner) return std::nullopt;
    return message_of(http_error(403, "AuthorizationFailed", "only the owner of the data folder may manage it"));
  };
  handlers.turned_away = [report = std::move(peer_refused), owner = options.owner_uid](const http::Peer& peer) {
    report(caller_of(peer, owner));
  };
  LATCHKEY_TRY(server, http::Server::listen_unix(options.socket_path, connections, std::move(handlers)));
  return std::unique_ptr<Server>(new Server(std::move(server)));
}

Server::~Server() { stop(); }
void Server::stop() { server_->stop(); }

}  // namespace latchkey::hub::management
