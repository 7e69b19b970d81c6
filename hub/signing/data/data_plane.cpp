// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/data/data_plane.h"

#include <algorithm>
#include <charconv>

#include "hub/signing/data/bodies.h"
#include "hub/text/encoding.h"

namespace latchkey::hub::signing {

using registry::Nothing;
using registry::Reason;
using registry::refuse;
using registry::signing::OperationStatus;

namespace {

constexpr std::string_view kVersions[] = {"2023-06-15-preview", "2022-06-15-preview"};
constexpr std::size_t kPage = 100;
constexpr int kTooManyRequests = 429;
constexpr int kUnauthorized = 401;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::uint8_t octet = 0;
    if (text[i] == '%' && hex_decode(text.substr(i + 1, 2), {&octet, 1}) == std::size_t{1}) {
      decoded += static_cast<char>(octet);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    if (path.front() != '/') return {};
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    segments.push_back(percent_decoded(path.substr(0, end)));
    path.remove_prefix(end);
  }
  return segments;
}

// The first value of that name in a query.
std::optional<std::string> parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto one = query.substr(0, end);
    const auto equals = std::min(one.find('='), one.size());
    if (percent_decoded(one.substr(0, equals)) == name) {
      return percent_decoded(one.substr(std::min(equals + 1, one.size())));
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return std::nullopt;
}

Answer<Nothing> check_version(const http::Request& request) {
  const auto version = parameter(request.query, "api-version");
  if (!version) return refuse(Reason::kUnsupportedApiVersion, "the query has to name an api-version");
  if (std::find(std::begin(kVersions), std::end(kVersions), *version) != std::end(kVersions)) return Nothing{};
  return refuse(Reason::kUnsupportedApiVersion,
                "api-version is 2023-06-15-preview or 2022-06-15-preview, not another one");
}

// The authority by which the client reached us, as far as it is one.
std::string host_of(const http::Request& request) {
  constexpr std::size_t kLongest = 255;
  const auto host = request.field("host");
  const bool plain = !host.empty() && host.size() <= kLongest &&
                     host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") ==
                         std::string_view::npos;
  return plain ? std::string(host) : "localhost";
}

registry::Refusal not_for_you() {
  return {Reason::kUnauthorized, "there is no such certificate profile here, or the caller may not use it like that"};
}

}  // namespace

DataPlane::Place DataPlane::place_of(const std::string& path) {
  auto segments = segments_of(path);
  if (segments.size() < 4 || segments.size() > 6 || !same(segments[0], "codesigningaccounts") ||
      !same(segments[2], "certificateprofiles")) {
    return {};
  }
  Place place;
  place.account = std::move(segments[1]);
  place.profile = std::move(segments[3]);
  constexpr std::string_view kAct = ":sign";
  if (segments.size() == 4) {
    const std::size_t size = place.profile.size();
    if (size <= kAct.size() || !same(std::string_view(place.profile).substr(size - kAct.size()), kAct)) return {};
    place.profile.resize(size - kAct.size());
    place.what = Place::What::kSign;
  } else if (segments.size() == 5) {
    if (same(segments[4], "sign")) place.what = Place::What::kSign;
    if (same(segments[4], "signTransactions")) place.what = Place::What::kHistory;
  } else if (same(segments[4], "sign")) {
    place.operation = segments[5];
    place.what = same(place.operation, "eku")        ? Place::What::kEku
                 : same(place.operation, "rootcert") ? Place::What::kRootCertificate
                                                     : Place::What::kOperation;
  }
  return place;
}

http::Response DataPlane::refused(const registry::Refusal& refusal) const {
  const auto& faces = registry::faces(refusal.reason);
  auto response = error_response(faces.http_status, faces.arm_code, refusal.detail, options_.spelling);
  if (faces.http_status == kTooManyRequests) response.fields.emplace_back("Retry-After", "1");
  if (faces.http_status == kUnauthorized) {
    const bool shown = refusal.reason != Reason::kNoCredential;
    response.fields.emplace_back("WWW-Authenticate", shown ? "Bearer error=\"invalid_token\"" : "Bearer");
  }
  return response;
}

http::Response DataPlane::handle(const http::Request& request) {
  const auto caller = gatekeeper_.authenticate(request.field("authorization"), request.peer.address);
  if (!caller) return refused(caller.error());
  const Place place = place_of(request.path);
  if (place.what == Place::What::kNothing) {
    return error_response(404, "NotFound", "there is nothing at this address", options_.spelling);
  }
  if (const auto good = check_version(request); !good) return refused(good.error());
  const char* allowed = place.what == Place::What::kSign ? "POST" : "GET";
  if (request.method != allowed) {
    auto response =
        error_response(405, "MethodNotAllowed", std::string("this address takes ") + allowed, options_.spelling);
    response.fields.emplace_back("Allow", allowed);
    return response;
  }
  return answer_at(request, place, *caller);
}

