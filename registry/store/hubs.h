// SPDX-License-Identifier: Apache-2.0
// Rows of hubs, and of the CA certificates that each of them trusts.
#pragma once

#include "registry/store/sql.h"

namespace latchkey::registry::store {

Outcome<Nothing> insert(Database& database, const Hub& hub);
Outcome<Nothing> update(Database& database, const Hub& hub);  // host, listen, latency
// Its certificates and the registrations with it go as well.
Outcome<Nothing> remove(Database& database, const Uuid& hub);
Outcome<std::optional<Hub>> find_hub(Database& database, std::string_view name);  // names compare case-insensitively
Outcome<std::optional<Hub>> find_hub_by_uuid(Database& database, const Uuid& uuid);
Outcome<std::vector<Hub>> list_hubs(Database& database);
Outcome<std::vector<Hub>> hubs_of(Database& database, const Uuid& ns);  // by name

Outcome<Nothing> insert(Database& database, const HubCertificate& certificate);
Outcome<Nothing> delete_hub_certificate(Database& database, const Uuid& hub, std::string_view name);
Outcome<std::optional<HubCertificate>> find_hub_certificate(Database& database, const Uuid& hub, std::string_view name);
Outcome<std::vector<HubCertificate>> hub_certificates_of(Database& database, const Uuid& hub);

}  // namespace latchkey::registry::store
