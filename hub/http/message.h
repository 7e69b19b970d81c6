// SPDX-License-Identifier: Apache-2.0
// One HTTP request and its answer, free of sockets: the server makes the one, a handler the other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace latchkey::hub::http {

// Who is at the other end of the connection.
struct Peer {
  std::optional<std::uint32_t> uid;  // by the socket's peer credentials; Unix sockets only
  std::string address;               // "127.0.0.1:40212"; empty for Unix sockets
};

// Field names compare without regard to case (RFC 9110 section 5.1).
using Fields = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;  // as sent: "GET"
  std::string path;    // still percent-encoded, as sent up to the '?'
  std::string query;   // still percent-encoded, without the '?'
  Fields fields;
  std::string body;
  Peer peer;

  // The first field of that name; empty when there is none.
  std::string_view field(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type;  // empty: no such field
  std::string body;          // nothing of it is sent with 204 and 304, nor to HEAD
  Fields fields = {};        // beyond those of the connection, of the content's length and type
};

}  // namespace latchkey::hub::http
