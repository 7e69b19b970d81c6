// SPDX-License-Identifier: Apache-2.0
#include "registry/store/registrations.h"

#include <algorithm>
#include <limits>

#include "registry/operations/internal/names.h"
#include "registry/operations/internal/random.h"
#include "registry/operations/internal/rules.h"
#include "registry/store/devices.h"
#include "registry/store/enrollments.h"
#include "registry/store/fold.h"
#include "registry/store/hubs.h"
#include "registry/store/policies.h"
#include "registry/store/portrait.h"
#include "registry/store/twins.h"

namespace latchkey::registry {
namespace {

// One registration in the making: what was asked, and what the registry holds about it.
struct Assignment {
  const RegistrationRequest& request;
  Enrollment enrollment;
  std::optional<store::RegistrationRow> before;
  std::string device_id;
  std::optional<Device> device;
  std::optional<Policy> policy;
};

Outcome<Enrollment> proven_enrollment(Act& act, const RegistrationRequest& request) {
  if (!valid_registration_id(request.registration_id)) {
    return refuse(Reason::kInvalidName, "'" + request.registration_id + "' is not a registration id");
  }
  LATCHKEY_TRY(enrollment, known_enrollment(act, request.enrollment));
  if (!enrollment) return refuse(Reason::kEnrollmentNotFound, "the enrollment is gone");
  if (!enrollment->group && store::fold(enrollment->id) != store::fold(request.registration_id)) {
    return refuse(Reason::kEnrollmentNotFound,
                  "enrollment '" + enrollment->id + "' does not speak for '" + request.registration_id + "'");
  }
  if (!enrollment->enabled) {
    return refuse(Reason::kEnrollmentDisabled, "enrollment '" + enrollment->id + "' is disabled");
  }
  return std::move(*enrollment);
}

// The enrollment's choice, or the spelling that the device used first.
std::string device_id_of(const Assignment& assignment) {
  if (!assignment.enrollment.device_id.empty()) return assignment.enrollment.device_id;
  if (assignment.before) return assignment.before->registration.device_id;
  return assignment.request.registration_id;
}

// An individual enrollment may give its device any id. A member of a group cannot take that device over by registering
// under an id of the same spelling.
Outcome<Nothing> check_not_anothers(store::Database& db, const Assignment& assignment) {
  const Device& device = *assignment.device;
  if (!assignment.enrollment.group || device.registration_id.empty() ||
      device.registration_id == store::fold(assignment.request.registration_id)) {
    return Nothing{};
  }
  LATCHKEY_TRY(owner, store::find_enrollment(db, device.registration_id, false));
  if (!owner) return Nothing{};
  return refuse(Reason::kEnrollmentNotFound, "device '" + device.id + "' belongs to enrollment '" + owner->id + "'");
}

Outcome<Nothing> find_device_and_policy(Act& act, Assignment& assignment) {
  store::Database& db = act.db;
  const Enrollment& enrollment = assignment.enrollment;
  LATCHKEY_TRY(device, store::find_device(db, enrollment.namespace_uuid, assignment.device_id));
  assignment.device = std::move(device);
  if (assignment.device) {
    LATCHKEY_TRY_VOID(check_not_anothers(db, assignment));
    if (!assignment.device->enabled) {
      return refuse(Reason::kDeviceDisabled, "device '" + assignment.device_id + "' is disabled");
    }
  }
  if (enrollment.policy_name.empty()) return Nothing{};
  LATCHKEY_TRY(policy, known_policy(act, enrollment.namespace_uuid, enrollment.policy_name));
  assignment.policy = std::move(policy);
  // Who asks for no certificate is assigned all the same.
  if (!assignment.policy && assignment.request.wants_certificate) {
    return refuse(Reason::kPolicyMissing,
                  "enrollment '" + enrollment.id + "' names policy '" + enrollment.policy_name + "', which is gone");
  }
  return Nothing{};
}

Outcome<std::vector<Hub>> candidates(Act& act, const Enrollment& enrollment) {
  LATCHKEY_TRY(hubs, known_hubs(act, enrollment.namespace_uuid));
  if (hubs.empty()) return refuse(Reason::kNoHub, "no hub is linked to the namespace of this enrollment");
  if (enrollment.hubs.empty()) return hubs;
  std::erase_if(hubs, [&](const Hub& hub) {
    return std::find(enrollment.hubs.begin(), enrollment.hubs.end(), hub.name) == enrollment.hubs.end();
  });
  if (hubs.empty()) return refuse(Reason::kNoHub, "the hubs that enrollment '" + enrollment.id + "' names are gone");
  return hubs;
}

// What a hub weighs for a device (rendezvous hashing, Thaler and Ravishankar 1998): the heaviest takes it, so another
// hub attracts its own share and disturbs no other. By name, so that whoever is asked, in whatever folder, says the
// same.
std::uint64_t weight(const Hub& hub, const std::string& folded_id) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : store::fold(hub.name) + '\n' + folded_id) {
    hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
  }
  // It mixes its last characters badly, and those are what ids differ in: the finalizer of SplitMix64.
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31);
}

