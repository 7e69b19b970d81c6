// SPDX-License-Identifier: Apache-2.0
#include "hub/revocation/service.h"

#include <openssl/pem.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::revocation {
namespace {

constexpr std::string_view kLists = "/crl/";
constexpr std::string_view kAllLists = "/crl/all.pem";
constexpr std::string_view kCertificates = "/ca/";

http::Response not_found() { return plain(404, "there is nothing here"); }

// The uuid in "{uuid}{suffix}", in its one spelling: nothing else becomes part of a file's name.
std::optional<Uuid> named(std::string_view name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  const auto uuid = parse_uuid(name);
  if (!uuid || view(to_text(*uuid)) != name) return std::nullopt;
  return *uuid;
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
  if (OcspFace::serves(path)) return ocsp_.handle(request);
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
  return told(request, {"application/pkix-crl", found->der, found->tag, found->this_update, found->next_update});
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
  return told(request, std::move(document));
}

http::Response Service::certificate(const http::Request& request, const std::string& name) {
  const auto id = named(name, ".cer");
  if (!id) return not_found();
  const auto ca = registry_.find_ca(*id);
  if (!ca) return ca.error().reason == registry::Reason::kNotFound ? not_found() : unavailable();
  if (ca->der.empty()) return not_found();  // it waits for its certificate
  return told(request, {"application/pkix-cert", std::string(ByteView(ca->der).text()), tag_of(ca->der), ca->not_before,
                        ca->not_after});
}

http::Response Service::told(const http::Request& request, Document document) const {
  return answer(request, std::move(document), clock_(), options_.max_age_s);
}

}  // namespace latchkey::hub::revocation
