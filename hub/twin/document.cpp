// SPDX-License-Identifier: Apache-2.0
#include "hub/twin/document.h"

#include "hub/text/json.h"
#include "hub/text/time.h"

namespace latchkey::hub::twin {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr std::size_t kMaxKey = 1024;
constexpr std::size_t kMaxString = 4 * 1024;
constexpr int kMaxDepth = 10;  // levels of objects and arrays below the document
constexpr std::int64_t kMostInteger = 4'503'599'627'370'495;
constexpr std::int64_t kLeastInteger = -4'503'599'627'370'496;
constexpr std::size_t kShown = 64;

constexpr const char* kLastUpdated = "$lastUpdated";
constexpr const char* kLastUpdatedVersion = "$lastUpdatedVersion";

// Calls `visit` with each code point. The text is UTF-8 already: it came out of the JSON parser.
template <class Visit>
void each_character(std::string_view text, Visit visit) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    std::uint32_t point = length == 1 ? lead : lead & (0x7fu >> length);
    for (std::size_t k = 1; k < length && i + k < text.size(); ++k) {
      point = point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fu);
    }
    visit(point);
    i += length;
  }
}

bool is_control(std::uint32_t point) { return point < 0x20 || (point >= 0x7f && point < 0xa0); }

std::size_t characters(std::string_view text) {
  std::size_t count = 0;
  each_character(text, [&count](std::uint32_t point) { count += is_control(point) ? 0 : 1; });
  return count;
}

tl::unexpected<registry::Refusal> bad(const std::string& path, const std::string& why) {
  return refuse(Reason::kInvalidArgument, "'" + path.substr(0, kShown) + "' " + why);
}

Outcome<Nothing> check_key(const std::string& key, const std::string& path) {
  if (key.empty()) return bad(path, "has an empty name");
  if (key.size() > kMaxKey) return bad(path, "has a name of more than 1 KB");
  bool allowed = true;
  each_character(key, [&allowed](std::uint32_t point) {
    if (is_control(point) || point == '.' || point == '$' || point == ' ') allowed = false;
  });
  if (!allowed) return bad(path, "has a name with '.', '$', a space or a control character");
  return Nothing{};
}

Outcome<Nothing> check_number(const Json& value, const std::string& path) {
  const bool too_large = value.is_number_unsigned()
                             ? value.get<std::uint64_t>() > static_cast<std::uint64_t>(kMostInteger)
                             : value.is_number_integer() && (value.get<std::int64_t>() > kMostInteger ||
                                                             value.get<std::int64_t>() < kLeastInteger);
  if (too_large) return bad(path, "is an integer beyond -4503599627370496 to 4503599627370495");
  return Nothing{};
}

Outcome<Nothing> check_value(const Json& value, const std::string& path, int depth) {
  if (value.is_string() && value.get_ref<const std::string&>().size() > kMaxString) {
    return bad(path, "is longer than 4 KB");
  }
  if (value.is_number()) return check_number(value, path);
  if (!value.is_structured()) return Nothing{};
  if (depth > kMaxDepth) return bad(path, "lies deeper than 10 levels");
  if (value.is_array()) {
    for (const auto& item : value) LATCHKEY_TRY_VOID(check_value(item, path, depth + 1));
    return Nothing{};
  }
  for (const auto& [key, item] : value.items()) {
    const std::string inner = path.empty() ? key : path + "." + key;
    LATCHKEY_TRY_VOID(check_key(key, inner));
    LATCHKEY_TRY_VOID(check_value(item, inner, depth + 1));
  }
  return Nothing{};
}

void put_stamp(Json& metadata, const Stamp& stamp) {
  metadata[kLastUpdated] = text::iso8601_ticks(stamp.now);
  if (stamp.version) metadata[kLastUpdatedVersion] = *stamp.version;
}

// Everything in `value` was changed now.
Json stamped(const Json& value, const Stamp& stamp) {
  Json metadata = Json::object();
  put_stamp(metadata, stamp);
  if (!value.is_object()) return metadata;
  for (const auto& [key, item] : value.items()) metadata[key] = stamped(item, stamp);
  return metadata;
}