// A static allocation has one candidate. Where latency decides nothing, because it is equal or not declared, the hash
// does.
Hub choose(std::vector<Hub> hubs, AllocationPolicy allocation, const std::string& folded_id) {
  const auto latency = [allocation](const Hub& hub) {
    if (allocation != AllocationPolicy::kGeoLatency) return std::int64_t{0};
    return hub.latency_ms.value_or(std::numeric_limits<std::int64_t>::max());
  };
  const auto best = std::min_element(hubs.begin(), hubs.end(), [&](const Hub& a, const Hub& b) {
    if (latency(a) != latency(b)) return latency(a) < latency(b);
    return weight(a, folded_id) > weight(b, folded_id);
  });
  return std::move(*best);
}

Outcome<Hub> choose_hub(Act& act, const Assignment& assignment) {
  if (assignment.before && !assignment.enrollment.reprovision.update_hub_assignment) {
    LATCHKEY_TRY(stays, store::find_hub_by_uuid(act.db, assignment.before->hub));
    if (stays && stays->namespace_uuid == assignment.enrollment.namespace_uuid) return std::move(*stays);
  }
  LATCHKEY_TRY(hubs, candidates(act, assignment.enrollment));
  return choose(std::move(hubs), assignment.enrollment.allocation, store::fold(assignment.request.registration_id));
}

Substatus substatus_of(const Assignment& assignment, const Hub& hub) {
  if (!assignment.before) return Substatus::kInitialAssignment;
  if (assignment.before->hub == hub.uuid) return Substatus::kReprovisionedToInitialAssignment;
  return assignment.enrollment.reprovision.migrate_device_data ? Substatus::kDeviceDataMigrated
                                                               : Substatus::kDeviceDataReset;
}

Outcome<Nothing> put_device(Act& act, Assignment& assignment) {
  const std::string registration_id = store::fold(assignment.request.registration_id);
  const auto policy = assignment.policy ? std::optional(assignment.policy->uuid) : std::nullopt;
  if (assignment.device) {
    Device& device = *assignment.device;
    const bool same_policy = !policy || device.policy == policy;
    if (same_policy && device.registration_id == registration_id) return Nothing{};
    if (policy) device.policy = policy;
    device.registration_id = registration_id;
    return save_changed(act, device);
  }
  Device device;
  device.uuid = ordered_uuid(act.now());
  device.namespace_uuid = assignment.enrollment.namespace_uuid;
  device.id = assignment.device_id;
  device.credential_id = random_credential_id();
  device.policy = policy;
  device.registration_id = registration_id;
  device.created = device.updated = act.now();
  LATCHKEY_TRY_VOID(store::insert(act.db, device));
  LATCHKEY_TRY(state, state_of(act, device));
  assignment.device = std::move(device);
  return act.change(state);
}

