// SPDX-License-Identifier: Apache-2.0
// `latchkey up --print-haproxy`: what an HAProxy before several nodes is to be told.
#pragma once

#include <string>
#include <vector>

#include "hub/app/base/endpoints.h"
#include "registry/model/refusal.h"

namespace latchkey::hub::app {

// `nodes`: NAME=DPS,HUB,HEALTH each, three numeric addresses with their ports: where that node takes devices, and where
// it answers /healthz. Devices come to the balancer at the two endpoints. kInvalidArgument says what is wrong with
// which.
registry::Outcome<std::string> balancer_configuration(const Endpoints& endpoints,
                                                      const std::vector<std::string>& nodes);

}  // namespace latchkey::hub::app
