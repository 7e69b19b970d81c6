// SPDX-License-Identifier: Apache-2.0
#include "registry/store/enrollments.h"

#include <algorithm>

#include "registry/operations/internal/names.h"
#include "registry/operations/internal/random.h"
#include "registry/operations/internal/rules.h"
#include "registry/store/fold.h"
#include "registry/store/hubs.h"
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

// The same hubs by the names that they have, each once.
Outcome<std::vector<std::string>> linked_hubs(store::Database& db, const Uuid& ns,
                                              const std::vector<std::string>& wanted) {
  LATCHKEY_TRY(linked, store::hubs_of(db, ns));
  std::vector<std::string> names;
  for (const auto& text : wanted) {
    const auto meant = std::find_if(linked.begin(), linked.end(), [&](const Hub& hub) {
      return store::fold(hub.name) == store::fold(text) || hub.host == text;
    });
    if (meant == linked.end()) {
      return refuse(Reason::kInvalidArgument, "no hub '" + text.substr(0, 64) + "' is linked to the namespace");
    }
    if (std::find(names.begin(), names.end(), meant->name) == names.end()) names.push_back(meant->name);
  }
  return names;
}

Outcome<Nothing> check_allocation(const Enrollment& enrollment) {
  if (enrollment.allocation != AllocationPolicy::kStatic || enrollment.hubs.size() == 1) return Nothing{};
  return refuse(Reason::kInvalidArgument, "static allocation needs exactly one hub");
}

std::string allocation_text(const Enrollment& enrollment) {
  std::string text(to_string(enrollment.allocation));
  for (const auto& hub : enrollment.hubs) text += (&hub == &enrollment.hubs.front() ? " over " : ", ") + hub;
  return text;
}

Outcome<Nothing> change_allocation(Act& act, const EnrollmentUpdate& update, Enrollment& enrollment) {
  enrollment.reprovision = update.reprovision.value_or(enrollment.reprovision);
  if (!update.allocation && !update.hubs) return Nothing{};
  enrollment.allocation = update.allocation.value_or(enrollment.allocation);
  if (update.hubs) {
    LATCHKEY_TRY(hubs, linked_hubs(act.db, enrollment.namespace_uuid, *update.hubs));
    enrollment.hubs = std::move(hubs);
  }
  LATCHKEY_TRY_VOID(check_allocation(enrollment));
  act.note += (act.note.empty() ? "" : ", ") + allocation_text(enrollment);
  return Nothing{};
}

// What the caller decides; `made` has its identity already.
Outcome<Nothing> fill(store::Database& db, const NewEnrollment& wanted, Enrollment& made) {
  made.attestation = wanted.attestation;
  made.primary = wanted.primary;
  made.secondary = wanted.secondary;
  made.policy_name = wanted.policy_name;
  made.enabled = wanted.enabled;
  made.device_id = wanted.device_id;
  made.allocation = wanted.allocation;
  made.reprovision = wanted.reprovision;
  made.initial_twin = wanted.initial_twin;
  LATCHKEY_TRY(hubs, linked_hubs(db, made.namespace_uuid, wanted.hubs));
  made.hubs = std::move(hubs);
  return check_allocation(made);
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
    made.uuid = ordered_uuid(act.now());
    made.group = enrollment.group;
    made.id = enrollment.id;
    made.namespace_uuid = parent.uuid;
    made.created = made.updated = act.now();
    LATCHKEY_TRY_VOID(fill(act.db, enrollment, made));
    LATCHKEY_TRY_VOID(store::insert(act.db, made));
    act.note = made.policy_name.empty() ? "no policy" : "policy '" + made.policy_name + "'";
    if (made.allocation != AllocationPolicy::kHashed || !made.hubs.empty()) act.note += ", " + allocation_text(made);
    if (!made.initial_twin.empty()) act.note += ", an initial twin";
    return made;
  });
}

