// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/internal/subscription.h"

#include "registry/operations/internal/random.h"
#include "registry/operations/registry.h"
#include "registry/store/settings.h"

namespace latchkey::registry {

Outcome<Nothing> ensure_subscription(store::Database& db) {
  LATCHKEY_TRY(present, store::find_setting(db, kSubscriptionSetting));
  if (present) return Nothing{};
  return store::put_setting(db, kSubscriptionSetting, view(to_text(random_uuid())));
}

Outcome<std::string> subscription_of_folder(store::Database& db) {
  LATCHKEY_TRY(present, store::find_setting(db, kSubscriptionSetting));
  if (present) return std::move(*present);
  return refuse(Reason::kInternal, "the data folder has no subscription");
}

}  // namespace latchkey::registry
