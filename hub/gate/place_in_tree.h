// SPDX-License-Identifier: Apache-2.0
// Where a device's subscription stands in the broker's tree: in a place of its own. A pure function.
//
// `$iothub/twin/res/#` is the same text for every device. Mosquitto 2.0 keeps everybody who has subscribed to one
// filter in one list, and walks it from its beginning at each SUBSCRIBE, when a client comes back to its session and
// when one ends: with 10,000 devices that was a fifth of what a connect cost the broker (docs/benchmarks.md). Nothing
// is ever delivered by that tree: what is for a device is handed to its client by name, and the gate remembers which
// filters it has (subscriptions.h). So the broker may believe that each device subscribes to something else.
#pragma once

#include <string_view>

#include "platform/base/bytes.h"

namespace latchkey::hub::gate {

// Writes a name of that client's over what stands behind the first '/' of a filter that begins with '$', in place: as
// long as before, the same for the same client and filter, without '/' and wildcards. Other filters, and those that are
// too short for such a name, stay as they are. Two clients that met in one name would share a list, and nothing else.
void give_place(std::string_view client_id, MutableBytes filter);

}  // namespace latchkey::hub::gate
