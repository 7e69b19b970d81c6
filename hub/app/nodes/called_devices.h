// SPDX-License-Identifier: Apache-2.0
// The devices of this process, for direct methods that other nodes were asked for.
#pragma once

#include "hub/app/endpoints/hub_endpoints.h"
#include "registry/cluster/served_calls.h"

namespace latchkey::hub::app {

// `hubs` outlives what it gives.
registry::cluster::ServedCalls::Devices called_devices(const HubEndpoints& hubs);

}  // namespace latchkey::hub::app
