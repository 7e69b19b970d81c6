// SPDX-License-Identifier: Apache-2.0
#include "hub/revocation/ocsp_face.h"

#include <algorithm>

#include "hub/revocation/list_folder.h"

namespace latchkey::hub::revocation {
namespace {

constexpr std::string_view kOcsp = "/ocsp";
constexpr std::string_view kOcspRequestType = "application/ocsp-request";
constexpr const char* kOcspResponseType = "application/ocsp-response";

// Undoes percent-encoding (RFC 3986 section 2.1); a '%' that encodes nothing stays, and is no base64.
std::string percent_decoded(std::string_view text) {
  std::string plain_text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::uint8_t octet = 0;
    if (text[i] == '%' && hex_decode(text.substr(i + 1, 2), {&octet, 1}) == std::size_t{1}) {
      plain_text += static_cast<char>(octet);
      i += 2;
    } else {
      plain_text += text[i];
    }
  }
  return plain_text;
}

registry::Bytes base64_decoded(std::string_view text) {
  registry::Bytes bytes(base64_decoded_max(text.size()));
  const auto size = base64_decode(text, {bytes.data(), bytes.size()});
  bytes.resize(size.value_or(0));
  return bytes;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return result;
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

bool OcspFace::serves(std::string_view path) {
  return path == kOcsp || (path.starts_with(kOcsp) && path[kOcsp.size()] == '/');
}

http::Response OcspFace::handle(const http::Request& request) {
  const auto encoded = std::string_view(request.path).substr(std::min(request.path.size(), kOcsp.size() + 1));
  if (encoded.empty()) return request.method == "POST" ? asked_by_post(request) : not_allowed("POST");
  return reads(request) ? asked_by_get(request, encoded) : not_allowed("GET, HEAD");
}

http::Response OcspFace::asked_by_get(const http::Request& request, std::string_view encoded) {
  const auto reply = responder_.answer(base64_decoded(percent_decoded(encoded)));
  const std::string der(ByteView(reply.der).text());
  if (!reply.reusable) return {200, kOcspResponseType, der, {{"Cache-Control", "no-store"}}};
  return answer(request, {kOcspResponseType, der, tag_of(reply.der), reply.this_update, reply.next_update}, clock_(),
                max_age_s_);
}

http::Response OcspFace::asked_by_post(const http::Request& request) {
  const auto type = request.field("Content-Type");
  if (lower(trimmed(type.substr(0, type.find(';')))) != kOcspRequestType) {
    return plain(415, "an OCSP request has the type " + std::string(kOcspRequestType));
  }
  const auto reply = responder_.answer(request.body);
  return {200, kOcspResponseType, std::string(ByteView(reply.der).text()), {{"Cache-Control", "no-store"}}};
}

}  // namespace latchkey::hub::revocation