Outcome<Registration> put_registration(Act& act, const Assignment& assignment, const Hub& hub) {
  store::RegistrationRow row;
  Registration& registration = row.registration;
  const bool again = assignment.before.has_value();
  registration.registration_id =
      again ? assignment.before->registration.registration_id : assignment.request.registration_id;
  registration.enrollment = assignment.enrollment.uuid;
  registration.namespace_uuid = assignment.enrollment.namespace_uuid;
  registration.device_id = assignment.device_id;
  registration.hub = hub.host;
  registration.created = again ? assignment.before->registration.created : act.now();
  registration.updated = act.now();
  registration.hub_name = hub.name;
  registration.substatus = substatus_of(assignment, hub);
  row.hub = hub.uuid;
  LATCHKEY_TRY_VOID(store::put(act.db, row));
  return registration;
}

// A registration as its portrait (store/portrait.cpp) shows it, of what is at hand.
Outcome<AuditFacts> facts_of(Act& act, const std::string& device_id, const std::string& hub,
                             const std::optional<Device>& device) {
  AuditFacts facts = {{"device", device_id}, {"hub", hub}};
  if (!device) return facts;
  facts.push_back({"credential", store::shown(device->credential_id)});
  if (!device->policy) return facts;
  LATCHKEY_TRY(row, known_policy_row(act, *device->policy));
  if (row) facts.push_back({"policy", row->policy.name});
  return facts;
}

Outcome<AuditFacts> facts_before(Act& act, const std::string& path, const Assignment& assignment) {
  if (!assignment.before) return AuditFacts{};
  const Registration& was = assignment.before->registration;
  const bool same_device =
      was.device_id == assignment.device_id && was.namespace_uuid == assignment.enrollment.namespace_uuid;
  if (!same_device) return store::portrait(act.db, path);
  return facts_of(act, was.device_id, was.hub_name, assignment.device);
}

// As the comment at registry::Twin says. `more`: members beside these two.
std::string born(const std::string& document, UnixMs now, const std::string& more = {}) {
  if (document.empty()) return {};
  return R"({"born":)" + std::to_string(now) + more + R"(,"value":)" + document + "}";
}

// Never over what the device or an operator wrote: a device may be there before it is first assigned.
Outcome<Nothing> give_initial_twin(Act& act, const Device& device, const InitialTwin& initial) {
  if (initial.empty()) return Nothing{};
  LATCHKEY_TRY(found, store::find_twin(act.db, device.uuid));
  if (found) return Nothing{};
  store::TwinRow twin;
  twin.device = device.uuid;
  twin.tags = born(initial.tags, act.now());
  twin.desired = born(initial.desired, act.now(), R"(,"version":)" + std::to_string(twin.desired_version));
  twin.updated = act.now();
  return store::put(act.db, twin);
}

}  // namespace

Outcome<Committed<RegistrationGrant>> SqlRegistry::register_device(const Call& call,
                                                                   const RegistrationRequest& request) {
  const Attempt attempt{"device.register", "registrations/" + request.registration_id, true, true};
  return mutate<RegistrationGrant>(call, attempt, [&](Act& act) -> Outcome<RegistrationGrant> {
    LATCHKEY_TRY(enrollment, proven_enrollment(act, request));
    LATCHKEY_TRY(before, store::find_registration(act.db, request.registration_id));
    Assignment assignment{request, std::move(enrollment), std::move(before), {}, {}, {}};
    assignment.device_id = device_id_of(assignment);
    LATCHKEY_TRY_VOID(find_device_and_policy(act, assignment));
    LATCHKEY_TRY(hub, choose_hub(act, assignment));

    LATCHKEY_TRY(facts, facts_before(act, attempt.resource, assignment));
    act.before = std::move(facts);

    RegistrationGrant grant;
    grant.initial = !assignment.before;
    if (!assignment.device) {
      LATCHKEY_TRY_VOID(check_device_limit(act.db, assignment.enrollment.namespace_uuid, options_.limits));
    }
    LATCHKEY_TRY_VOID(put_device(act, assignment));
    LATCHKEY_TRY(registration, put_registration(act, assignment, hub));
    if (registration.substatus == Substatus::kDeviceDataReset) {
      LATCHKEY_TRY_VOID(store::remove_twin(act.db, assignment.device->uuid));
    }
    if (grant.initial || registration.substatus == Substatus::kDeviceDataReset) {
      LATCHKEY_TRY_VOID(give_initial_twin(act, *assignment.device, assignment.enrollment.initial_twin));
    }
    LATCHKEY_TRY(facts_after, facts_of(act, assignment.device_id, hub.name, assignment.device));
    act.after = std::move(facts_after);
    grant.registration = std::move(registration);
    if (request.wants_certificate && assignment.policy) {
      LATCHKEY_TRY(issuance, reserve_leaf(act, *assignment.device, *assignment.policy, request.serial));
      grant.issuance = std::move(issuance);
    }
    act.note = "device '" + assignment.device_id + "' to hub '" + hub.name + "'" +
               (grant.issuance ? ", certificate by policy '" + assignment.policy->name + "'" : "");
    if (request.begun) LATCHKEY_TRY_VOID(store_operation(act.db, *request.begun, act.now()));
    return grant;
  });
}

