// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/internal/names.h"

#include <algorithm>

namespace latchkey::registry {
namespace {

bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool alphanumeric(char c) { return lower(c) || digit(c) || (c >= 'A' && c <= 'Z'); }

bool sized(std::string_view name, std::size_t least, std::size_t most) {
  return name.size() >= least && name.size() <= most;
}

template <class Allowed>
bool all_of(std::string_view name, Allowed allowed) {
  return std::all_of(name.begin(), name.end(), allowed);
}

std::string join(std::initializer_list<std::string_view> parts) {
  std::string path;
  for (std::string_view part : parts) path += part;
  return path;
}

}  // namespace

bool valid_namespace_name(std::string_view name) {
  return sized(name, 3, 64) && all_of(name, [](char c) { return lower(c) || digit(c) || c == '-'; }) &&
         name.front() != '-' && name.back() != '-';
}

bool valid_policy_name(std::string_view name) {
  return sized(name, 3, 63) && all_of(name, [](char c) { return alphanumeric(c) || c == '-'; }) && name.front() != '-';
}

bool valid_hub_name(std::string_view name) {
  return sized(name, 1, 64) && all_of(name, [](char c) { return alphanumeric(c) || c == '-'; }) &&
         name.front() != '-' && name.back() != '-';
}

bool valid_host(std::string_view host) {
  return sized(host, 1, 255) && all_of(host, [](char c) { return c > 0x20 && c < 0x7f && c != '/' && c != '"'; });
}

std::string namespace_path(std::string_view ns) { return join({"namespaces/", ns}); }
std::string credential_path(std::string_view ns) { return join({"namespaces/", ns, "/credentials/default"}); }
std::string policy_path(std::string_view ns, std::string_view policy) {
  return join({"namespaces/", ns, "/credentials/default/policies/", policy});
}
std::string device_path(std::string_view ns, std::string_view device) {
  return join({"namespaces/", ns, "/devices/", device});
}
std::string enrollment_path(std::string_view id, bool group) {
  return join({group ? "enrollmentGroups/" : "enrollments/", id});
}
std::string hub_path(std::string_view hub) { return join({"hubs/", hub}); }
std::string hub_certificate_path(std::string_view hub, std::string_view certificate) {
  return join({"hubs/", hub, "/certificates/", certificate});
}

}  // namespace latchkey::registry
