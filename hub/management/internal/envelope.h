// SPDX-License-Identifier: Apache-2.0
// What Azure Resource Manager wraps every resource in: id, name, type, location, tags, systemData. The registry keeps
// what of it has to be kept as labels (registry/model/resources.h).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "hub/management/internal/handlers.h"
#include "hub/management/internal/reader.h"

namespace latchkey::hub::management {

inline constexpr std::string_view kUsualLocation = "local";

// A resource that has a location and tags of its own, or one that lies where its parent does.
enum class Kept : std::uint8_t { kTracked, kProxy };

// Reads location and tags into the labels of `call`; of a proxy they are unknown members. What only the service writes
// (id, name, type, systemData, etag) may be there, as in the answer to a GET, and is not looked at.
void read_envelope(Fields& root, Kept kept, registry::Call& call);
// Properties that only the service writes, which come back from callers that change what they read.
void pass_read_only(Fields& properties, std::initializer_list<const char*> names);

// The labels of the resource at that short path, decoded.
Answer<registry::Labels> labels_at(const Context& context, const std::vector<std::string>& segments);
// location, tags and systemData into a resource's JSON, whose systemData already says when it was created.
void put_labels(nlohmann::json& resource, const registry::Labels& labels, Kept kept);

// Whether `labels` say another location than the one that the call brings: a resource does not move.
// kImmutableProperty.
Answer<registry::Nothing> check_location(const registry::Call& call, const registry::Labels& labels);

}  // namespace latchkey::hub::management
