// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/active_profiles.h"

#include "registry/signing/internal/rows.h"

namespace latchkey::registry::signing {

Outcome<std::vector<PlacedProfile>> active_profiles(RowKeeper& rows) {
  return rows.looked<std::vector<PlacedProfile>>([](store::Database& db) -> Outcome<std::vector<PlacedProfile>> {
    LATCHKEY_TRY(
        ids, db.query("SELECT uuid FROM certificate_profiles WHERE status = $1 ORDER BY uuid", ProfileStatus::kActive)
                 .all([](const store::Query& row) { return row.id<Uuid>(0); }));
    std::vector<PlacedProfile> all;
    for (const auto& id : ids) {
      LATCHKEY_TRY(profile, find_profile(db, id));
      if (!profile) continue;
      LATCHKEY_TRY(account, find_account(db, profile->account));
      LATCHKEY_TRY(validation, find_validation(db, profile->validation));
      if (account) all.push_back({std::move(*account), std::move(*profile), std::move(validation)});
    }
    return all;
  });
}

}  // namespace latchkey::registry::signing
