// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/etags.h"

namespace latchkey::hub::management {

using registry::Reason;

namespace {

constexpr std::size_t kLongestField = 1024;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// What stands between the quotes; nothing of what is no entity tag.
std::optional<std::string> etag_of_text(std::string_view text) {
  if (text.starts_with("W/")) text.remove_prefix(2);
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  if (quoted) text = text.substr(1, text.size() - 2);
  if (text.empty() || text.find_first_of("\" ") != std::string_view::npos) return std::nullopt;
  return std::string(text);
}

}  // namespace

Answer<std::vector<std::string>> etags_in(const std::string& field) {
  const auto malformed = [] {
    return fault(Reason::kMalformedRequest, "'If-Match' must be '*' or a list of entity tags", "If-Match");
  };
  std::vector<std::string> etags;
  if (field.size() > kLongestField) return malformed();
  std::string_view rest = trimmed(field);
  if (rest.empty() || rest == "*" || rest == "\"*\"") return etags;
  while (true) {
    const auto comma = rest.find(',');
    const auto etag = etag_of_text(trimmed(rest.substr(0, comma)));
    if (!etag) return malformed();
    etags.push_back(*etag);
    if (comma == std::string_view::npos) return etags;
    rest.remove_prefix(comma + 1);
  }
}

Answer<registry::Nothing> check_presence(const Context& context, bool present) {
  const auto* request = context.request;
  if (!request) return registry::Nothing{};
  if (present && !request->if_none_match.empty()) {
    return fault(Reason::kPreconditionFailed, "it is there already, and 'If-None-Match' wants that it is not",
                 "If-None-Match");
  }
  if (!present && !request->if_match.empty()) {
    return fault(Reason::kPreconditionFailed, "it is not there, and 'If-Match' wants that it is", "If-Match");
  }
  return registry::Nothing{};
}

}  // namespace latchkey::hub::management
