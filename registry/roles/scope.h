// SPDX-License-Identifier: Apache-2.0
// Scopes: where a role is held. "/" is everything; below it lie subscriptions, resource groups and resources, by the
// ids that Azure Resource Manager gives them. What is held at a scope is held at everything below it.
//
//   scope    = "/" | "/subscriptions/" name [ "/resourceGroups/" name [ resource ] ]
//   resource = "/providers/" provider 1*( "/" type "/" name )
//
// Names stand percent-encoded as in the ids that the hub shows, so that a '/' in a name never makes a segment.
#pragma once

#include <cstddef>
#include <string_view>

namespace latchkey::registry::roles {

inline constexpr std::string_view kEverything = "/";
inline constexpr std::size_t kScopeMost = 1024;

// By the grammar above, keywords in any case.
bool valid_scope(std::string_view scope);
// Whether `resource` is `scope` or lies below it: whole segments, without regard to case.
bool covers(std::string_view scope, std::string_view resource);
// What stands between "/subscriptions/" and the next slash; empty for "/".
std::string_view subscription_of(std::string_view scope);
// Without regard to case, as scopes and role names compare.
bool same_text(std::string_view a, std::string_view b);

}  // namespace latchkey::registry::roles
