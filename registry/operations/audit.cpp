// SPDX-License-Identifier: Apache-2.0
#include "registry/store/audit.h"

#include <algorithm>

#include "registry/operations/internal/sql_registry.h"

namespace latchkey::registry {
namespace {

constexpr std::size_t kPageLimit = 10000;

}  // namespace

Outcome<Nothing> SqlRegistry::audit(const Call& call, const std::string& action, const std::string& resource,
                                    const std::string& outcome, const std::string& detail) {
  LATCHKEY_TRY(sequence, writer_->run(
                             [&](store::Transaction& transaction) {
                               return transaction.audit({0, call.now, call.actor, action, resource, outcome, detail});
                             },
                             {}));
  static_cast<void>(sequence);
  return Nothing{};
}

Outcome<std::vector<AuditRecord>> SqlRegistry::list_audit(std::uint64_t before, std::size_t limit) {
  return read<std::vector<AuditRecord>>(
      [&](store::Database& db) { return store::audit_before(db, before, std::min(limit, kPageLimit)); });
}

}  // namespace latchkey::registry
