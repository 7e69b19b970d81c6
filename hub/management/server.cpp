// SPDX-License-Identifier: Apache-2.0
#include "hub/management/server.h"

#include <pwd.h>
#include <sys/types.h>

#include <optional>
#include <string_view>
#include <vector>

#include "hub/management/authenticator.h"
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
  for (auto& field : response.fields) fields.push_back(std::move(field));
  return {response.status, type, std::move(response.body), std::move(fields)};
}

// Documents of identity validations are files in the body, and so are bundles.
bool may_be_large(std::string_view method, std::string_view path) {
  if (method == "PUT" && path.find("/firmwareCampaigns/") != std::string_view::npos) return true;
  const bool files = path.ends_with("/documents") || path.ends_with("/present");
  return method == "POST" && files && path.find("/identityValidations/") != std::string_view::npos;
}

Response busy() {
  auto response = http_error(503, "ServerBusy", "too many files are handed in at the moment: try again");
  response.fields.emplace_back("Retry-After", "5");
  return response;
}

http::Response fault_answer(http::Fault fault) {
  switch (fault) {
    case http::Fault::kBodyTooLarge: return message_of(http_error(413, "PayloadTooLarge", "the body is too large"));
    case http::Fault::kHeaderTooLarge: return message_of(http_error(431, "HeaderTooLarge", "the header is too large"));
    case http::Fault::kTooManyLargeBodies: return message_of(busy());
    case http::Fault::kHandlerFailed:
      return message_of(error_answer(Fault(registry::Reason::kInternal, "the request could not be handled")));
    case http::Fault::kBadRequest: break;
  }
  return message_of(http_error(400, "BadRequest", "this is not an HTTP/1.1 request"));
}

http::Response unknown_method() {
  return message_of(http_error(405, "MethodNotAllowed", "only GET, PUT, PATCH, POST and DELETE are known"));
}

Request request_of(const http::Request& asked, Method method, Caller caller) {
  Request request{method, asked.path, asked.query, asked.body, std::move(caller)};
  request.if_match = std::string(asked.field("if-match"));
  request.if_none_match = std::string(asked.field("if-none-match"));
  request.max_item_count = std::string(asked.field("x-ms-max-item-count"));
  request.continuation = std::string(asked.field("x-ms-continuation"));
  return request;
}

http::Response handled(const Server::Handle& handle, std::uint32_t owner, const http::Request& asked) {
  const auto method = method_of(asked.method);
  if (!method) return unknown_method();
  return message_of(handle(request_of(asked, *method, caller_of(asked.peer, owner))));
}

// The authority that the client wrote into its request, as it has to reach us by; ours when that is no authority.
std::string base_of(const http::Request& asked, const std::string& ours) {
  constexpr std::size_t kLongest = 255;
  const auto host = asked.field("host");
  const bool plain = !host.empty() && host.size() <= kLongest &&
                     host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") ==
                         std::string_view::npos;
  return "https://" + (plain ? std::string(host) : ours);
}

http::Response handled_with_token(const Server::Handle& handle, const Server::Authenticate& authenticate,
                                  const std::string& ours, const http::Request& asked) {
  auto caller = authenticate(asked.field("authorization"), asked.peer.address);
  if (!caller) return message_of(unauthenticated(caller.error()));
  const auto method = method_of(asked.method);
  if (!method) return unknown_method();
  auto request = request_of(asked, *method, *std::move(caller));
  request.base = base_of(asked, ours);
  return message_of(handle(request));
}

}  // namespace

registry::Outcome<std::unique_ptr<Server>> Server::start(ServerOptions options, Handle handle,
                                                         PeerRefused peer_refused) {
  http::Options connections;
  connections.threads = options.threads;
  connections.connection_limit = options.connection_limit;
  connections.body_limit = options.body_limit;
  connections.large_body_limit = options.large_body_limit;
  connections.header_limit = options.header_limit;
  connections.request_timeout = options.request_timeout;
  connections.idle_timeout = options.idle_timeout;
  http::Handlers handlers;
  handlers.handle = [act = std::move(handle), owner = options.owner_uid](const http::Request& asked) {
    return handled(act, owner, asked);
  };
  handlers.fault = fault_answer;
  handlers.large = may_be_large;
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

registry::Outcome<std::unique_ptr<Server>> Server::start_tls(TlsServerOptions options, Handle handle,
                                                             Authenticate authenticate) {
  http::Options connections;
  connections.threads = options.threads;
  connections.connection_limit = options.connection_limit;
  connections.body_limit = options.body_limit;
  connections.large_body_limit = options.large_body_limit;
  connections.header_limit = options.header_limit;
  connections.request_timeout = options.request_timeout;
  connections.idle_timeout = options.idle_timeout;
  http::Handlers handlers;
  const bool v6 = options.host.find(':') != std::string::npos;
  const std::string ours = v6 ? "[" + options.host + "]" : options.host;
  handlers.handle = [act = std::move(handle), who = std::move(authenticate), ours](const http::Request& asked) {
    return handled_with_token(act, who, ours, asked);
  };
  handlers.fault = fault_answer;
  handlers.large = may_be_large;
  LATCHKEY_TRY(server,
               http::Server::listen_tls(options.host, options.port, options.files, connections, std::move(handlers)));
  return std::unique_ptr<Server>(new Server(std::move(server)));
}

Server::~Server() { stop(); }
void Server::stop() { server_->stop(); }

}  // namespace latchkey::hub::management
