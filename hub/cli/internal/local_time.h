// SPDX-License-Identifier: Apache-2.0
// Times as an operator types and reads them: in the zone of the terminal (TZ), with UTC beside it.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "platform/base/ids.h"

namespace latchkey::hub::cli {

// "2026-11-21T14:22" or "2026-11-21 14:22:18" in the local zone, or with "Z" or "+01:00" behind it. Refused in words:
// what is no time, and a local one that clocks skip or show twice when they change.
tl::expected<UnixMs, std::string> read_moment(const std::string& text);

std::string utc_text(UnixMs at);    // "2026-11-21T13:22:18Z"
std::string local_text(UnixMs at);  // "2026-11-21 14:22:18 +0100 (CET)"

}  // namespace latchkey::hub::cli
