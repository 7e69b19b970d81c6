// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/reader.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "hub/text/strict_json.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

Reader::Reader() = default;
Reader::~Reader() = default;

Answer<std::unique_ptr<Reader>> Reader::parse(std::string_view text) {
  if (text.empty()) text = "{}";
  auto parsed = text::parse_strict(text);
  if (!parsed) return fault(Reason::kMalformedRequest, "the body is refused: " + parsed.error());
  std::unique_ptr<Reader> reader(new Reader);
  reader->document_ = std::make_unique<json>(std::move(*parsed));
  if (!reader->document_->is_object()) return fault(Reason::kMalformedRequest, "the body is not a JSON object");
  reader->nodes_.push_back({reader->document_.get(), "", {}});
  return reader;
}

void Reader::refuse(Reason reason, std::string detail, std::string target) {
  if (!fault_) fault_ = Fault(reason, std::move(detail), std::move(target));
}

Answer<registry::Nothing> Reader::finish() {
  for (const auto& node : nodes_) {
    if (fault_ || !node.value) continue;
    for (const auto& [name, value] : node.value->items()) {
      if (node.taken.count(name)) continue;
      refuse(Reason::kMalformedRequest, "unknown or read-only member '" + node.path + text::shown(name) + "'",
             node.path + text::shown(name));
    }
  }
  if (fault_) return tl::unexpected<Fault>(*fault_);
  return registry::Nothing{};
}

std::string Fields::path(const std::string& name) const { return reader_->nodes_[node_].path + name; }

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
  if (!value->is_string()) {
    reader_->refuse(Reason::kMalformedRequest, "'" + path(name) + "' must be a string", path(name));
    return std::nullopt;
  }
  return value->get<std::string>();
}

std::string Fields::required_text(const std::string& name) {
  if (!has(name)) reader_->refuse(Reason::kMalformedRequest, "'" + path(name) + "' is missing", path(name));
  return text(name).value_or("");
}

std::optional<std::string> Fields::text_or_null(const std::string& name) {
  const json* value = take(name);
  if (value && value->is_null()) return std::string();
  return text(name);
}

std::optional<bool> Fields::flag(const std::string& name) {
  const json* value = take(name);
  if (!value) return std::nullopt;
  if (!value->is_boolean()) {
    reader_->refuse(Reason::kMalformedRequest, "'" + path(name) + "' must be true or false", path(name));
    return std::nullopt;
  }
  return value->get<bool>();
}

std::optional<std::int64_t> Fields::integer(const std::string& name) {
  const json* value = take(name);
  if (!value) return std::nullopt;
  const bool too_large = value->is_number_unsigned() &&
                         value->get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  if (!value->is_number_integer() || too_large) {
    reader_->refuse(Reason::kMalformedRequest, "'" + path(name) + "' must be a whole number", path(name));
    return std::nullopt;
  }
  return value->get<std::int64_t>();
}

std::map<std::string, std::string> Fields::text_map(const std::string& name) {
  std::map<std::string, std::string> result;
  const json* value = take(name);
  if (!value) return result;
  if (!value->is_object()) {
    reader_->refuse(Reason::kMalformedRequest, "'" + path(name) + "' must be an object of strings", path(name));
    return result;
  }
  for (const auto& [key, item] : value->items()) {
    if (!item.is_string()) {
      reader_->refuse(Reason::kMalformedRequest, "'" + path(name) + "." + text::shown(key) + "' must be a string",
                      path(name) + "." + text::shown(key));
      return {};
    }
    result.emplace(key, item.get<std::string>());
  }
  return result;
}

std::vector<std::string> Fields::texts(const std::string& name) {
  std::vector<std::string> result;
  const json* value = take(name);
  if (!value) return result;
  const auto is_text = [](const json& item) { return item.is_string(); };
  if (!value->is_array() || !std::all_of(value->begin(), value->end(), is_text)) {
    reader_->refuse(Reason::kMalformedRequest, "'" + path(name) + "' must be an array of strings", path(name));
    return result;
  }
  for (const auto& item : *value) result.push_back(item.get<std::string>());
  return result;
}

Fields Fields::object(const std::string& name) {
  const json* value = take(name);
  if (value && !value->is_object()) {
    reader_->refuse(Reason::kMalformedRequest, "'" + path(name) + "' must be an object", path(name));
    value = nullptr;
  }
  reader_->nodes_.push_back({value, path(name) + ".", {}});
  return {reader_, reader_->nodes_.size() - 1};
}

bool Fields::is_null(const std::string& name) {
  const json* value = reader_->nodes_[node_].value;
  const bool null = value && value->contains(name) && (*value)[name].is_null();
  if (null) (void)take(name);
  return null;
}

const json* Fields::any_object(const std::string& name) {
  const json* value = take(name);
  if (!value || value->is_object()) return value;
  reader_->refuse(Reason::kMalformedRequest, "'" + path(name) + "' must be an object", path(name));
  return nullptr;
}

const json* Fields::any_array(const std::string& name) {
  const json* value = take(name);
  if (!value || value->is_array()) return value;
  reader_->refuse(Reason::kMalformedRequest, "'" + path(name) + "' must be an array", path(name));
  return nullptr;
}

void Fields::refuse(Reason reason, const std::string& detail, const std::string& name) {
  reader_->refuse(reason, "'" + path(name) + "' " + detail, path(name));
}

void Fields::immutable(const std::string& name) {
  if (!take(name)) return;
  reader_->refuse(Reason::kImmutableProperty, "'" + path(name) + "' cannot be changed", path(name));
}

}  // namespace latchkey::hub::management
