// SPDX-License-Identifier: Apache-2.0
// Reads a document strictly: every member is taken by name and type, and what nobody took is refused. A fault is told
// by the JSON pointer (RFC 6901) of the value that it is about; the first one stays.
//
//   LATCHKEY_TRY(reader, Reader::parse(text));
//   auto root = reader->root();
//   auto seed = root.integer("seed", 0, 1'000'000);
//   for (auto& rule : root.objects("rules")) ...
//   LATCHKEY_TRY_VOID(reader->finish());
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "registry/model/refusal.h"

namespace latchkey::hub::rehearsal {

class Reader;

// One object of the document; one that is not there reads as empty. Lives as long as its Reader.
class Fields {
 public:
  bool has(const std::string& name) const;
  std::optional<std::string> text(const std::string& name);
  // Not empty.
  std::string required_text(const std::string& name);
  std::optional<bool> flag(const std::string& name);
  std::optional<std::int64_t> integer(const std::string& name, std::int64_t low, std::int64_t high);
  std::optional<double> number(const std::string& name, double low, double high);
  std::vector<std::string> texts(const std::string& name);
  Fields object(const std::string& name);
  std::vector<Fields> objects(const std::string& name);

  void refuse(const std::string& name, const std::string& why);  // of that member
  void refuse(const std::string& why);                           // of this object
  std::string pointer() const;
  std::string pointer(const std::string& name) const;

 private:
  friend class Reader;
  Fields(Reader* reader, std::size_t node) : reader_(reader), node_(node) {}
  const nlohmann::json* take(const std::string& name);

  Reader* reader_;
  std::size_t node_;
};

class Reader {
 public:
  // kMalformedRequest: not JSON, not an object, a name given twice in an object, deeper than 16.
  static registry::Outcome<std::unique_ptr<Reader>> parse(std::string_view text);
  Fields root() { return {this, 0}; }
  const nlohmann::json& document() const { return document_; }
  // kMalformedRequest with the first fault: "/rules/0/match: why".
  registry::Outcome<registry::Nothing> finish();

 private:
  friend class Fields;
  struct Node {
    const nlohmann::json* value;  // nullptr: absent
    std::string pointer;
    std::set<std::string> taken;
  };
  Reader() = default;
  void refuse(const std::string& pointer, const std::string& why);

  nlohmann::json document_;
  std::deque<Node> nodes_;
  std::string fault_;
};

}  // namespace latchkey::hub::rehearsal
