// SPDX-License-Identifier: Apache-2.0
// Reads the JSON object of a request strictly: every member is taken by name and type, and what nobody took is
// refused by name. The first fault wins; takers return nothing then, and finish() says what it was.
//
//   LATCHKEY_TRY(reader, Reader::parse(request.body));
//   auto properties = reader.root().object("properties");
//   auto enabled = properties.flag("enabled");
//   LATCHKEY_TRY_VOID(reader.finish());
//
// Not JSON, not an object, a name given twice, depth above 16, unknown members, wrong types: kMalformedRequest.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/management/internal/answer.h"

namespace latchkey::hub::management {

class Reader;

// One object of the body; a missing one reads as empty. Lives as long as its Reader stays where it is.
class Fields {
 public:
  bool has(const std::string& name) const;
  std::optional<std::string> text(const std::string& name);
  std::string required_text(const std::string& name);
  std::optional<std::string> text_or_null(const std::string& name);  // null reads as ""
  std::optional<bool> flag(const std::string& name);
  std::optional<std::int64_t> integer(const std::string& name);
  std::map<std::string, std::string> text_map(const std::string& name);
  std::vector<std::string> texts(const std::string& name);  // an array of strings; empty when it is not there
  Fields object(const std::string& name);
  bool is_null(const std::string& name);  // a null that stands there is taken
  // An object whose members are somebody else's business; nothing when it is not there.
  const nlohmann::json* any_object(const std::string& name);
  const nlohmann::json* any_array(const std::string& name);
  // Known, and of whatever type: somebody else reads it.
  void pass(const std::string& name) { (void)take(name); }
  // Known, but nobody may change it: kImmutableProperty when given.
  void immutable(const std::string& name);
  // The member has the right type but not a value that will do: "'path' detail".
  void refuse(registry::Reason reason, const std::string& detail, const std::string& name);
  std::string path(const std::string& name) const;

 private:
  friend class Reader;
  Fields(Reader* reader, std::size_t node) : reader_(reader), node_(node) {}
  const nlohmann::json* take(const std::string& name);

  Reader* reader_;
  std::size_t node_;
};

class Reader {
 public:
  // An empty text reads as {}.
  static Answer<std::unique_ptr<Reader>> parse(std::string_view text);
  ~Reader();
  Fields root() { return {this, 0}; }
  // Notes a fault that the caller found; the first one stays.
  void refuse(registry::Reason reason, std::string detail, std::string target);
  Answer<registry::Nothing> finish();

 private:
  friend class Fields;
  struct Node {
    const nlohmann::json* value;  // nullptr: absent
    std::string path;             // "" or "properties."
    std::set<std::string> taken;
  };
  Reader();

  std::unique_ptr<nlohmann::json> document_;
  std::vector<Node> nodes_;
  std::optional<Fault> fault_;
};

}  // namespace latchkey::hub::management
