// SPDX-License-Identifier: Apache-2.0
#include "hub/twin/initial.h"

#include "hub/text/json.h"
#include "hub/twin/document.h"

namespace latchkey::hub::twin {

using registry::InitialTwin;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

tl::unexpected<registry::Refusal> wrong(const std::string& why) { return refuse(Reason::kMalformedRequest, why); }

// Empty when there is nothing in it: such a document is the one that every twin begins with.
Outcome<std::string> read_document(Json whole, std::size_t limit) {
  for (const char* name : {"$version", "$metadata"}) whole.erase(name);
  LATCHKEY_TRY_VOID(check_properties(whole));
  LATCHKEY_TRY(section, replaced({}, whole, {}, limit));
  return section.value.empty() ? std::string() : text::dump(section.value);
}

Outcome<std::string> read_desired(const Json& properties) {
  std::string document;
  for (const auto& [name, value] : properties.items()) {
    if (name != "desired") return wrong("unknown member 'properties." + name.substr(0, 64) + "'");
    if (!value.is_object()) return wrong("'properties.desired' must be an object");
    LATCHKEY_TRY(read, read_document(value, kMaxProperties));
    document = std::move(read);
  }
  return document;
}

Outcome<InitialTwin> read(std::string_view text) {
  LATCHKEY_TRY(json, read_object(text));
  InitialTwin twin;
  for (const auto& [name, value] : json.items()) {
    if (name != "tags" && name != "properties") return wrong("unknown member '" + name.substr(0, 64) + "'");
    if (!value.is_object()) return wrong("'" + name + "' must be an object");
    LATCHKEY_TRY(document, name == "tags" ? read_document(value, kMaxTags) : read_desired(value));
    (name == "tags" ? twin.tags : twin.desired) = std::move(document);
  }
  return twin;
}

}  // namespace

Outcome<InitialTwin> read_initial(std::string_view json) {
  auto twin = read(json);
  if (!twin) return refuse(twin.error().reason, "in 'initialTwin': " + twin.error().detail);
  return twin;
}

}  // namespace latchkey::hub::twin
