// SPDX-License-Identifier: Apache-2.0
// The parts of the page, top down. Each is HTML, and empty when there is nothing to say.
#pragma once

#include <string>

#include "boards/fleet/report/figures.h"

namespace latchkey::boards::fleet::report {

std::string style_sheet();
std::string connected_section(const Figures& figures);
std::string work_section(const Figures& figures);
std::string refusals_section(const Figures& figures);
std::string acts_section(const Figures& figures);
std::string latency_section(const Figures& figures);
std::string absent_section(const Figures& figures);

// A table of names with their reasons, for `absent` devices; a few at once, the rest behind a click.
std::string absent_list(const Figures& figures, const std::vector<Absent>& absent);

}  // namespace latchkey::boards::fleet::report
