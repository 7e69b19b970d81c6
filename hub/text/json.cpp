// SPDX-License-Identifier: Apache-2.0
#include "hub/text/json.h"

#include <nlohmann/json.hpp>

#include "hub/text/encoding.h"
#include "hub/text/time.h"

namespace latchkey::hub::text {
namespace {

constexpr int kOneLine = -1;

template <class AnyJson>
std::string dump_any(const AnyJson& json) {
  return json.dump(kOneLine, ' ', false, AnyJson::error_handler_t::replace);
}

}  // namespace

std::string dump(const Json& json) { return dump_any(json); }
std::string dump(const nlohmann::json& json) { return dump_any(json); }

Json error_json(int error_code, std::string_view message, UnixMs now) {
  return {{"errorCode", error_code},
          {"trackingId", random_uuid()},
          {"message", message},
          {"timestampUtc", iso8601_ticks(now)}};
}

Json certificates_json(const std::vector<std::vector<std::uint8_t>>& der) {
  Json certificates = Json::array();
  for (const auto& certificate : der) certificates.push_back(base64(ByteView(certificate)));
  return certificates;
}

std::optional<Json> parse_object(const std::vector<std::uint8_t>& bytes) {
  Json json = Json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (!json.is_object()) return std::nullopt;
  return json;
}

std::optional<std::string> text_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

std::optional<std::uint64_t> unsigned_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

std::optional<std::int64_t> integer_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

}  // namespace latchkey::hub::text
