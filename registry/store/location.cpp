// SPDX-License-Identifier: Apache-2.0
#include "registry/store/location.h"

#include <algorithm>
#include <array>
#include <optional>

namespace latchkey::registry::store {
namespace {

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Options of libpq that are secrets.
constexpr std::array<std::string_view, 2> kSecrets = {"password=", "sslpassword="};

std::size_t authority_begin(std::string_view url) { return url.find("://") + 3; }

// Of "user:password@". An '@' or '/' within has to be percent-encoded; one that is not is taken to belong to the
// password, so that too much is hidden and not too little.
std::optional<Span> in_authority(std::string_view url) {
  const auto begin = authority_begin(url);
  const auto query = std::min(url.find('?', begin), url.size());
  const auto at = url.substr(0, query).rfind('@');
  if (at == std::string_view::npos || at < begin) return std::nullopt;
  const auto colon = url.find(':', begin);
  if (colon == std::string_view::npos || colon > at) return std::nullopt;
  return Span{colon + 1, at};
}

// The next value of such an option from there on.
std::optional<Span> in_query(std::string_view url, std::size_t from) {
  for (auto at = url.find_first_of("?&", from); at != std::string_view::npos; at = url.find_first_of("?&", at + 1)) {
    for (const std::string_view name : kSecrets) {
      if (url.compare(at + 1, name.size(), name) != 0) continue;
      const auto begin = at + 1 + name.size();
      return Span{begin, std::min(url.find('&', begin), url.size())};
    }
  }
  return std::nullopt;
}

}  // namespace

bool is_postgres_url(std::string_view location) {
  return location.starts_with("postgresql://") || location.starts_with("postgres://");
}

bool has_password(std::string_view location) {
  if (!is_postgres_url(location)) return false;
  return in_authority(location) || in_query(location, authority_begin(location));
}

std::string shown(std::string_view location) {
  std::string text(location);
  if (!is_postgres_url(location)) return text;
  if (const auto span = in_authority(text)) text.replace(span->begin, span->end - span->begin, "***");
  for (auto from = authority_begin(text);;) {
    const auto span = in_query(text, from);
    if (!span) return text;
    text.replace(span->begin, span->end - span->begin, "***");
    from = span->begin;
  }
}

}  // namespace latchkey::registry::store
