// SPDX-License-Identifier: Apache-2.0
// Times as text, always in UTC. Threads: any.
#pragma once

#include <string>

#include "platform/base/ids.h"

namespace latchkey::hub::text {

std::string iso8601(UnixMs at);  // "2026-11-21T13:22:18.123Z"
// "2026-11-21T13:22:18.1230000Z": ticks of 100 ns, as the services write times to devices.
std::string iso8601_ticks(UnixMs at);
std::string rfc7231(UnixMs at);  // "Sat, 21 Nov 2026 13:22:18 GMT", as the hub's certificate resources have it

}  // namespace latchkey::hub::text
