// SPDX-License-Identifier: Apache-2.0
// Parts that several rules share: finding what an operation is about, or refusing in the same words everywhere.
#pragma once

#include <algorithm>

#include "registry/model/etag.h"
#include "registry/operations/internal/sql_registry.h"
#include "registry/store/policies.h"

namespace latchkey::registry {

// The namespace that an operation happens in; kParentNotFound.
Outcome<Namespace> parent_namespace(store::Database& db, const std::string& ns);
// kParentNotFound (namespace) or kNotFound.
Outcome<Policy> existing_policy(store::Database& db, const std::string& ns, const std::string& name);
Outcome<Device> existing_device(store::Database& db, const std::string& ns, const std::string& id);
Outcome<Enrollment> existing_enrollment(store::Database& db, const std::string& id, bool group);
Outcome<Hub> existing_hub(store::Database& db, const std::string& name);

// As the store's functions of these names find them, for what devices ask by themselves: from the writer's memo.
Outcome<std::optional<Enrollment>> known_enrollment(Act& act, const Uuid& uuid);
Outcome<std::optional<Policy>> known_policy(Act& act, const Uuid& ns, const std::string& name);
Outcome<std::optional<store::PolicyRow>> known_policy_row(Act& act, const Uuid& uuid);
Outcome<std::vector<Hub>> known_hubs(Act& act, const Uuid& ns);

// The device as gates see it.
Outcome<DeviceState> state_of(Act& act, const Device& device);

// kInvalidArgument or kAlreadyExists unless it is a complete, new CA certificate.
Outcome<Nothing> check_new_ca(store::Database& db, const NewCa& ca);
CaCertificate make_ca(const NewCa& ca, CaKind kind, const Uuid& owner);
// kInvalidArgument unless it has what a certificate brings: bytes, serial, a period.
Outcome<Nothing> check_certificate(const CaCertificate& ca);

// Makes every hub that is linked to the policy's namespace trust its current issuing CA and none of its former ones.
// One with a root of its own is renewed, not replaced: all its issuing CAs that are neither revoked nor expired are
// trusted.
Outcome<Registry::SyncResult> sync_policy(Act& act, const Policy& policy);

// Makes a new hub trust the issuing CAs of the policies that the service manages.
Outcome<Nothing> sync_new_hub(Act& act, const Hub& hub);

// What a caller may have of a list at once.
inline std::size_t page_size(std::size_t wanted) { return std::clamp<std::size_t>(wanted, 1, 1000); }

// Makes a device and tells the feed. kInvalidName, kAlreadyExists, kDeviceLimitReached, kInvalidArgument (its policy):
// before it changed anything.
Outcome<Device> make_device(Act& act, const Namespace& parent, const std::string& id, const DeviceUpdate& initial,
                            const Limits& limits);
// Stores a changed device, as a new version, and tells the feed.
Outcome<Nothing> save_changed(Act& act, Device& device);
// Revokes the device's live certificates for that reason unless the call has another; the CAs that issued them owe a
// CRL. Answers how many.
Outcome<std::int64_t> revoke_leaves(Act& act, const Uuid& device, RevocationReason reason);

// kDeviceLimitReached when that namespace is full. Costs nothing without a limit, and with one a walk over so many
// entries of an index and no more, however many devices there are.
Outcome<Nothing> check_device_limit(store::Database& db, const Uuid& ns, const Limits& limits);

// Reserves a serial for a leaf of this device by this policy, as of now.
Outcome<IssuanceGrant> reserve_leaf(Act& act, const Device& device, const Policy& policy, const Bytes& serial);

}  // namespace latchkey::registry
