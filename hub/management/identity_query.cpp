// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/identity_query.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "hub/management/internal/text.h"
#include "registry/roles/scope.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;
using registry::roles::same_text;

namespace {

constexpr std::size_t kLongestQuery = 4096;

// Words, operators and texts in quotes, which keep theirs so that they are told from words.
std::optional<std::vector<std::string>> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      ++at;
    } else if (c == '\'') {
      const auto end = text.find('\'', at + 1);
      if (end == std::string::npos) return std::nullopt;
      words.push_back(text.substr(at, end - at + 1));
      at = end + 1;
    } else if (c == '=') {
      words.emplace_back("=");
      ++at;
    } else if (c == '!' || c == '<') {
      words.push_back(text.substr(at, 2));
      at += 2;
    } else {
      const auto end = std::min(text.find_first_of(" \t\r\n'=!<", at), text.size());
      words.push_back(text.substr(at, end - at));
      at = end;
    }
  }
  return words;
}

std::string pointer_of(std::string field) {
  constexpr std::string_view kPrefix = "devices.";
  if (field.size() > kPrefix.size() && same_text(field.substr(0, kPrefix.size()), kPrefix)) {
    field = field.substr(kPrefix.size());
  }
  std::replace(field.begin(), field.end(), '.', '/');
  return "/" + field;
}

// As JSON; nothing of what is no value.
std::optional<std::string> value_of(const std::string& word) {
  if (word.size() >= 2 && word.front() == '\'')
    return json(word.substr(1, word.size() - 2)).dump(-1, ' ', false, json::error_handler_t::replace);
  if (word == "true" || word == "false") return word;
  const bool number = !word.empty() && word.size() < 16 && word.find_first_not_of("0123456789") == std::string::npos;
  return number ? std::optional(json::parse(word, nullptr, false).is_discarded() ? "" : word) : std::nullopt;
}

tl::unexpected<Fault> not_understood(const std::string& word) {
  return fault(Reason::kInvalidArgument,
               "the query is not understood at '" + word.substr(0, 64) +
                   "'; there is SELECT * FROM devices [WHERE field = 'value' [AND ...]]",
               "query");
}

}  // namespace

bool IdentityQuery::fits(const json& identity) const {
  return std::all_of(conditions_.begin(), conditions_.end(), [&identity](const Condition& condition) {
    const json::json_pointer field(condition.field);
    const bool same = identity.contains(field) && identity.at(field) == json::parse(condition.value, nullptr, false);
    return same == condition.equal;
  });
}

Answer<IdentityQuery> parse_identity_query(const std::string& text) {
  const auto words = text.size() <= kLongestQuery ? words_of(text) : std::nullopt;
  if (!words) return not_understood(text);
  std::size_t at = 0;
  const auto next = [&]() -> std::string { return at < words->size() ? (*words)[at++] : std::string(); };
  for (const auto* expected : {"SELECT", "*", "FROM", "devices"}) {
    const auto word = next();
    if (!same_text(word, expected)) return not_understood(word);
  }
  IdentityQuery query;
  while (at < words->size()) {
    const auto keyword = next();
    if (!same_text(keyword, query.conditions_.empty() ? "WHERE" : "AND")) return not_understood(keyword);
    const auto field = next();
    const bool name = !field.empty() && field.find_first_of("~/'") == std::string::npos;
    if (!name) return not_understood(field);
    const auto how = next();
    if (how != "=" && how != "!=" && how != "<>") return not_understood(how);
    const auto word = next();
    const auto value = value_of(word);
    if (!value || value->empty()) return not_understood(word);
    query.conditions_.push_back({pointer_of(field), how == "=", *value});
  }
  return query;
}

Answer<std::size_t> item_limit(const Context& context, std::size_t usual, std::size_t most) {
  const auto& text = context.request->max_item_count;
  if (text.empty()) return usual;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1) {
    return fault(Reason::kMalformedRequest, "'x-ms-max-item-count' must be a whole number above 0",
                 "x-ms-max-item-count");
  }
  return std::min(number, most);
}

Answer<std::string> continuation(const Context& context) {
  const auto& token = context.request->continuation;
  if (token.empty()) return std::string();
  const auto bytes = from_base64(token, "x-ms-continuation");
  if (!bytes) {
    return fault(Reason::kMalformedRequest, "'x-ms-continuation' is not one of this hub's", "x-ms-continuation");
  }
  return std::string(bytes->begin(), bytes->end());
}

}  // namespace latchkey::hub::management
