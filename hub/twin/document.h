// SPDX-License-Identifier: Apache-2.0
// The rules of a twin's documents: what may stand in them, how a patch changes them, how large they may be. Pure
// functions; any thread.
//
// Source: the public article on device twins. Keys: up to 1 KB of UTF-8 without control characters (C0, C1), `.`, `$`
// and space. Values: boolean, number, string (up to 4 KB), object, array; integers from -2^52 to 2^52 - 1. Ten levels
// below the document. null in a patch removes a property.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "platform/base/ids.h"
#include "registry/model/refusal.h"

namespace latchkey::hub::twin {

using Json = nlohmann::json;

inline constexpr std::size_t kMaxTags = 8 * 1024;
inline constexpr std::size_t kMaxProperties = 32 * 1024;  // desired and reported each
inline constexpr std::size_t kMaxPatch = 128 * 1024;      // of the JSON text that brings a change

// One document, and for each of its properties when it was last changed, in the service's form of $metadata.
struct Section {
  Json value = Json::object();
  Json metadata = Json::object();
};

// When a change is made; `version` only where $lastUpdatedVersion is wanted.
struct Stamp {
  UnixMs now = 0;
  std::optional<std::uint64_t> version;
};

// Any JSON text that is an object. kMalformedRequest: not JSON, no object, longer than kMaxPatch.
registry::Outcome<Json> read_object(std::string_view text);

// kInvalidArgument, naming the property, unless `properties` keeps to the rules above. Size is not looked at.
registry::Outcome<registry::Nothing> check_properties(const Json& properties);

// `patch` and `whole` keep to the rules. kInvalidArgument when the document would grow beyond `limit`; a document that
// is too large already may still shrink.
registry::Outcome<Section> merged(const Section& section, const Json& patch, const Stamp& stamp, std::size_t limit);
registry::Outcome<Section> replaced(const Section& section, const Json& whole, const Stamp& stamp, std::size_t limit);

// The patch that makes `after` of `before`.
Json difference(const Json& before, const Json& after);

// As the service counts: characters of keys and strings without control characters, 8 for a number, 4 for a boolean.
std::size_t size_of(const Json& value);

// For the registry. An empty text is an empty section; what the registry wrapped itself (registry::Twin) was all
// changed when the device was born. kStorage when the text is neither that nor what store() wrote.
std::string store(const Section& section);
registry::Outcome<Section> load(const std::string& text);

}  // namespace latchkey::hub::twin
