// SPDX-License-Identifier: Apache-2.0
// Policies with a root of their own ("bringYourOwnRoot"), where their acts differ. The caller holds Context::ca_acts.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "hub/management/internal/handlers.h"

namespace latchkey::hub::management {

using CommittedPolicy = registry::Committed<registry::Policy>;

Answer<CommittedPolicy> create_own_root(const Context& context, const registry::Call& call, const std::string& ns,
                                        const std::string& name, int validity_days, registry::KeyProfile profile);
// Refused, or, in the older flow, pending again with a new CSR.
Answer<CommittedPolicy> revoke_own_root(const Context& context, const registry::Call& call,
                                        registry::KeyProfile profile);
// A policy of any kind as the API shows it (policies.cpp).
Answer<nlohmann::json> shape(const Context& context, const registry::Policy& policy);

}  // namespace latchkey::hub::management
