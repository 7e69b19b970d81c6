// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/router.h"

#include <algorithm>
#include <optional>

namespace latchkey::hub::management {

using registry::Reason;

const std::vector<Route>& routes() {
  using enum Method;
  static const std::vector<Route> table = {
      {kGet, "/status", show_status},

      {kGet, "/namespaces", list_namespaces},
      {kGet, "/namespaces/{}", show_namespace},
      {kPut, "/namespaces/{}", create_namespace},
      {kDelete, "/namespaces/{}", delete_namespace},

      {kGet, "/namespaces/{}/credentials/default", show_credential},
      {kPut, "/namespaces/{}/credentials/default", create_credential},
      {kDelete, "/namespaces/{}/credentials/default", delete_credential},
      {kPost, "/namespaces/{}/credentials/default/synchronize", sync_credential},

      {kGet, "/namespaces/{}/credentials/default/policies", list_policies},
      {kGet, "/namespaces/{}/credentials/default/policies/{}", show_policy},
      {kPut, "/namespaces/{}/credentials/default/policies/{}", create_policy},
      {kPatch, "/namespaces/{}/credentials/default/policies/{}", update_policy},
      {kDelete, "/namespaces/{}/credentials/default/policies/{}", delete_policy},
      {kPost, "/namespaces/{}/credentials/default/policies/{}/revokeIssuer", revoke_policy},

      {kGet, "/namespaces/{}/devices", list_devices, "top,skipToken"},
      {kGet, "/namespaces/{}/devices/{}", show_device},
      {kPut, "/namespaces/{}/devices/{}", create_device},
      {kPatch, "/namespaces/{}/devices/{}", update_device},
      {kDelete, "/namespaces/{}/devices/{}", delete_device},
      {kPost, "/namespaces/{}/devices/{}/revoke", revoke_device},
      {kGet, "/namespaces/{}/devices/{}/certificates", list_device_certificates},
      {kPost, "/namespaces/{}/devices/{}/messages", send_message},

      {kGet, "/enrollments", list_enrollments<false>},
      {kGet, "/enrollments/{}", show_enrollment<false>},
      {kPut, "/enrollments/{}", create_enrollment<false>},
      {kPatch, "/enrollments/{}", update_enrollment<false>},
      {kDelete, "/enrollments/{}", delete_enrollment<false>},
      {kPost, "/enrollments/{}/attestationmechanism", show_attestation<false>},

      {kGet, "/enrollmentGroups", list_enrollments<true>},
      {kGet, "/enrollmentGroups/{}", show_enrollment<true>},
      {kPut, "/enrollmentGroups/{}", create_enrollment<true>},
      {kPatch, "/enrollmentGroups/{}", update_enrollment<true>},
      {kDelete, "/enrollmentGroups/{}", delete_enrollment<true>},
      {kPost, "/enrollmentGroups/{}/attestationmechanism", show_attestation<true>},

      {kGet, "/hubs", list_hubs},
      {kGet, "/hubs/{}", show_hub},
      {kGet, "/hubs/{}/certificates", list_hub_certificates},
      {kGet, "/hubs/{}/certificates/{}", show_hub_certificate},
      {kDelete, "/hubs/{}/certificates/{}", delete_hub_certificate},

      {kGet, "/certificateAuthorities", list_cas},
      {kGet, "/certificateAuthorities/{}", show_ca},

      {kGet, "/registrations", list_registrations},
      {kGet, "/registrations/{}", show_registration},

      {kGet, "/audit", list_audit, "top,before"},
      {kGet, "/decisions", list_decisions, "top,device,reason"},
      {kGet, "/decisions/counts", count_decisions},
  };
  return table;
}

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 section 2.1; '+' stays itself (device ids may contain it).
std::optional<std::string> percent_decode(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    result += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return result;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::vector<std::string>> decoded_segments(std::string_view path) {
  if (path.empty() || path[0] != '/') return std::nullopt;
  std::vector<std::string> segments;
  for (const auto part : split(path.substr(1), '/')) {
    auto segment = percent_decode(part);
    if (!segment || segment->empty()) return std::nullopt;
    segments.push_back(std::move(*segment));
  }
  return segments;
}

// What stands in the pattern's {}; nothing when the path is another one.
std::optional<std::vector<std::string>> names_in(const std::vector<std::string>& segments, std::string_view pattern) {
  const auto parts = split(pattern.substr(1), '/');
  if (parts.size() != segments.size()) return std::nullopt;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == "{}") {
      names.push_back(segments[i]);
    } else if (parts[i] != segments[i]) {
      return std::nullopt;
    }
  }
  return names;
}

std::string_view to_string(Method method) {
  switch (method) {
    case Method::kGet: return "GET";
    case Method::kPut: return "PUT";
    case Method::kPatch: return "PATCH";
    case Method::kPost: return "POST";
    case Method::kDelete: return "DELETE";
  }
  return "";
}

}  // namespace

Match find_route(Method method, std::string_view path) {
  Match match;
  const auto segments = decoded_segments(path);
  if (!segments) return match;
  for (const auto& route : routes()) {
    auto names = names_in(*segments, route.pattern);
    if (!names) continue;
    match.path_known = true;
    match.allowed += (match.allowed.empty() ? "" : ", ") + std::string(to_string(route.method));
    if (route.method != method || match.route) continue;
    match.route = &route;
    match.names = std::move(*names);
  }
  return match;
}

Answer<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query, std::string_view known) {
  std::vector<std::pair<std::string, std::string>> result;
  if (query.empty()) return result;
  const auto names = split(known, ',');
  for (const auto part : split(query, '&')) {
    const auto equals = part.find('=');
    const auto name = percent_decode(part.substr(0, equals));
    const auto value = percent_decode(equals == std::string_view::npos ? "" : part.substr(equals + 1));
    if (!name || !value) return fault(Reason::kMalformedRequest, "the query has a broken percent escape");
    const bool expected = !name->empty() && std::find(names.begin(), names.end(), *name) != names.end();
    if (!expected && *name != "api-version") {
      return fault(Reason::kMalformedRequest, "unknown query parameter '" + name->substr(0, 64) + "'",
                   name->substr(0, 64));
    }
    const auto same = [&name](const auto& earlier) { return earlier.first == *name; };
    if (std::any_of(result.begin(), result.end(), same)) {
      return fault(Reason::kMalformedRequest, "query parameter '" + *name + "' is given twice", *name);
    }
    result.emplace_back(*name, *value);
  }
  return result;
}

}  // namespace latchkey::hub::management