// A property that is null is a property that is not there.
Json without_nulls(const Json& value) {
  if (!value.is_object()) return value;
  Json kept = Json::object();
  for (const auto& [key, item] : value.items()) {
    if (!item.is_null()) kept[key] = without_nulls(item);
  }
  return kept;
}

void merge(Json& value, Json& metadata, const Json& patch, const Stamp& stamp) {
  put_stamp(metadata, stamp);
  for (const auto& [key, item] : patch.items()) {
    if (item.is_null()) {
      value.erase(key);
      metadata.erase(key);
    } else if (item.is_object() && value.contains(key) && value[key].is_object()) {
      merge(value[key], metadata[key], item, stamp);
    } else {
      value[key] = without_nulls(item);
      metadata[key] = stamped(value[key], stamp);
    }
  }
}

Outcome<Section> within(Section section, const Json& before, std::size_t limit) {
  const std::size_t size = size_of(section.value);
  if (size > limit && size > size_of(before)) {
    return refuse(Reason::kInvalidArgument, "the document would have a size of " + std::to_string(size) +
                                                ", which may be at most " + std::to_string(limit));
  }
  return section;
}

}  // namespace

Outcome<Json> read_object(std::string_view text) {
  if (text.size() > kMaxPatch) return refuse(Reason::kMalformedRequest, "the body is larger than 128 KB");
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return refuse(Reason::kMalformedRequest, "the body is not JSON");
  if (!json.is_object()) return refuse(Reason::kMalformedRequest, "the body is not a JSON object");
  return json;
}

Outcome<Nothing> check_properties(const Json& properties) { return check_value(properties, "", 0); }

Outcome<Section> merged(const Section& section, const Json& patch, const Stamp& stamp, std::size_t limit) {
  Section after = section;
  merge(after.value, after.metadata, patch, stamp);
  return within(std::move(after), section.value, limit);
}

Outcome<Section> replaced(const Section& section, const Json& whole, const Stamp& stamp, std::size_t limit) {
  Section after;
  after.value = without_nulls(whole);
  after.metadata = stamped(after.value, stamp);
  return within(std::move(after), section.value, limit);
}

Json difference(const Json& before, const Json& after) {
  Json patch = Json::object();
  for (const auto& [key, item] : before.items()) {
    if (!after.contains(key)) patch[key] = nullptr;
  }
  for (const auto& [key, item] : after.items()) {
    if (!before.contains(key)) {
      patch[key] = item;
    } else if (before[key].is_object() && item.is_object()) {
      Json inner = difference(before[key], item);
      if (!inner.empty()) patch[key] = std::move(inner);
    } else if (before[key] != item) {
      patch[key] = item;
    }
  }
  return patch;
}

std::size_t size_of(const Json& value) {
  constexpr std::size_t kNumber = 8;
  constexpr std::size_t kBoolean = 4;
  if (value.is_string()) return characters(value.get_ref<const std::string&>());
  if (value.is_number()) return kNumber;
  if (value.is_boolean()) return kBoolean;
  std::size_t size = 0;
  if (value.is_array()) {
    for (const auto& item : value) size += size_of(item);
  } else if (value.is_object()) {
    for (const auto& [key, item] : value.items()) size += characters(key) + size_of(item);
  }
  return size;
}

std::string store(const Section& section) {
  return text::dump(Json{{"value", section.value}, {"metadata", section.metadata}});
}

Outcome<Section> load(const std::string& text) {
  if (text.empty()) return Section{};
  const Json json = Json::parse(text, nullptr, false);
  const auto is_there = [&json](const char* name) { return json.contains(name) && json[name].is_object(); };
  if (json.is_object() && is_there("value") && json.contains("born") && json["born"].is_number_integer()) {
    Stamp stamp{json["born"].get<UnixMs>(), {}};
    if (json.contains("version") && json["version"].is_number_unsigned()) stamp.version = json["version"];
    return Section{json["value"], stamped(json["value"], stamp)};
  }
  if (!json.is_object() || !is_there("value") || !is_there("metadata")) {
    return refuse(Reason::kStorage, "a twin's document is damaged");
  }
  return Section{json["value"], json["metadata"]};
}

}  // namespace latchkey::hub::twin
