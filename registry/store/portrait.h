// SPDX-License-Identifier: Apache-2.0
// Portraits of resources, as the audit names them: taken before and after an act, they show what it changed. One table
// for all, so that no operation can forget to tell.
#pragma once

#include "registry/model/audit.h"
#include "registry/store/sql.h"

namespace latchkey::registry::store {

// The facts about the resource of that path ("namespaces/default/devices/dev-1"), one look-up by index. None when it is
// not there, or when the audit knows nothing about things of its kind.
Outcome<AuditFacts> portrait(Database& database, std::string_view path);

// A random identifier as they show it: its first four bytes, enough to tell two apart and no more.
std::string shown(const CredentialId& id);

}  // namespace latchkey::registry::store
