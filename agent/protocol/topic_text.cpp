// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/topic_text.h"

#include "agent/protocol/text.h"

namespace latchkey::agent {

bool safe_in_topic(std::string_view text) {
  for (char c : text) {
    if (c <= ' ' || c > '~' || c == '+' || c == '#') return false;
  }
  return true;
}

bool safe_in_query(std::string_view text, std::size_t longest) {
  return !text.empty() && text.size() <= longest && safe_in_topic(text) &&
         text.find_first_of("&/?") == std::string_view::npos;
}

Result<ResponseParts> split_response(std::string_view topic, std::string_view prefix) {
  if (topic.substr(0, prefix.size()) != prefix) return fail(Status::kNotFound);
  const std::string_view rest = topic.substr(prefix.size());
  constexpr std::size_t kDigits = 3;
  constexpr std::string_view kQuery = "/?";
  if (rest.substr(0, kDigits).size() != kDigits || rest.substr(kDigits, kQuery.size()) != kQuery) {
    return fail(Status::kMalformed);
  }
  LATCHKEY_TRY(status, parse_decimal(rest.substr(0, kDigits)));
  if (rest[0] == '0') return fail(Status::kMalformed);  // 020 is no other way to write 20
  return ResponseParts{static_cast<std::uint16_t>(status), rest.substr(kDigits + kQuery.size())};
}

bool well_formed_version(std::string_view api_version) {
  constexpr std::string_view kShape = "dddd-dd-dd";
  if (api_version.size() < kShape.size()) return false;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const char c = api_version[i];
    if (kShape[i] == '-' ? c != '-' : (c < '0' || c > '9')) return false;
  }
  const std::string_view tail = api_version.substr(kShape.size());
  return tail.empty() || tail == "-preview";
}

}  // namespace latchkey::agent
