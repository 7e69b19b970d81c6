// SPDX-License-Identifier: Apache-2.0
// One management request and its answer, free of sockets: the server makes the one, Management the other.
#pragma once

#include <cstdint>
#include <string>

namespace latchkey::hub::management {

enum class Method : std::uint8_t { kGet, kPut, kPatch, kPost, kDelete };

// Who is at the other end of the socket, by its peer credentials.
struct Caller {
  std::uint32_t uid = 0;
  std::string user;  // login name, for people; empty when there is none

  std::string actor() const {  // as the audit names it: "uid:0 (root)"
    return "uid:" + std::to_string(uid) + (user.empty() ? "" : " (" + user + ")");
  }
};

struct Request {
  Method method = Method::kGet;
  std::string path;   // still percent-encoded, starts with '/'
  std::string query;  // still percent-encoded, without the '?'
  std::string body;   // JSON, or empty
  Caller caller;
};

struct Response {
  int status = 200;  // HTTP
  std::string body;  // JSON, or empty with 204
};

}  // namespace latchkey::hub::management