Outcome<Registration> SqlRegistry::find_registration(const std::string& registration_id) {
  return read<Registration>([&](store::Database& db) -> Outcome<Registration> {
    LATCHKEY_TRY(found, store::find_registration(db, registration_id));
    if (!found) return refuse(Reason::kRegistrationNotFound, "there is no registration '" + registration_id + "'");
    return std::move(found->registration);
  });
}

Outcome<RegistrationPage> SqlRegistry::registrations_after(const Uuid& enrollment, const std::string& after,
                                                           std::size_t limit) {
  return read<RegistrationPage>([&](store::Database& db) -> Outcome<RegistrationPage> {
    const std::size_t size = page_size(limit);
    LATCHKEY_TRY(registrations, store::registrations_after(db, enrollment, after, size + 1));
    RegistrationPage page{std::move(registrations), {}};
    if (page.registrations.size() > size) {
      page.registrations.pop_back();
      page.next = page.registrations.back().registration_id;
    }
    return page;
  });
}

Outcome<std::vector<Registration>> SqlRegistry::list_registrations() {
  return read<std::vector<Registration>>([](store::Database& db) { return store::list_registrations(db); });
}

Outcome<Committed<Nothing>> SqlRegistry::delete_registration(const Call& call, const std::string& registration_id) {
  return mutate<Nothing>(
      call, {"registration.delete", "registrations/" + registration_id}, [&](Act& act) -> Outcome<Nothing> {
        LATCHKEY_TRY(found, store::find_registration(act.db, registration_id));
        if (!found) {
          return refuse(Reason::kRegistrationNotFound, "there is no registration '" + registration_id + "'");
        }
        return store::delete_registration(act.db, registration_id);
      });
}

Outcome<Nothing> SqlRegistry::put_operation(const Operation& operation) {
  const UnixMs now = last_now_.load(std::memory_order_relaxed);
  return keep([&](store::Database& db) { return store_operation(db, operation, now); });
}

// A clock that was set back prunes again.
Outcome<Nothing> SqlRegistry::store_operation(store::Database& db, const Operation& operation, UnixMs now) {
  constexpr UnixMs kPruneEveryMs = 1000;
  if (now < pruned_at_ || now >= pruned_at_ + kPruneEveryMs) {
    LATCHKEY_TRY_VOID(store::prune_operations(db, now));
    pruned_at_ = now;
  }
  return store::put(db, store::OperationRow{operation.id, operation.registration_id, operation.status, operation.body,
                                            operation.expires});
}

Outcome<Operation> SqlRegistry::find_operation(const std::string& id) {
  return read<Operation>([&](store::Database& db) -> Outcome<Operation> {
    LATCHKEY_TRY(found, store::find_operation(db, id));
    if (!found) return refuse(Reason::kOperationNotFound, "there is no operation '" + id + "'");
    return Operation{std::move(found->id), std::move(found->registration_id), std::move(found->status),
                     std::move(found->body), found->expires};
  });
}

}  // namespace latchkey::registry
