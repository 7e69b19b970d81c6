// SPDX-License-Identifier: Apache-2.0
#include "registry/store/twins.h"

#include "registry/operations/internal/names.h"
#include "registry/operations/internal/rules.h"
#include "registry/operations/internal/twins.h"
#include "registry/store/devices.h"

namespace latchkey::registry {

Outcome<Nothing> store_twin(store::Database& db, const Device& device, const Twin& before, const Twin& twin,
                            UnixMs now) {
  LATCHKEY_TRY(row, store::find_twin(db, device.uuid));
  const bool same_device = device.uuid == before.device.uuid;
  if (!same_device || row.value_or(store::TwinRow{}).version != before.version) {
    return refuse(Reason::kPreconditionFailed, "the twin of device '" + device.id + "' was changed meanwhile");
  }
  return store::put(db, store::TwinRow{device.uuid, twin.tags, twin.desired, twin.reported, twin.revision,
                                       twin.desired_version, twin.reported_version, twin.version, now});
}

Outcome<Twin> SqlRegistry::find_twin(const std::string& ns, const std::string& id) {
  return read<Twin>([&](store::Database& db) -> Outcome<Twin> {
    Twin twin;
    LATCHKEY_TRY(device, existing_device(db, ns, id));
    twin.device = std::move(device);
    LATCHKEY_TRY(row, store::find_twin(db, twin.device.uuid));
    if (!row) return twin;
    twin.tags = std::move(row->tags);
    twin.desired = std::move(row->desired);
    twin.reported = std::move(row->reported);
    twin.revision = row->revision;
    twin.desired_version = row->desired_version;
    twin.reported_version = row->reported_version;
    twin.version = row->version;
    twin.updated = row->updated;
    return twin;
  });
}

Outcome<Committed<Nothing>> SqlRegistry::put_twin(const Call& call, const std::string& ns, const Twin& before,
                                                  const Twin& twin) {
  const std::string& id = before.device.id;
  return mutate<Nothing>(call, {"twin.update", device_path(ns, id)}, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(device, existing_device(act.db, ns, id));
    LATCHKEY_TRY_VOID(store_twin(act.db, device, before, twin, act.now()));
    act.note = "desired version " + std::to_string(twin.desired_version);
    return Nothing{};
  });
}

Outcome<Nothing> SqlRegistry::report_twin(const Call& call, const Twin& before, const Twin& twin) {
  return keep([&](store::Database& db) -> Outcome<Nothing> {
    LATCHKEY_TRY(device, store::find_device_by_uuid(db, before.device.uuid));
    if (!device) return refuse(Reason::kNotFound, "device '" + before.device.id + "' is gone");
    const DeviceIdentifier current{device->uuid, device->credential_id};
    if (call.shown && *call.shown != current) {
      return refuse(Reason::kIdentifierMismatch, "device '" + device->id + "' was revoked since this session began");
    }
    return store_twin(db, *device, before, twin, call.now);
  });
}

}  // namespace latchkey::registry