Answer<ProfileFacts> DataPlane::admit(const Gatekeeper::Caller& caller, const Place& place) {
  const bool signs = place.what == Place::What::kSign || place.what == Place::What::kOperation;
  const Right right = signs ? Right::kSign : place.what == Place::What::kHistory ? Right::kHistory : Right::kRead;
  if (const auto may = gatekeeper_.authorize(caller, right, place.account, place.profile); !may) {
    return fail(may.error().reason == Reason::kUnauthorized ? not_for_you() : may.error());
  }
  auto profile = service_.directory().find(place.account, place.profile);
  if (!profile) return fail(profile.error().reason == Reason::kNotFound ? not_for_you() : profile.error());
  if (!options_.region.empty() && !same(options_.region, profile->region)) return fail(not_for_you());
  return std::move(*profile);
}

http::Response DataPlane::answer_at(const http::Request& request, const Place& place,
                                    const Gatekeeper::Caller& caller) {
  const auto profile = admit(caller, place);
  if (!profile) return refused(profile.error());
  switch (place.what) {
    case Place::What::kSign: return sign(request, *profile, caller);
    case Place::What::kOperation: return operation(*profile, place.operation);
    case Place::What::kEku: return ekus(*profile);
    case Place::What::kRootCertificate: return root_certificate(*profile);
    default: return history(request, *profile);
  }
}

http::Response DataPlane::sign(const http::Request& request, const ProfileFacts& profile,
                               const Gatekeeper::Caller& caller) {
  const auto body = read_sign_body(request.body);
  if (!body) return refused(body.error());
  registry::Call call{caller.actor, service_.now()};
  call.source = request.peer.address;
  const auto begun = service_.signing().begin(call, profile, body->algorithm, body->digest);
  if (!begun) return refused(begun.error());
  auto response = json_response(202, operation_body(*begun, {}, options_.spelling));
  const std::string version = parameter(request.query, "api-version").value_or("");
  response.fields.emplace_back("Operation-Location", options_.scheme + "://" + host_of(request) +
                                                         "/codesigningaccounts/" + profile.account_name +
                                                         "/certificateprofiles/" + profile.profile_name + "/sign/" +
                                                         text::uuid_text(begun->id) + "?api-version=" + version);
  return response;
}

http::Response DataPlane::operation(const ProfileFacts& profile, const std::string& id) {
  const auto uuid = parse_uuid(id);
  if (!uuid) return refused({Reason::kOperationNotFound, "the profile has no operation of that id"});
  const auto found = service_.signing().find(profile, *uuid);
  if (!found) return refused(found.error());
  Bytes collection;
  if (found->status == OperationStatus::kSucceeded) {
    const auto certificate = service_.certificate(found->certificate);
    if (!certificate) return refused(certificate.error());
    if (*certificate) collection = service_.certificates().collection_of(**certificate);
  }
  return json_response(200, operation_body(*found, collection, options_.spelling));
}

http::Response DataPlane::ekus(const ProfileFacts& profile) {
  return json_response(200, eku_body(extended_key_usages(profile.type, profile.durable_eku)));
}

http::Response DataPlane::root_certificate(const ProfileFacts& profile) {
  const auto& root = service_.authorities().root(trust_kind_of(profile.type));
  const Bytes der = certificate_der(root.certificate.get());
  return {200, "application/x-x509-ca-cert", std::string(ByteView(der).text()), {}};
}

http::Response DataPlane::history(const http::Request& request, const ProfileFacts& profile) {
  const std::string before_text = parameter(request.query, "before").value_or("0");
  std::uint64_t before = 0;
  const auto [end, error] = std::from_chars(before_text.data(), before_text.data() + before_text.size(), before);
  if (error != std::errc() || end != before_text.data() + before_text.size() || before > INT64_MAX) {
    return refused({Reason::kInvalidArgument, "before is the number of an operation"});
  }
  const auto operations = service_.signing().history(profile, before, kPage);
  if (!operations) return refused(operations.error());
  const auto usage = service_.signing().usage(profile.account, service_.now());
  if (!usage) return refused(usage.error());
  std::string next;
  if (operations->size() == kPage) {
    next = options_.scheme + "://" + host_of(request) + request.path +
           "?api-version=" + parameter(request.query, "api-version").value_or("") +
           "&before=" + std::to_string(operations->back().number);
  }
  return json_response(200, history_body(*operations, *usage, next));
}

}  // namespace latchkey::hub::signing
