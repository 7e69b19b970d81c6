// SPDX-License-Identifier: Apache-2.0
#include "hub/revocation/document.h"

#include <algorithm>

#include "hub/text/time.h"

namespace latchkey::hub::revocation {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Does If-None-Match name this content (RFC 9110 section 13.1.2)?
bool known(std::string_view field, const std::string& tag) {
  while (!field.empty()) {
    const auto comma = std::min(field.find(','), field.size());
    auto one = trimmed(field.substr(0, comma));
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == "*" || one == tag) return true;
    field.remove_prefix(std::min(comma + 1, field.size()));
  }
  return false;
}

}  // namespace

bool reads(const http::Request& request) { return request.method == "GET" || request.method == "HEAD"; }

http::Response plain(int status, const std::string& text) {
  return {status, "text/plain", text + "\n", {{"Cache-Control", "no-store"}}};
}

http::Response not_allowed(const std::string& allowed) {
  auto response = plain(405, "this address takes " + allowed);
  response.fields.emplace_back("Allow", allowed);
  return response;
}

http::Response answer(const http::Request& request, Document document, UnixMs now, int max_age_s) {
  const auto left_s = std::clamp<UnixMs>((document.expires - now) / 1000, 0, max_age_s);
  const std::string tag = "\"" + document.tag + "\"";
  http::Response response;
  response.fields = {
      {"Date", text::rfc7231(now)},
      {"Last-Modified", text::rfc7231(document.modified)},
      {"Expires", text::rfc7231(document.expires)},
      {"ETag", tag},
      {"Cache-Control", "max-age=" + std::to_string(left_s) + ", public, no-transform, must-revalidate"}};
  if (known(request.field("If-None-Match"), tag)) {
    response.status = 304;
    return response;
  }
  response.content_type = std::move(document.type);
  response.body = std::move(document.content);
  return response;
}

}  // namespace latchkey::hub::revocation
