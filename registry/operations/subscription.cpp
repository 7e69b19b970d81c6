// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/internal/subscription.h"

#include "registry/operations/internal/random.h"
#include "registry/operations/rows.h"
#include "registry/store/settings.h"
#include "registry/store/transaction.h"

namespace latchkey::registry {
namespace {

Outcome<Nothing> ensure_uuid(store::Database& db, std::string_view setting) {
  LATCHKEY_TRY(present, store::find_setting(db, setting));
  if (present) return Nothing{};
  return store::put_setting(db, setting, view(to_text(random_uuid())));
}

Outcome<Nothing> ensure_all(store::Database& db) {
  LATCHKEY_TRY_VOID(store::take_turn(db));  // of nodes that begin at one time
  LATCHKEY_TRY_VOID(ensure_uuid(db, kSubscriptionSetting));
  LATCHKEY_TRY_VOID(ensure_uuid(db, kTenantSetting));
  LATCHKEY_TRY(name, store::find_setting(db, kTenantNameSetting));
  if (name) return Nothing{};
  return store::put_setting(db, kTenantNameSetting, kUsualTenantName);
}

}  // namespace

Outcome<Nothing> ensure_subscription(store::Database& db) {
  LATCHKEY_TRY(last, store::find_setting(db, kTenantNameSetting));
  if (last) return Nothing{};
  LATCHKEY_TRY_VOID(db.begin_write());
  auto done = ensure_all(db);
  if (done) return db.commit();
  db.rollback();
  return done;
}

Outcome<std::string> subscription_of_folder(store::Database& db) {
  LATCHKEY_TRY(present, store::find_setting(db, kSubscriptionSetting));
  if (present) return std::move(*present);
  return refuse(Reason::kInternal, "the data folder has no subscription");
}

}  // namespace latchkey::registry
