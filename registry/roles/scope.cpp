// SPDX-License-Identifier: Apache-2.0
#include "registry/roles/scope.h"

#include <algorithm>
#include <vector>

namespace latchkey::registry::roles {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool hex(char c) { return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'f'); }

// One segment of a path as percent_encode() writes it, and not one that a client may resolve away.
bool valid_segment(std::string_view segment) {
  if (segment.empty() || segment == "." || segment == "..") return false;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const char c = segment[i];
    if (c == '%') {
      if (i + 2 >= segment.size() || !hex(segment[i + 1]) || !hex(segment[i + 2])) return false;
      i += 2;
      continue;
    }
    const bool unreserved =
        (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (!unreserved) return false;
  }
  return true;
}

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const auto end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

}  // namespace

bool same_text(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool valid_scope(std::string_view scope) {
  if (scope == kEverything) return true;
  if (scope.empty() || scope.front() != '/' || scope.size() > kScopeMost) return false;
  const auto segments = segments_of(scope);
  const auto count = segments.size();
  if (scope.back() == '/' || !std::all_of(segments.begin(), segments.end(), valid_segment)) return false;
  if (count < 2 || !same_text(segments[0], "subscriptions")) return false;
  if (count == 2) return true;
  if (count < 4 || !same_text(segments[2], "resourceGroups")) return false;
  if (count == 4) return true;
  // "providers", the provider, then pairs
  return count >= 8 && count % 2 == 0 && same_text(segments[4], "providers");
}

bool covers(std::string_view scope, std::string_view resource) {
  if (resource.empty() || resource.front() != '/') return false;
  if (scope == kEverything) return true;
  if (scope.empty() || scope.size() > resource.size()) return false;
  if (!same_text(scope, resource.substr(0, scope.size()))) return false;
  return resource.size() == scope.size() || resource[scope.size()] == '/';
}

std::string_view subscription_of(std::string_view scope) {
  const auto segments = segments_of(scope);
  return segments.size() >= 2 ? segments[1] : std::string_view();
}

}  // namespace latchkey::registry::roles
