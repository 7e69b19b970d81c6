// SPDX-License-Identifier: Apache-2.0
#include "hub/revocation/service.h"

#include <openssl/pem.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "hub/text/time.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::revocation {
namespace {

constexpr std::string_view kLists = "/crl/";
constexpr std::string_view kAllLists = "/crl/all.pem";
constexpr std::string_view kCertificates = "/ca/";
constexpr std::string_view kOcsp = "/ocsp";
constexpr std::string_view kOcspRequestType = "application/ocsp-request";
constexpr const char* kOcspResponseType = "application/ocsp-response";

http::Response plain(int status, const std::string& text) {
  return {status, "text/plain", text + "\n", {{"Cache-Control", "no-store"}}};
}
http::Response not_found() { return plain(404, "there is nothing here"); }
http::Response not_allowed(const std::string& allowed) {
  auto response = plain(405, "this address takes " + allowed);
  response.fields.emplace_back("Allow", allowed);
  return response;
}

bool reads(const http::Request& request) { return request.method == "GET" || request.method == "HEAD"; }

// The uuid in "{uuid}{suffix}", in its one spelling: nothing else becomes part of a file's name.
std::optional<Uuid> named(std::string_view name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  const auto uuid = parse_uuid(name);
  if (!uuid || view(to_text(*uuid)) != name) return std::nullopt;
  return *uuid;
}

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

std::string crl_pem(const std::string& der) {
  const openssl::BioPtr memory(BIO_new(BIO_s_mem()));
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  if (!memory || PEM_write_bio(memory.get(), PEM_STRING_X509_CRL, "", bytes, static_cast<long>(der.size())) <= 0) {
    return {};
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

http::Response unavailable() { return plain(503, "the registry does not answer now; try again"); }

}  // namespace

http::Response Service::handle(const http::Request& request) {
  const std::string& path = request.path;
  if (path == kOcsp || path.starts_with(std::string(kOcsp) + "/")) {
    const auto encoded = std::string_view(path).substr(std::min(path.size(), kOcsp.size() + 1));
    if (encoded.empty()) return request.method == "POST" ? asked_by_post(request) : not_allowed("POST");
    return reads(request) ? asked_by_get(request, encoded) : not_allowed("GET, HEAD");
  }
  const bool lists = path.starts_with(kLists);
  if (!lists && !path.starts_with(kCertificates)) return not_found();
  if (!reads(request)) return not_allowed("GET, HEAD");
  if (path == kAllLists) return all_lists(request);
  return lists ? list(request, path.substr(kLists.size())) : certificate(request, path.substr(kCertificates.size()));
}

http::Response Service::list(const http::Request& request, const std::string& name) {
  const auto list_name = parse_list_name(name);
  const auto found = list_name ? lists_.list(*list_name) : nullptr;
  if (!found) return not_found();
  return answer(request, {"application/pkix-crl", found->der, found->tag, found->this_update, found->next_update});
}

// Without the lists of revoked CAs: a verifier that only looks at the leaf, as many do, finds no list for a leaf below
// one and refuses it, instead of taking it for good.
http::Response Service::all_lists(const http::Request& request) {
  const auto cas = registry_.list_cas();
  if (!cas) return unavailable();
  const UnixMs now = clock_();
  Document document{"application/x-pem-file", {}, {}, 0, std::numeric_limits<UnixMs>::max()};
  for (const auto& ca : *cas) {
    if (ca.status == registry::CaStatus::kRevoked || ca.not_after <= now) continue;
    const auto found = lists_.list({ca.id});
    if (!found) continue;
    document.content += crl_pem(found->der);
    document.modified = std::max(document.modified, found->this_update);
    document.expires = std::min(document.expires, found->next_update);
  }
  if (document.content.empty()) return not_found();
  document.tag = tag_of(document.content);
  return answer(request, std::move(document));
}

http::Response Service::certificate(const http::Request& request, const std::string& name) {
  const auto id = named(name, ".cer");
  if (!id) return not_found();
  const auto ca = registry_.find_ca(*id);
  if (!ca) return ca.error().reason == registry::Reason::kNotFound ? not_found() : unavailable();
  if (ca->der.empty()) return not_found();  // it waits for its certificate
  return answer(request, {"application/pkix-cert", std::string(ByteView(ca->der).text()), tag_of(ca->der),
                          ca->not_before, ca->not_after});
}

http::Response Service::asked_by_get(const http::Request& request, std::string_view encoded) {
  const auto reply = responder_.answer(base64_decoded(percent_decoded(encoded)));
  const std::string der(ByteView(reply.der).text());
  if (!reply.reusable) return {200, kOcspResponseType, der, {{"Cache-Control", "no-store"}}};
  return answer(request, {kOcspResponseType, der, tag_of(reply.der), reply.this_update, reply.next_update});
}

http::Response Service::asked_by_post(const http::Request& request) {
  const auto type = request.field("Content-Type");
  if (lower(trimmed(type.substr(0, type.find(';')))) != kOcspRequestType) {
    return plain(415, "an OCSP request has the type " + std::string(kOcspRequestType));
  }
  const auto reply = responder_.answer(request.body);
  return {200, kOcspResponseType, std::string(ByteView(reply.der).text()), {{"Cache-Control", "no-store"}}};
}

// With the fields of RFC 5019 section 6.2. The date is the rehearsal's, as all the others are.
http::Response Service::answer(const http::Request& request, Document document) const {
  const UnixMs now = clock_();
  const auto left_s = std::clamp<UnixMs>((document.expires - now) / 1000, 0, options_.max_age_s);
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
