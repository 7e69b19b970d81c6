// SPDX-License-Identifier: Apache-2.0
// JSON as the hub writes it to devices and operators. Threads: any.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/ids.h"

namespace latchkey::hub::text {

using Json = nlohmann::ordered_json;

// On one line. Never throws: peers can make us repeat text that is no UTF-8, which comes out with U+FFFD.
std::string dump(const Json& json);
std::string dump(const nlohmann::json& json);

// {"errorCode","trackingId","message","timestampUtc"}: what every refusal of DPS and hub tells a device at least. The
// tracking id is fresh.
Json error_json(int error_code, std::string_view message, UnixMs now);
// An array of base64, in that order.
Json certificates_json(const std::vector<std::vector<std::uint8_t>>& der);

// Reading back what we stored ourselves, where anything else counts as damaged. Nothing when it is no JSON object.
std::optional<Json> parse_object(const std::vector<std::uint8_t>& bytes);
// Nothing unless the member is there and of that type.
std::optional<std::string> text_member(const Json& object, const char* name);
std::optional<std::uint64_t> unsigned_member(const Json& object, const char* name);
std::optional<std::int64_t> integer_member(const Json& object, const char* name);

}  // namespace latchkey::hub::text
