// SPDX-License-Identifier: Apache-2.0
// Parts of the rules about policies that both kinds share: those below the credential's root, and those with a root of
// their own.
#pragma once

#include "registry/operations/internal/rules.h"

namespace latchkey::registry {

// kParentNotFound without namespace or credential.
Outcome<Credential> parent_credential(store::Database& db, const std::string& ns);
// A policy that may be made under that name, numbered, without its CA. kInvalidName, kInvalidValidityPeriod,
// kAlreadyExists, kPolicyLimitReached.
Outcome<Policy> draft_policy(Act& act, const Credential& credential, const std::string& name, int validity_days,
                             const Registry::Options& options);
// Marks it deleted; its CAs owe their last lists.
Outcome<Nothing> remove_policy(Act& act, const Policy& policy);
// kPolicyHasEnrollments, kPolicyHasDevices unless the call overrides them by the policy's name. Of a policy with a root
// of its own.
Outcome<Nothing> check_unused(Act& act, const Policy& policy);
bool overridden(const Act& act, const Policy& policy);

}  // namespace latchkey::registry
