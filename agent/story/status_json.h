// SPDX-License-Identifier: Apache-2.0
// Where an agent stands, as one line of JSON (RFC 8259) for programs: the same members on every board, explained in
// boards/host/README.md. Any thread that may read the summary; nothing allocates.
#pragma once

#include <string_view>

#include "agent/core/report.h"
#include "agent/protocol/text.h"

namespace latchkey::agent {

// Enough for any status.
inline constexpr std::size_t kMaxStatus = 1536;

// RFC 3339 in UTC with milliseconds; times before 1970 are written as 1970.
void put_rfc3339(TextWriter& out, UnixMs time);

// `since`: when the state was reached. Without a credential the types stay: empty texts and generation 0.
void put_status(TextWriter& out, const Summary& summary, std::string_view registration_id, UnixMs since);

}  // namespace latchkey::agent
