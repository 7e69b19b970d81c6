// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/internal/subscription.h"

#include "registry/operations/internal/random.h"
#include "registry/operations/rows.h"
#include "registry/store/settings.h"

namespace latchkey::registry {
namespace {

Outcome<Nothing> ensure_uuid(store::Database& db, std::string_view setting) {
  LATCHKEY_TRY(present, store::find_setting(db, setting));
  if (present) return Nothing{};
  return store::put_setting(db, setting, view(to_text(random_uuid())));
}

}  // namespace

Outcome<Nothing> ensure_subscription(store::Database& db) {
  LATCHKEY_TRY_VOID(ensure_uuid(db, kSubscriptionSetting));
  LATCHKEY_TRY_VOID(ensure_uuid(db, kTenantSetting));
  LATCHKEY_TRY(name, store::find_setting(db, kTenantNameSetting));
  if (name) return Nothing{};
  return store::put_setting(db, kTenantNameSetting, kUsualTenantName);
}

Outcome<std::string> subscription_of_folder(store::Database& db) {
  LATCHKEY_TRY(present, store::find_setting(db, kSubscriptionSetting));
  if (present) return std::move(*present);
  return refuse(Reason::kInternal, "the data folder has no subscription");
}

}  // namespace latchkey::registry
