// SPDX-License-Identifier: Apache-2.0
// JSON that others wrote, where two readers must not see two documents. Threads: any.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace latchkey::hub::text {

// The document. Refused, with the reason in words: what is not JSON (RFC 8259), a name given twice in an object (whose
// meaning section 4 leaves open), and nesting deeper than 16.
tl::expected<nlohmann::json, std::string> parse_strict(std::string_view text);

// A member's name as a message may repeat it: at most 64 bytes.
std::string shown(const std::string& name);

}  // namespace latchkey::hub::text
