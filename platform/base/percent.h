// SPDX-License-Identifier: Apache-2.0
// Percent-encoding for hosts (RFC 3986 section 2.1); devices write into their own buffers, see agent/protocol/text.h.
#pragma once

#include <string>
#include <string_view>

namespace latchkey {

// Everything but the unreserved characters (section 2.3) becomes %XX: safe as one segment of a path or one query value.
std::string percent_encode(std::string_view text);

}  // namespace latchkey
