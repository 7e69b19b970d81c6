// SPDX-License-Identifier: Apache-2.0
// A record as one line of JSON, and back. The members' names are those of README.md. Threads: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "boards/fleet/history/record.h"

namespace latchkey::boards::fleet::history {

// Appends the record's line, LF included. Text that is no UTF-8 comes out with U+FFFD.
void append_line(std::string& out, TimeUs time, Device device, const Body& body);

// A line without its LF. Nothing when it is not such a record; `why` then says what is wrong with it.
std::optional<Record> parse_line(std::string_view line, std::string& why);

}  // namespace latchkey::boards::fleet::history
