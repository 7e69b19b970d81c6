// SPDX-License-Identifier: Apache-2.0
// What the acts that make a CA share: reading "keyProfile", and telling (and auditing) that none could be made.
#pragma once

#include <string>

#include "hub/management/internal/fresh_ca.h"
#include "hub/management/internal/handlers.h"
#include "hub/management/internal/reader.h"

namespace latchkey::hub::management {

// "keyProfile", or the hub's own when it is not given; refuses unknown ones through the fields' reader.
registry::KeyProfile read_key_profile(Fields& fields, const Context& context);
// The registry never saw the attempt, so its audit record is written here.
tl::unexpected<Fault> ca_refused(const Context& context, const std::string& action, const std::string& resource,
                                 const registry::Refusal& refusal);

// The policy's key that waits for a certificate: its row is about to go. Empty when none waits.
std::string pending_key(const Context& context, const std::string& ns, const std::string& policy);
void destroy_if_any(const Context& context, const std::string& key_ref);
// The call, with what the query's "override" names.
registry::Call overriding_call(const Context& context);

}  // namespace latchkey::hub::management
