// SPDX-License-Identifier: Apache-2.0
#include "registry/store/devices.h"

#include <algorithm>

#include "registry/operations/internal/names.h"
#include "registry/operations/internal/random.h"
#include "registry/operations/internal/rules.h"
#include "registry/store/certificates.h"
#include "registry/store/labels.h"
#include "registry/store/policies.h"

namespace latchkey::registry {
namespace {

constexpr std::size_t kPageLimit = 1000;

// Whether the call has something to say of them that is not there yet.
Outcome<bool> changes_labels(const Act& act, const std::string& resource) {
  const auto& change = act.call.labels;
  if (!change || (!change->tags && !change->extra)) return false;
  LATCHKEY_TRY(found, store::find_labels(act.db, resource));
  const Labels labels = found.value_or(Labels());
  return change->tags.value_or(labels.tags) != labels.tags || change->extra.value_or(labels.extra) != labels.extra;
}

// The device's policy after that update.
Outcome<std::optional<Uuid>> policy_for(store::Database& db, const Device& device, const DeviceUpdate& update) {
  if (!update.policy_name) return device.policy;
  if (update.policy_name->empty()) return std::optional<Uuid>();
  LATCHKEY_TRY(found, store::find_policy(db, device.namespace_uuid, *update.policy_name));
  if (!found) return refuse(Reason::kInvalidArgument, "there is no policy '" + *update.policy_name + "' here");
  return std::optional<Uuid>(found->uuid);
}

}  // namespace

Outcome<Device> make_device(Act& act, const Namespace& parent, const std::string& id, const DeviceUpdate& initial,
                            const Limits& limits) {
  if (!valid_registration_id(id)) {
    return refuse(Reason::kInvalidName,
                  "a device id has up to 128 letters, digits, '.', '_', '-', ':', alphanumeric at both ends");
  }
  LATCHKEY_TRY(found, store::find_device(act.db, parent.uuid, id));
  if (found) return refuse(Reason::kAlreadyExists, "device '" + id + "' is there already");
  LATCHKEY_TRY_VOID(check_device_limit(act.db, parent.uuid, limits));
  Device device;
  device.uuid = ordered_uuid(act.now());
  device.namespace_uuid = parent.uuid;
  device.id = id;
  device.credential_id = random_credential_id();
  device.created = device.updated = act.now();
  device.enabled = initial.enabled.value_or(true);
  LATCHKEY_TRY(policy, policy_for(act.db, device, initial));
  device.policy = policy;
  LATCHKEY_TRY_VOID(store::insert(act.db, device));
  LATCHKEY_TRY(state, state_of(act, device));
  LATCHKEY_TRY_VOID(act.change(state));
  return device;
}

Outcome<Committed<Device>> SqlRegistry::create_device(const Call& call, const std::string& ns, const std::string& id,
                                                      const DeviceUpdate& initial) {
  return mutate<Device>(call, {"device.create", device_path(ns, id)}, [&](Act& act) -> Outcome<Device> {
    LATCHKEY_TRY(parent, parent_namespace(act.db, ns));
    return make_device(act, parent, id, initial, options_.limits);
  });
}

Outcome<Committed<Device>> SqlRegistry::update_device(const Call& call, const std::string& ns, const std::string& id,
                                                      const DeviceUpdate& update) {
  return mutate<Device>(call, {"device.update", device_path(ns, id)}, [&](Act& act) -> Outcome<Device> {
    LATCHKEY_TRY(device, existing_device(act.db, ns, id));
    LATCHKEY_TRY_VOID(check_etag(act, etag_of(device)));
    LATCHKEY_TRY(policy, policy_for(act.db, device, update));
    const bool switched = update.enabled && *update.enabled != device.enabled;
    LATCHKEY_TRY(labelled, changes_labels(act, device_path(ns, id)));
    if (!switched && !labelled && policy == device.policy) {
      act.note = "no change";
      return device;
    }
    if (switched) act.note = *update.enabled ? "enabled" : "disabled";
    device.enabled = update.enabled.value_or(device.enabled);
    device.policy = policy;
    LATCHKEY_TRY_VOID(save_changed(act, device));
    return device;
  });
}

Outcome<Committed<Device>> SqlRegistry::revoke_device(const Call& call, const std::string& ns, const std::string& id,
                                                      bool disable) {
  return mutate<Device>(call, {"device.revoke", device_path(ns, id)}, [&](Act& act) -> Outcome<Device> {
    LATCHKEY_TRY(device, existing_device(act.db, ns, id));
    LATCHKEY_TRY_VOID(check_etag(act, etag_of(device)));
    LATCHKEY_TRY(certificates, revoke_leaves(act, device.uuid, RevocationReason::kUnspecified));
    device.credential_id = random_credential_id();
    device.last_revoked = act.now();
    if (disable) device.enabled = false;
    LATCHKEY_TRY_VOID(save_changed(act, device));
    act.changed("live_certificates", std::to_string(certificates), "0");
    act.note = std::to_string(certificates) + " certificates revoked" + (disable ? ", disabled" : "");
    return device;
  });
}

Outcome<Committed<Nothing>> SqlRegistry::delete_device(const Call& call, const std::string& ns, const std::string& id) {
  return mutate<Nothing>(call, {"device.delete", device_path(ns, id)}, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(device, existing_device(act.db, ns, id));
    LATCHKEY_TRY_VOID(check_etag(act, etag_of(device)));
    LATCHKEY_TRY(certificates, revoke_leaves(act, device.uuid, RevocationReason::kCessationOfOperation));
    LATCHKEY_TRY_VOID(store::delete_device(act.db, device.uuid));
    LATCHKEY_TRY_VOID(act.change(DeviceGone{device.namespace_uuid, device.id}));
    act.changed("live_certificates", std::to_string(certificates), "0");
    act.note = std::to_string(certificates) + " certificates revoked";
    return Nothing{};
  });
}

Outcome<Device> SqlRegistry::find_device(const std::string& ns, const std::string& id) {
  return read<Device>([&](store::Database& db) { return existing_device(db, ns, id); });
}

Outcome<DevicePage> SqlRegistry::list_devices(const std::string& ns, const std::string& after, std::size_t limit) {
  return read<DevicePage>([&](store::Database& db) -> Outcome<DevicePage> {
    const std::size_t size = std::clamp<std::size_t>(limit, 1, kPageLimit);
    LATCHKEY_TRY(parent, parent_namespace(db, ns));
    LATCHKEY_TRY(devices, store::devices_after(db, parent.uuid, after, size + 1));
    DevicePage page{std::move(devices), {}};
    if (page.devices.size() > size) {
      page.devices.pop_back();
      page.next = page.devices.back().id;
    }
    return page;
  });
}

Outcome<DeviceCounts> SqlRegistry::count_devices(const std::string& ns) {
  return read<DeviceCounts>([&](store::Database& db) -> Outcome<DeviceCounts> {
    LATCHKEY_TRY(parent, parent_namespace(db, ns));
    LATCHKEY_TRY(counted, store::count_devices(db, parent.uuid));
    return DeviceCounts{counted.first, counted.second};
  });
}

Outcome<std::vector<IssuedCertificate>> SqlRegistry::list_certificates(const std::string& ns, const std::string& id) {
  return read<std::vector<IssuedCertificate>>([&](store::Database& db) -> Outcome<std::vector<IssuedCertificate>> {
    LATCHKEY_TRY(device, existing_device(db, ns, id));
    return store::certificates_of(db, device.uuid);
  });
}

}  // namespace latchkey::registry
