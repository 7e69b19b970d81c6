// SPDX-License-Identifier: Apache-2.0
// What a fresh data folder starts with, so that a newcomer can connect a device without an operator's act:
// namespace "default" with a credential, the policy "default", the hub "hub" and the enrollment group "default".
#pragma once

#include "hub/app/base/data_folder.h"
#include "hub/app/base/endpoints.h"
#include "hub/ca/authority.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::app {

inline constexpr const char* kDefaultNamespace = "default";
inline constexpr const char* kDefaultPolicy = "default";
inline constexpr const char* kDefaultGroup = "default";
inline constexpr const char* kHubName = "hub";

// The setting that says that it was done.
inline constexpr const char* kBootstrapped = "bootstrapped";

// Does what is missing, once in a folder's life: what an operator deletes later does not come back. Afterwards the
// hub's host is `hub`. Safe to repeat after a crash at any point.
registry::Outcome<registry::Nothing> bootstrap(registry::Registry& registry, ca::Authority& authority,
                                               const DataFolder& folder, const Address& hub,
                                               registry::KeyProfile profile, UnixMs now);

// For a node that may have come to a registry which another one began: the file with the first group's key is here,
// too, as every node tells its operator where it lies. Not when there is no such group any more, or it has no key.
// kStorage.
registry::Outcome<registry::Nothing> bring_group_key(registry::Registry& registry, const DataFolder& folder);

// Tells the first group's key in the file for it. kEnrollmentNotFound: there is no such group.
registry::Outcome<registry::Nothing> write_group_key(registry::Registry& registry, const DataFolder& folder);

}  // namespace latchkey::hub::app
