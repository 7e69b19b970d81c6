// SPDX-License-Identifier: Apache-2.0
// The state as a whole, for rehearsals: copied, put back, begun anew. The audit goes on through all of it.
#include "registry/operations/internal/sql_registry.h"
#include "registry/store/enrollments.h"
#include "registry/store/snapshot.h"

namespace latchkey::registry {
namespace {

Outcome<Nothing> only_in_rehearsals(bool rehearsal) {
  if (rehearsal) return Nothing{};
  return refuse(Reason::kInvalidArgument, "the state as a whole is replaced in rehearsals only");
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "'" : ", '") + name + "'";
  return text.empty() ? "none" : text;
}

// A hub is more than rows: a broker serves it. Whoever begins anew begins with the hubs that are served.
Outcome<Nothing> check_hubs(const std::vector<std::string>& now, const std::vector<std::string>& then) {
  if (now == then) return Nothing{};
  return refuse(Reason::kPreconditionFailed, "the hubs are other ones: there are " + listed(now) + " now and " +
                                                 listed(then) + " then; create or delete hubs first");
}

// Nobody may go on from what they know of the state before.
Outcome<Nothing> begin_anew(Act& act) {
  LATCHKEY_TRY_VOID(store::next_group_generation(act.db));
  return act.transaction.forget_changes();
}

}  // namespace

Outcome<Nothing> SqlRegistry::copy_to(const std::string& path) {
  LATCHKEY_TRY_VOID(only_in_rehearsals(options_.rehearsal));
  LATCHKEY_TRY(database, store::Database::open(options_.path, store::Database::Access::kReadWrite));
  return store::copy_database(*database, path);
}

Outcome<std::vector<std::string>> SqlRegistry::key_refs_in(const std::string& path) {
  LATCHKEY_TRY(copy, store::Database::open(path, store::Database::Access::kReadOnly));
  return store::key_refs(*copy);
}

Outcome<Committed<Nothing>> SqlRegistry::restore(const Call& call, const std::string& name, const std::string& path) {
  return mutate<Nothing>(call, {"rehearsal.restore", "snapshots/" + name}, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY_VOID(only_in_rehearsals(options_.rehearsal));
    LATCHKEY_TRY(copy, store::Database::open(path, store::Database::Access::kReadOnly));
    LATCHKEY_TRY_VOID(store::remember_list_numbers(act.db));
    LATCHKEY_TRY_VOID(store::clear_state(act.db));
    LATCHKEY_TRY_VOID(store::copy_state(*copy, act.db));
    LATCHKEY_TRY_VOID(store::go_on_with_list_numbers(act.db));
    return begin_anew(act);
  });
}

Outcome<Committed<Nothing>> SqlRegistry::reset(const Call& call, const std::vector<std::string>& hubs,
                                               const std::vector<std::string>& forgotten) {
  return mutate<Nothing>(call, {"rehearsal.reset", "registry"}, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY_VOID(only_in_rehearsals(options_.rehearsal));
    LATCHKEY_TRY(now, store::hub_links(act.db));
    LATCHKEY_TRY_VOID(check_hubs(now, hubs));
    LATCHKEY_TRY_VOID(store::remember_list_numbers(act.db));
    LATCHKEY_TRY_VOID(store::clear_state(act.db));
    for (const auto& setting : forgotten) {
      LATCHKEY_TRY_VOID(act.db.query("DELETE FROM settings WHERE name = $1", setting).run());
    }
    return begin_anew(act);
  });
}

}  // namespace latchkey::registry
