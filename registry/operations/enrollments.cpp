// SPDX-License-Identifier: Apache-2.0
#include "registry/store/enrollments.h"

#include "registry/operations/internal/names.h"
#include "registry/operations/internal/random.h"
#include "registry/operations/internal/rules.h"
#include "registry/store/policies.h"

namespace latchkey::registry {
namespace {

Outcome<Nothing> check_form(const NewEnrollment& enrollment) {
  if (!valid_registration_id(enrollment.id)) {
    return refuse(Reason::kInvalidName,
                  "an enrollment id has up to 128 letters, digits, '.', '_', '-', ':', alphanumeric at both ends");
  }
  if (enrollment.primary.empty()) {
    return refuse(Reason::kInvalidArgument, "an enrollment needs a primary key or certificate");
  }
  if (enrollment.device_id.empty()) return Nothing{};
  if (enrollment.group) return refuse(Reason::kInvalidArgument, "a group cannot name one device id");
  if (!valid_registration_id(enrollment.device_id)) {
    return refuse(Reason::kInvalidName, "'" + enrollment.device_id + "' is not a device id");
  }
  return Nothing{};
}

// An enrollment may outlive the policy that it names, but it is not made, or pointed, at one that is not there.
Outcome<Nothing> check_policy(store::Database& db, const Uuid& ns, const std::string& policy_name) {
  if (policy_name.empty()) return Nothing{};
  LATCHKEY_TRY(policy, store::find_policy(db, ns, policy_name));
  if (!policy) return refuse(Reason::kPolicyMissing, "there is no policy '" + policy_name + "'");
  return Nothing{};
}

}  // namespace

Outcome<Committed<Enrollment>> SqlRegistry::create_enrollment(const Call& call, NewEnrollment enrollment) {
  const Attempt attempt{"enrollment.create", enrollment_path(enrollment.id, enrollment.group)};
  return mutate<Enrollment>(call, attempt, [&](Act& act) -> Outcome<Enrollment> {
    LATCHKEY_TRY_VOID(check_form(enrollment));
    LATCHKEY_TRY(parent, parent_namespace(act.db, enrollment.namespace_name));
    LATCHKEY_TRY_VOID(check_policy(act.db, parent.uuid, enrollment.policy_name));
    LATCHKEY_TRY(found, store::find_enrollment(act.db, enrollment.id, enrollment.group));
    if (found) return refuse(Reason::kAlreadyExists, "enrollment '" + found->id + "' is there already");

    Enrollment made;
    made.uuid = random_uuid();
    made.group = enrollment.group;
    made.id = enrollment.id;
    made.namespace_uuid = parent.uuid;
    made.attestation = enrollment.attestation;
    made.primary = enrollment.primary;
    made.secondary = enrollment.secondary;
    made.policy_name = enrollment.policy_name;
    made.enabled = enrollment.enabled;
    made.device_id = enrollment.device_id;
    made.created = made.updated = act.now();
    LATCHKEY_TRY_VOID(store::insert(act.db, made));
    act.note = made.policy_name.empty() ? "no policy" : "policy '" + made.policy_name + "'";
    return made;
  });
}

Outcome<Committed<Enrollment>> SqlRegistry::update_enrollment(const Call& call, const std::string& id, bool group,
                                                              const EnrollmentUpdate& update) {
  const Attempt attempt{"enrollment.update", enrollment_path(id, group)};
  return mutate<Enrollment>(call, attempt, [&](Act& act) -> Outcome<Enrollment> {
    LATCHKEY_TRY(enrollment, existing_enrollment(act.db, id, group));
    if (update.policy_name) {
      LATCHKEY_TRY_VOID(check_policy(act.db, enrollment.namespace_uuid, *update.policy_name));
      enrollment.policy_name = *update.policy_name;
      act.note = enrollment.policy_name.empty() ? "no policy" : "policy '" + enrollment.policy_name + "'";
    }
    if (update.enabled) {
      enrollment.enabled = *update.enabled;
      act.note += (act.note.empty() ? "" : ", ") + std::string(enrollment.enabled ? "enabled" : "disabled");
    }
    enrollment.updated = act.now();
    LATCHKEY_TRY_VOID(store::update(act.db, enrollment));
    return enrollment;
  });
}

Outcome<Committed<Nothing>> SqlRegistry::delete_enrollment(const Call& call, const std::string& id, bool group) {
  return mutate<Nothing>(call, {"enrollment.delete", enrollment_path(id, group)}, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(enrollment, existing_enrollment(act.db, id, group));
    return store::remove(act.db, enrollment);
  });
}

Outcome<Enrollment> SqlRegistry::find_enrollment(const std::string& id, bool group) {
  return read<Enrollment>([&](store::Database& db) { return existing_enrollment(db, id, group); });
}

Outcome<Enrollment> SqlRegistry::find_enrollment_by_uuid(const Uuid& uuid) {
  return read<Enrollment>([&](store::Database& db) -> Outcome<Enrollment> {
    LATCHKEY_TRY(found, store::find_enrollment_by_uuid(db, uuid));
    if (!found) return refuse(Reason::kEnrollmentNotFound, "the enrollment was deleted");
    return std::move(*found);
  });
}

// Generation and groups come from one view, so they belong together.
Outcome<std::optional<EnrollmentGroups>> SqlRegistry::groups_unless(std::optional<std::uint64_t> known) {
  using Groups = std::optional<EnrollmentGroups>;
  return read<Groups>([&](store::Database& db) -> Outcome<Groups> {
    LATCHKEY_TRY(generation, store::group_generation(db));
    if (known == generation) return Groups();
    LATCHKEY_TRY(groups, store::list_groups(db));
    return Groups(EnrollmentGroups{generation, std::move(groups)});
  });
}

Outcome<std::vector<Enrollment>> SqlRegistry::list_enrollments() {
  return read<std::vector<Enrollment>>([](store::Database& db) { return store::list_enrollments(db); });
}

}  // namespace latchkey::registry
