// SPDX-License-Identifier: Apache-2.0
// "?whatIf=true" on acts that take access away: what the act would do, instead of doing it (docs/what-if.md). It needs
// what the act needs, and the right to read devices, since it names them.
#pragma once

#include <string_view>

#include "hub/management/internal/handlers.h"
#include "hub/management/internal/router.h"

namespace latchkey::hub::management {

// Of every route that knows it, beside what the act itself takes.
#define LATCHKEY_WHAT_IF_QUERIES "whatIf,top,skipToken,notSeenDays,perMinute"
inline constexpr std::string_view kWhatIf = LATCHKEY_WHAT_IF_QUERIES;
inline constexpr std::string_view kWhatIfOrOverride = "override," LATCHKEY_WHAT_IF_QUERIES;
#undef LATCHKEY_WHAT_IF_QUERIES

// Whether that request asks for a forecast. A query that cannot be read does not: it is refused in words later on.
bool asks_what_if(const Route& route, std::string_view query);
// The same with the query read. kMalformedRequest: neither true nor false, or its other parameters without it.
Answer<bool> what_if_wanted(const Context& context, const Route& route);
Answer<Response> what_if(const Context& context, Handler act);

}  // namespace latchkey::hub::management
