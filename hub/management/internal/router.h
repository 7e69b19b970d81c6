// SPDX-License-Identifier: Apache-2.0
// Which handler a method and a path lead to. Paths are decoded segment by segment before they are compared, so that
// "%2F" in a name is a character of the name and never a separator.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/management/internal/handlers.h"
#include "hub/management/internal/needs.h"

namespace latchkey::hub::management {

struct Route {
  Method method;
  std::string_view pattern;  // "/namespaces/{}/devices/{}"
  Needs needs;               // what the caller has to be allowed
  Handler handler;
  std::string_view queries = {};  // names it understands, separated by commas; api-version always
};

const std::vector<Route>& routes();

struct Match {
  const Route* route = nullptr;  // nullptr: see path_known
  bool path_known = false;       // another method would do: 405, else 404
  std::string allowed;           // of a known path: "GET, PUT"
  std::vector<std::string> names;
  std::vector<std::string> segments;  // the whole path, decoded
};
// Nothing of a path with a broken escape, an empty segment or a NUL.
std::optional<std::vector<std::string>> decoded_segments(std::string_view path);
Match find_route(Method method, const std::vector<std::string>& segments);
// The same of a path, whose segments match nothing when they cannot be decoded.
Match find_route(Method method, std::string_view path);
std::string_view to_string(Method method);

// kMalformedRequest on broken escapes, names given twice and names that `known` does not list.
Answer<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query, std::string_view known);

}  // namespace latchkey::hub::management
