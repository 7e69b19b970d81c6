// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/paging.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "hub/management/internal/shapes.h"
#include "hub/management/internal/text.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

constexpr std::size_t kLargestPage = 1000;

std::string name_of(const json& item, const char* key) { return item.value(key, ""); }

}  // namespace

Answer<std::string> page_start(const Context& context) {
  auto token = context.query_value("$skipToken");
  if (!token) token = context.query_value("skipToken");
  if (!token) return std::string();
  const auto bytes = from_base64(*token, "$skipToken");
  if (!bytes) return fault(Reason::kMalformedRequest, "'$skipToken' is not one of this hub's", "$skipToken");
  return std::string(bytes->begin(), bytes->end());
}

std::string next_link(const Context& context, std::size_t top, const std::string& after) {
  return context.link("$top=" + std::to_string(top) + "&$skipToken=" + percent_encode(base64(ByteView(after))));
}

Answer<Response> paged(const Context& context, json value, const char* key) {
  LATCHKEY_TRY(top, context.top(kLargestPage, kLargestPage));
  LATCHKEY_TRY(after, page_start(context));
  if (!value.is_array()) value = json::array();
  std::sort(value.begin(), value.end(),
            [key](const json& a, const json& b) { return name_of(a, key) < name_of(b, key); });
  const bool asked = context.query_value("top") || context.query_value("$top");
  json page = json::array();
  for (auto& item : value) {
    if (!after.empty() && name_of(item, key) <= after) continue;
    if (asked && page.size() == top) {
      const auto last = name_of(page.back(), key);
      return answer(200, list_json(std::move(page), next_link(context, top, last)));
    }
    page.push_back(std::move(item));
  }
  return answer(200, list_json(std::move(page)));
}

}  // namespace latchkey::hub::management
