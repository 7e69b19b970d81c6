// SPDX-License-Identifier: Apache-2.0
// How an agent's life reads: the words of every board's log, in one place. For an engineer at a serial line or a
// journal. No key and no token ever comes by here; texts of peers are made printable and cut. Any thread; nothing
// allocates.
#pragma once

#include <string_view>

#include "agent/core/report.h"
#include "agent/protocol/text.h"
#include "platform/ports/mqtt_link.h"

namespace latchkey::agent {

inline constexpr std::size_t kLongestPeerText = 96;

std::string_view to_string(ports::LinkFailure why);

// What lies outside of printable ASCII becomes `?`; at most `most` characters.
void put_printable(TextWriter& out, std::string_view text, std::size_t most = kLongestPeerText);

// The sentence for a report, without a line end: what happened, why, and when the next try is. At most 256 characters.
void put_report(TextWriter& out, const Report& report);

}  // namespace latchkey::agent
