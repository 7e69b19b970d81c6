// SPDX-License-Identifier: Apache-2.0
// A forecast for people, and as JSON (docs/schemas/fleet-forecast.schema.json). Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "boards/fleet/forecast/needs.h"

namespace latchkey::boards::fleet::forecast {

std::string to_text(const Question& question, const Forecast& forecast, const std::optional<Needs>& needs);
std::string to_json(const Question& question, const Forecast& forecast, const std::optional<Needs>& needs);

// "16.7 h", "43 min", "18.1 s".
std::string duration_text(double seconds);
// "90s", "30m", "1h", "2d", "1.5h"; a number alone is seconds. Nothing for anything else, and for what is not positive
// or longer than the longest run.
std::optional<double> parse_duration(std::string_view text);

}  // namespace latchkey::boards::fleet::forecast
