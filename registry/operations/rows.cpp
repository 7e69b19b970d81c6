// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/rows.h"

#include "registry/operations/internal/random.h"
#include "registry/operations/internal/sql_registry.h"

namespace latchkey::registry {

Uuid fresh_uuid() { return random_uuid(); }

RowKeeper& rows_of(Registry& registry) { return static_cast<SqlRegistry&>(registry); }

Outcome<Nothing> SqlRegistry::attempt(const Call& call, std::string_view action, const std::string& resource,
                                      const std::function<Outcome<Nothing>(RowAct&)>& rule) {
  const Attempt tried{action, resource, true};
  LATCHKEY_TRY(sequence, run(call, tried, [&](Act& act) -> Outcome<Nothing> {
                 RowAct own{act.db, act.call};
                 LATCHKEY_TRY_VOID(rule(own));
                 act.note = std::move(own.note);
                 act.before.insert(act.before.end(), own.before.begin(), own.before.end());
                 act.after.insert(act.after.end(), own.after.begin(), own.after.end());
                 return Nothing{};
               }));
  static_cast<void>(sequence);
  return Nothing{};
}

Outcome<Nothing> SqlRegistry::keep_rows(const std::function<Outcome<Nothing>(store::Database&)>& rule) {
  return keep(rule);
}

Outcome<Nothing> SqlRegistry::look(const std::function<Outcome<Nothing>(store::Database&)>& view) {
  return read<Nothing>(view);
}

}  // namespace latchkey::registry
