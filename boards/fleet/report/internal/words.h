// SPDX-License-Identifier: Apache-2.0
// Numbers and texts as the page writes them for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "boards/fleet/report/figures.h"

namespace latchkey::boards::fleet::report {

std::string escaped(std::string_view text);   // for HTML and SVG, attributes included
std::string count_text(std::uint64_t count);  // "12,345"
std::string counted(std::uint64_t count, std::string_view one, std::string_view many);  // "1 device", "2 devices"
// Three digits and a unit: "340 ms", "2.41 s", "72.3 s", "4 min 5 s", "2 h 5 min".
std::string duration_text(TimeUs duration);
std::string duration_text(const std::optional<TimeUs>& duration);  // nothing: "not reached"
std::string moment_text(TimeUs time);                              // "1:02.5" of a run: minutes and seconds
std::string number_text(double value);                             // for coordinates: one decimal at the most

// "the revoke of policy 'default'", "the revoke of 3 devices": what an act is called within a sentence.
std::string act_text(const history::ActBegun& act);

}  // namespace latchkey::boards::fleet::report
