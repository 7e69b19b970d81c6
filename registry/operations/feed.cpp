// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/internal/rules.h"
#include "registry/store/changes.h"
#include "registry/store/hubs.h"

namespace latchkey::registry {

Sequence SqlRegistry::newest_sequence() { return writer_->newest(); }

Outcome<std::vector<Change>> SqlRegistry::changes_after(Sequence after, std::size_t limit) {
  return read<std::vector<Change>>([&](store::Database& db) -> Outcome<std::vector<Change>> {
    LATCHKEY_TRY(newest, store::newest_change(db));
    LATCHKEY_TRY(oldest, store::oldest_change(db));
    // Ahead of us: the database was put back from a backup, and our next numbers mean something else to the follower.
    if (after > newest) return refuse(Reason::kPreconditionFailed, "there is no change of that number yet");
    if (after < newest && after + 1 < oldest.value_or(newest + 1)) {
      return refuse(Reason::kPreconditionFailed, "changes of that age are forgotten; take a snapshot");
    }
    return store::changes_after(db, after, limit);
  });
}

Outcome<Sequence> SqlRegistry::snapshot(const Uuid& hub, const std::function<void(ChangeBody)>& visit) {
  return read<Sequence>([&](store::Database& db) -> Outcome<Sequence> {
    LATCHKEY_TRY(found, store::find_hub_by_uuid(db, hub));
    if (!found) return refuse(Reason::kNotFound, "there is no such hub");
    LATCHKEY_TRY(newest, store::newest_change(db));
    LATCHKEY_TRY_VOID(store::visit_state(db, *found, visit));
    return newest;
  });
}

}  // namespace latchkey::registry
