// SPDX-License-Identifier: Apache-2.0
// One management request and its answer, free of sockets: the server makes the one, Management the other.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "platform/base/ids.h"

namespace latchkey::hub::management {

enum class Method : std::uint8_t { kGet, kPut, kPatch, kPost, kDelete };

// Who asks: the owner of the data folder, by the peer credentials of the Unix socket; or a principal, by its token; or
// nobody, which is what a Caller is as long as nothing has been proven.
struct Caller {
  enum class Kind : std::uint8_t { kNobody, kOwner, kPrincipal };
  Kind kind = Kind::kNobody;
  std::uint32_t uid = 0;  // on the Unix socket
  std::string user;       // its login name, for people; empty when there is none
  Uuid principal;         // of a principal, with its name
  std::string name;
  std::string source;  // from where, as the audit names it

  // Somebody on the Unix socket; whether it is the owner is for the caller to say.
  static Caller on_socket(Kind kind, std::uint32_t uid, std::string user) {
    return {kind, uid, std::move(user), {}, {}, "unix socket"};
  }
  static Caller by_token(const Uuid& principal, std::string name, std::string source) {
    return {Kind::kPrincipal, 0, {}, principal, std::move(name), std::move(source)};
  }
  std::string actor() const {  // as the audit names it: "uid:0 (root)", "principal:ci"
    if (kind == Kind::kPrincipal) return "principal:" + name;
    return "uid:" + std::to_string(uid) + (user.empty() ? "" : " (" + user + ")");
  }
};

struct Request {
  Method method = Method::kGet;
  std::string path;   // still percent-encoded, starts with '/'
  std::string query;  // still percent-encoded, without the '?'
  std::string body;   // JSON, or empty
  Caller caller;
  std::string if_match = {};  // the field of that name (RFC 9110 section 13.1.1); empty: none
  std::string if_none_match = {};
  std::string base = {};  // what absolute addresses begin with, "https://127.0.0.1:8443"; empty: there are none
  std::string max_item_count =
      {};  // x-ms-max-item-count and x-ms-continuation: pages of hubs and provisioning services
  std::string continuation = {};
};

struct Response {
  int status = 200;            // HTTP
  std::string body;            // JSON, or empty with 204
  std::string etag = {};       // of the resource in the body, without quotes; empty: none
  std::string challenge = {};  // the WWW-Authenticate field (RFC 9110 section 11.6.1); empty: none
  std::vector<std::pair<std::string, std::string>> fields = {};  // more of them: Location, Retry-After and the like
};

}  // namespace latchkey::hub::management
