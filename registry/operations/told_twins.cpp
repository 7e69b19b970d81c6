// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/told_twins.h"

#include "registry/operations/internal/names.h"
#include "registry/operations/internal/rules.h"
#include "registry/operations/internal/twins.h"
#include "registry/operations/rows.h"
#include "registry/store/device_news.h"

namespace latchkey::registry {

Outcome<Nothing> put_told_twin(Registry& registry, const Call& call, const std::string& ns, const Twin& before,
                               const Twin& twin, const std::string& patch) {
  const std::string& id = before.device.id;
  return rows_of(registry).attempt(call, "twin.update", device_path(ns, id), [&](RowAct& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(device, existing_device(act.db, ns, id));
    LATCHKEY_TRY_VOID(store_twin(act.db, device, before, twin, act.now()));
    act.note = "desired version " + std::to_string(twin.desired_version);
    if (patch.empty()) return Nothing{};
    return store::tell_nodes(act.db, {0, ns, device.uuid, id, twin.desired_version, patch});
  });
}

}  // namespace latchkey::registry
