// SPDX-License-Identifier: Apache-2.0
// Rows of devices.
#pragma once

#include "registry/model/change.h"
#include "registry/store/sql.h"

namespace latchkey::registry::store {

Outcome<Nothing> insert(Database& database, const Device& device);
// Everything that may change: credential id, enabled, policy, registration id, version, times.
Outcome<Nothing> update(Database& database, const Device& device);
Outcome<Nothing> delete_device(Database& database, const Uuid& uuid);

// Device ids are case-sensitive.
Outcome<std::optional<Device>> find_device(Database& database, const Uuid& ns, std::string_view id);
// By the names of both.
Outcome<std::optional<Device>> find_device(Database& database, const std::string& ns, std::string_view id);
Outcome<std::optional<Device>> find_device_by_uuid(Database& database, const Uuid& uuid);
// Ids after `after`, in the order of their bytes.
Outcome<std::vector<Device>> devices_after(Database& database, const Uuid& ns, std::string_view after,
                                           std::size_t limit);

// All of a namespace, and those of them that are enabled. Reads an index whole, and no row.
Outcome<std::pair<std::uint64_t, std::uint64_t>> count_devices(Database& database, const Uuid& ns);

// Whether the namespace has that many, or more. Reads so many entries of an index at the most.
Outcome<bool> has_devices(Database& database, const Uuid& ns, std::uint64_t count);

}  // namespace latchkey::registry::store