Outcome<Committed<Enrollment>> SqlRegistry::update_enrollment(const Call& call, const std::string& id, bool group,
                                                              const EnrollmentUpdate& update) {
  const Attempt attempt{"enrollment.update", enrollment_path(id, group)};
  return mutate<Enrollment>(call, attempt, [&](Act& act) -> Outcome<Enrollment> {
    LATCHKEY_TRY(enrollment, existing_enrollment(act.db, id, group));
    LATCHKEY_TRY_VOID(check_etag(act, etag_of(enrollment)));
    if (update.policy_name) {
      LATCHKEY_TRY_VOID(check_policy(act.db, enrollment.namespace_uuid, *update.policy_name));
      enrollment.policy_name = *update.policy_name;
      act.note = enrollment.policy_name.empty() ? "no policy" : "policy '" + enrollment.policy_name + "'";
    }
    if (update.enabled) {
      enrollment.enabled = *update.enabled;
      act.note += (act.note.empty() ? "" : ", ") + std::string(enrollment.enabled ? "enabled" : "disabled");
    }
    LATCHKEY_TRY_VOID(change_allocation(act, update, enrollment));
    if (update.initial_twin) {
      enrollment.initial_twin = *update.initial_twin;
      act.note += (act.note.empty() ? "" : ", ") +
                  std::string(enrollment.initial_twin.empty() ? "no initial twin" : "another initial twin");
    }
    enrollment.updated = std::max(act.now(), enrollment.updated + 1);  // its etag: no two changes share one
    LATCHKEY_TRY_VOID(store::update(act.db, enrollment));
    return enrollment;
  });
}

Outcome<Committed<Enrollment>> SqlRegistry::replace_enrollment(const Call& call, NewEnrollment enrollment) {
  const Attempt attempt{"enrollment.replace", enrollment_path(enrollment.id, enrollment.group)};
  return mutate<Enrollment>(call, attempt, [&](Act& act) -> Outcome<Enrollment> {
    LATCHKEY_TRY(before, existing_enrollment(act.db, enrollment.id, enrollment.group));
    LATCHKEY_TRY_VOID(check_etag(act, etag_of(before)));
    NewEnrollment wanted = enrollment;
    if (wanted.primary.empty() && wanted.attestation == before.attestation) {
      wanted.primary = before.primary;  // whoever reads an enrollment does not see its keys, and cannot give them back
      wanted.secondary = before.secondary;
    }
    LATCHKEY_TRY_VOID(check_form(wanted));
    LATCHKEY_TRY(parent, parent_namespace(act.db, wanted.namespace_name));
    if (parent.uuid != before.namespace_uuid) {
      return refuse(Reason::kInvalidArgument, "the namespace of an enrollment cannot be changed");
    }
    LATCHKEY_TRY_VOID(check_policy(act.db, parent.uuid, wanted.policy_name));
    Enrollment after = before;
    LATCHKEY_TRY_VOID(fill(act.db, wanted, after));
    after.updated = std::max(act.now(), before.updated + 1);
    LATCHKEY_TRY_VOID(store::remove(act.db, before));
    LATCHKEY_TRY_VOID(store::insert(act.db, after));
    act.note = after.policy_name.empty() ? "no policy" : "policy '" + after.policy_name + "'";
    return after;
  });
}

Outcome<Committed<Nothing>> SqlRegistry::delete_enrollment(const Call& call, const std::string& id, bool group) {
  return mutate<Nothing>(call, {"enrollment.delete", enrollment_path(id, group)}, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(enrollment, existing_enrollment(act.db, id, group));
    LATCHKEY_TRY_VOID(check_etag(act, etag_of(enrollment)));
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

Outcome<EnrollmentPage> SqlRegistry::enrollments_after(bool group, const std::string& after, std::size_t limit) {
  return read<EnrollmentPage>([&](store::Database& db) -> Outcome<EnrollmentPage> {
    const std::size_t size = page_size(limit);
    LATCHKEY_TRY(enrollments, store::enrollments_after(db, group, after, size + 1));
    EnrollmentPage page{std::move(enrollments), {}};
    if (page.enrollments.size() > size) {
      page.enrollments.pop_back();
      page.next = page.enrollments.back().id;
    }
    return page;
  });
}

Outcome<std::vector<Enrollment>> SqlRegistry::list_enrollments() {
  return read<std::vector<Enrollment>>([](store::Database& db) { return store::list_enrollments(db); });
}

}  // namespace latchkey::registry
