// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/scenario/internal/members.h"

#include <cmath>

#include "hub/text/strict_json.h"

namespace latchkey::boards::fleet::scenario {

using nlohmann::json;

namespace {

// RFC 6901 section 3.
std::string escaped(const std::string& name) {
  std::string result;
  for (const char c : hub::text::shown(name)) result += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return result;
}

std::string plain(double number) {
  std::string text = json(number).dump();
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

}  // namespace

Members::Members(const json& object, std::string pointer, std::vector<Fault>& faults)
    : object_(object), pointer_(std::move(pointer)), faults_(faults) {}

std::string Members::pointer(const std::string& name) const { return pointer_ + "/" + escaped(name); }
std::string Members::pointer(const std::string& name, std::size_t index) const {
  return pointer(name) + "/" + std::to_string(index);
}
void Members::fault(const std::string& name, std::string rule) { faults_.push_back({pointer(name), std::move(rule)}); }
void Members::fault(std::string rule) { faults_.push_back({pointer_, std::move(rule)}); }

const json* Members::take(const std::string& name) {
  asked_.insert(name);
  const auto found = object_.find(name);
  return found == object_.end() ? nullptr : &*found;
}

std::optional<std::string> Members::text(const std::string& name, std::size_t most) {
  const json* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string() && !value->get_ref<const std::string&>().empty() &&
      value->get_ref<const std::string&>().size() <= most) {
    return value->get<std::string>();
  }
  fault(name, "must be a text of 1 to " + std::to_string(most) + " bytes");
  return std::nullopt;
}

std::optional<bool> Members::flag(const std::string& name) {
  const json* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  fault(name, "must be true or false");
  return std::nullopt;
}

std::optional<std::uint64_t> Members::whole(const std::string& name, std::uint64_t low, std::uint64_t high) {
  const json* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_unsigned()) {
    const auto number = value->get<std::uint64_t>();
    if (number >= low && number <= high) return number;
  }
  fault(name, "must be a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  return std::nullopt;
}

std::optional<double> Members::number(const std::string& name, double low, double high) {
  const json* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) {
    const auto number = value->get<double>();
    if (number >= low && number <= high) return number;
  }
  fault(name, "must be a number from " + plain(low) + " to " + plain(high));
  return std::nullopt;
}

std::optional<TimeUs> Members::seconds(const std::string& name, TimeUs low, TimeUs high) {
  constexpr double kSecond = 1e6;
  const auto read = number(name, static_cast<double>(low) / kSecond, static_cast<double>(high) / kSecond);
  if (!read) return std::nullopt;
  return std::llround(*read * kSecond);
}

std::optional<std::size_t> Members::word(const std::string& name, const std::vector<std::string_view>& words) {
  const json* value = take(name);
  if (value == nullptr) return std::nullopt;
  std::string list;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (value->is_string() && value->get_ref<const std::string&>() == words[i]) return i;
    list += (i == 0 ? "'" : ", '") + std::string(words[i]) + "'";
  }
  fault(name, "must be one of " + list);
  return std::nullopt;
}

const json* Members::object(const std::string& name) {
  const json* value = take(name);
  if (value == nullptr || value->is_object()) return value;
  fault(name, "must be an object");
  return nullptr;
}

std::vector<const json*> Members::objects(const std::string& name, std::size_t most) {
  std::vector<const json*> result;
  const json* value = take(name);
  if (value == nullptr) return result;
  if (!value->is_array()) {
    fault(name, "must be an array");
    return result;
  }
  if (value->size() > most) {
    fault(name, "has more than " + std::to_string(most) + " entries");
    return result;
  }
  for (std::size_t i = 0; i < value->size(); ++i) {
    const json& one = (*value)[i];
    if (!one.is_object()) faults_.push_back({pointer(name, i), "must be an object"});
    result.push_back(one.is_object() ? &one : nullptr);
  }
  return result;
}

void Members::require(const std::string& name) {
  if (!has(name)) fault(name, "is missing");
}

void Members::finish() {
  for (const auto& [name, value] : object_.items()) {
    if (!all_asked_ && !asked_.contains(name)) fault(name, "there is no such member here");
  }
}

}  // namespace latchkey::boards::fleet::scenario
