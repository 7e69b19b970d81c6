// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/data/public_face.h"

#include <algorithm>

namespace latchkey::hub::signing {
namespace {

constexpr std::string_view kQueryType = "application/timestamp-query";
constexpr const char* kReplyType = "application/timestamp-reply";
constexpr std::string_view kLists = "/crl/";
constexpr std::string_view kCertificates = "/ca/";

http::Response plain(int status, const std::string& text) {
  return {status, "text/plain", text + "\n", {{"Cache-Control", "no-store"}}};
}

http::Response not_allowed(const char* allowed) {
  auto response = plain(405, std::string("this address takes ") + allowed);
  response.fields.emplace_back("Allow", allowed);
  return response;
}

http::Response document(const char* type, ByteView der) {
  return {200, type, std::string(der.text()), {{"Cache-Control", "max-age=1, public, no-transform"}}};
}

// The uuid in "{prefix}{uuid}{suffix}", in its one spelling.
std::optional<Uuid> named(std::string_view path, std::string_view prefix, std::string_view suffix) {
  if (path.size() != prefix.size() + kUuidTextSize + suffix.size() || !path.ends_with(suffix)) return std::nullopt;
  const auto name = path.substr(prefix.size(), kUuidTextSize);
  const auto uuid = parse_uuid(name);
  if (!uuid || view(to_text(*uuid)) != name) return std::nullopt;
  return *uuid;
}

// A media type without its parameters, compared without regard to case.
bool is_type(std::string_view field, std::string_view type) {
  auto one = field.substr(0, std::min(field.find(';'), field.size()));
  while (one.ends_with(' ')) one.remove_suffix(1);
  return std::equal(one.begin(), one.end(), type.begin(), type.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

}  // namespace

http::Response PublicFace::handle(const http::Request& request) {
  const std::string& path = request.path;
  if (path == "/" || path == "/timestamp") {
    return request.method == "POST" ? timestamp(request) : not_allowed("POST");
  }
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (path.starts_with(kLists)) {
    if (!reads) return not_allowed("GET, HEAD");
    if (const auto id = named(path, kLists, ".crl")) return list(*id);
  } else if (path.starts_with(kCertificates)) {
    if (!reads) return not_allowed("GET, HEAD");
    if (const auto id = named(path, kCertificates, ".cer")) return certificate(*id);
  }
  return plain(404, "there is nothing here");
}

http::Response PublicFace::timestamp(const http::Request& request) const {
  if (!is_type(request.field("content-type"), kQueryType)) {
    return plain(415, "a timestamp request has the type " + std::string(kQueryType));
  }
  const Bytes reply = service_.authorities().timestamper()->answer(ByteView(request.body));
  return {200, kReplyType, std::string(ByteView(reply).text()), {{"Cache-Control", "no-store"}}};
}

http::Response PublicFace::list(const Uuid& authority) {
  const auto der = service_.authorities().list(authority);
  if (der) return document("application/pkix-crl", *der);
  if (der.error().reason == registry::Reason::kNotFound) return plain(404, "there is no list of that name");
  return plain(503, "the registry does not answer now; try again");
}

http::Response PublicFace::certificate(const Uuid& authority) {
  const auto der = service_.authorities().certificate(authority);
  return der ? document("application/pkix-cert", *der) : plain(404, "there is no certificate of that name");
}

}  // namespace latchkey::hub::signing
