// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/envelope.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "hub/management/internal/text.h"
#include "hub/text/json.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

// Limits of Azure Resource Manager.
constexpr std::size_t kMostTags = 50;
constexpr std::size_t kLongestTagName = 512;
constexpr std::size_t kLongestTagValue = 256;
constexpr std::size_t kLongestLocation = 64;
constexpr const char* kNobody = "latchkey";  // who makes what nobody asked for: the first start, provisioning

// "West Europe" and "westeurope" are one place.
std::string location_of(const std::string& text) {
  std::string location;
  for (const char c : text) {
    if (c == ' ') continue;
    location += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return location;
}

bool plain(const std::string& location) {
  return !location.empty() && location.size() <= kLongestLocation &&
         location.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

void read_tags(Fields& root, registry::Call::LabelChange& labels) {
  const bool given = root.has("tags");
  const auto tags = root.text_map("tags");
  if (!given) return;
  const bool sized = std::all_of(tags.begin(), tags.end(), [](const auto& tag) {
    return !tag.first.empty() && tag.first.size() <= kLongestTagName && tag.second.size() <= kLongestTagValue;
  });
  if (!sized || tags.size() > kMostTags) {
    root.refuse(Reason::kInvalidArgument,
                "takes up to 50 tags, with names of 1 to 512 characters and values of up to 256", "tags");
  }
  labels.tags = tags.empty() ? std::string() : text::dump(json(tags));
}

const char* type_of(const std::string& actor) {
  return actor.starts_with("uid:") ? "User" : "Application";  // principals show tokens, as services do
}

}  // namespace

void read_envelope(Fields& root, Kept kept, registry::Call& call) {
  for (const char* name : {"id", "name", "type", "systemData", "etag"}) root.pass(name);
  if (!call.labels) call.labels.emplace();
  if (kept == Kept::kProxy) return;
  if (const auto location = root.text("location")) {
    call.labels->location = location_of(*location);
    if (!plain(*call.labels->location))
      root.refuse(Reason::kInvalidArgument, "is not the name of a location", "location");
  }
  read_tags(root, *call.labels);
}

void pass_read_only(Fields& properties, std::initializer_list<const char*> names) {
  for (const char* name : names) properties.pass(name);
}

Answer<registry::Labels> labels_at(const Context& context, const std::vector<std::string>& segments) {
  std::string path;
  for (const auto& segment : segments) path += (path.empty() ? "" : "/") + segment;
  LATCHKEY_TRY(found, context.registry().labels_of({path}));
  return std::move(found.front());
}

void put_labels(json& resource, const registry::Labels& labels, Kept kept) {
  if (kept == Kept::kTracked) {
    resource["location"] = labels.location.empty() ? std::string(kUsualLocation) : labels.location;
    resource["tags"] = labels.tags.empty() ? json::object() : json::parse(labels.tags, nullptr, false);
  }
  auto& system = resource["systemData"];
  const std::string creator = labels.created_by.empty() ? kNobody : labels.created_by;
  const std::string changer = labels.modified_by.empty() ? creator : labels.modified_by;
  system["createdBy"] = creator;
  system["createdByType"] = type_of(creator);
  system["lastModifiedBy"] = changer;
  system["lastModifiedByType"] = type_of(changer);
  const std::string at = labels.modified == 0 ? std::string() : iso8601(labels.modified);
  // Provisioning may have changed it since; both are of one form, so that the later one is the greater text.
  const std::string last = std::max(at, system.value("lastModifiedAt", system.value("createdAt", "")));
  system["lastModifiedAt"] = last;
}

Answer<registry::Nothing> check_location(const registry::Call& call, const registry::Labels& labels) {
  const auto is = labels.location.empty() ? std::string(kUsualLocation) : labels.location;
  if (!call.labels || !call.labels->location || *call.labels->location == is) return registry::Nothing{};
  return fault(Reason::kImmutableProperty, "'location' cannot be changed: the resource lies in '" + is + "'",
               "location");
}

}  // namespace latchkey::hub::management
