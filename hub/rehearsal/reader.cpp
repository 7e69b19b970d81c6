// SPDX-License-Identifier: Apache-2.0
#include "hub/rehearsal/internal/reader.h"

#include <algorithm>
#include <cmath>

#include "hub/text/strict_json.h"

namespace latchkey::hub::rehearsal {

using nlohmann::json;
using registry::Outcome;
using registry::Reason;

namespace {

// RFC 6901 section 3.
std::string escaped(const std::string& name) {
  std::string result;
  for (const char c : text::shown(name)) result += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return result;
}

}  // namespace

Outcome<std::unique_ptr<Reader>> Reader::parse(std::string_view text) {
  auto parsed = text::parse_strict(text);
  if (!parsed) return registry::refuse(Reason::kMalformedRequest, "the document is refused: " + parsed.error());
  std::unique_ptr<Reader> reader(new Reader);
  reader->document_ = std::move(*parsed);
  if (!reader->document_.is_object()) {
    return registry::refuse(Reason::kMalformedRequest, "the document is refused: it is not a JSON object");
  }
  reader->nodes_.push_back({&reader->document_, "", {}});
  return reader;
}

void Reader::refuse(const std::string& pointer, const std::string& why) {
  if (fault_.empty()) fault_ = (pointer.empty() ? "/" : pointer) + ": " + why;
}

Outcome<registry::Nothing> Reader::finish() {
  for (const auto& node : nodes_) {
    if (!node.value) continue;
    for (const auto& [name, value] : node.value->items()) {
      if (!node.taken.contains(name)) refuse(node.pointer + "/" + escaped(name), "there is no such member here");
    }
  }
  if (!fault_.empty()) return registry::refuse(Reason::kMalformedRequest, fault_);
  return registry::Nothing{};
}

std::string Fields::pointer() const { return reader_->nodes_[node_].pointer; }
std::string Fields::pointer(const std::string& name) const { return pointer() + "/" + escaped(name); }

void Fields::refuse(const std::string& name, const std::string& why) { reader_->refuse(pointer(name), why); }
void Fields::refuse(const std::string& why) { reader_->refuse(pointer(), why); }

bool Fields::has(const std::string& name) const {
  const json* value = reader_->nodes_[node_].value;
  return value && value->contains(name);
}

const json* Fields::take(const std::string& name) {
  auto& node = reader_->nodes_[node_];
  node.taken.insert(name);
  if (!node.value) return nullptr;
  const auto found = node.value->find(name);
  return found == node.value->end() ? nullptr : &*found;
}

std::optional<std::string> Fields::text(const std::string& name) {
  const json* value = take(name);
  if (!value) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  refuse(name, "must be a string");
  return std::nullopt;
}

std::string Fields::required_text(const std::string& name) {
  if (!has(name)) refuse(name, "is missing");
  auto value = text(name);
  if (value && value->empty()) refuse(name, "must not be empty");
  return value.value_or("");
}

std::optional<bool> Fields::flag(const std::string& name) {
  const json* value = take(name);
  if (!value) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  refuse(name, "must be true or false");
  return std::nullopt;
}

std::optional<std::int64_t> Fields::integer(const std::string& name, std::int64_t low, std::int64_t high) {
  const json* value = take(name);
  if (!value) return std::nullopt;
  // A float that is whole is an integer to JSON Schema (draft 2020-12, validation, section 6.1.1).
  const bool whole = value->is_number() && std::trunc(value->get<double>()) == value->get<double>();
  const bool inside =
      whole && value->get<double>() >= static_cast<double>(low) && value->get<double>() <= static_cast<double>(high);
  if (inside) return value->get<std::int64_t>();
  refuse(name, "must be a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  return std::nullopt;
}

std::optional<double> Fields::number(const std::string& name, double low, double high) {
  const json* value = take(name);
  if (!value) return std::nullopt;
  if (value->is_number()) {
    const double found = value->get<double>();
    if (std::isfinite(found) && found >= low && found <= high) return found;
  }
  refuse(name, "must be a number from " + json(low).dump() + " to " + json(high).dump());
  return std::nullopt;
}

std::vector<std::string> Fields::texts(const std::string& name) {
  std::vector<std::string> result;
  const json* value = take(name);
  if (!value) return result;
  const auto is_text = [](const json& item) { return item.is_string(); };
  if (!value->is_array() || !std::all_of(value->begin(), value->end(), is_text)) {
    refuse(name, "must be an array of strings");
    return result;
  }
  for (const auto& item : *value) result.push_back(item.get<std::string>());
  return result;
}

Fields Fields::object(const std::string& name) {
  const json* value = take(name);
  if (value && !value->is_object()) {
    refuse(name, "must be an object");
    value = nullptr;
  }
  reader_->nodes_.push_back({value, pointer(name), {}});
  return {reader_, reader_->nodes_.size() - 1};
}

std::vector<Fields> Fields::objects(const std::string& name) {
  std::vector<Fields> result;
  const json* value = take(name);
  if (!value) return result;
  if (!value->is_array()) {
    refuse(name, "must be an array");
    return result;
  }
  const std::string here = pointer(name);
  for (std::size_t i = 0; i < value->size(); ++i) {
    const json& item = (*value)[i];
    const std::string at = here + "/" + std::to_string(i);
    if (!item.is_object()) reader_->refuse(at, "must be an object");
    reader_->nodes_.push_back({item.is_object() ? &item : nullptr, at, {}});
    result.push_back({reader_, reader_->nodes_.size() - 1});
  }
  return result;
}

}  // namespace latchkey::hub::rehearsal
