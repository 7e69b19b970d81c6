// SPDX-License-Identifier: Apache-2.0
// What it would take for a fleet to be back within a given time: more cores in one machine, or more machines of the
// kind that was asked about. Found by search, a forecast for each try.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "boards/fleet/forecast/forecast.h"

namespace latchkey::boards::fleet::forecast {

struct Means {
  Plant plant;
  double seconds = 0;  // until all are back
};

struct Needs {
  double within_s = 0;
  std::optional<Means> machine;  // one, with the fewest cores of those tried; nothing: no number of them is enough
  std::optional<Means> nodes;    // the fewest machines like the one in question; nothing: more than kMostNodes
};

inline constexpr unsigned kMostCores = 64;
inline constexpr unsigned kMostNodes = 256;

// One more hub broker for every two cores, unless the question has more.
tl::expected<Needs, std::string> find_needs(const Question& question, double within_s);

}  // namespace latchkey::boards::fleet::forecast
