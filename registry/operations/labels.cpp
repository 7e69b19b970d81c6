// SPDX-License-Identifier: Apache-2.0
// What is kept beside resources: labels, entity tags as a condition, and records of the management API's acts.
#include "registry/store/labels.h"

#include <algorithm>

#include "registry/operations/internal/names.h"
#include "registry/operations/internal/rules.h"
#include "registry/store/act_records.h"
#include "registry/store/namespaces.h"

namespace latchkey::registry {
namespace {

constexpr std::int64_t kMostActs = 10'000;

constexpr const char* kProvisioningServices = "provisioningServices/";

// Resources that have labels: those in namespaces, these themselves, and the provisioning service.
bool labelled(std::string_view resource) {
  return resource.starts_with("namespaces/") || resource.starts_with(kProvisioningServices);
}

// For the audit record, which is no place for all that a caller may hang on a resource.
void note_change(Act& act, const char* name, const std::string& was, const std::string& is) {
  constexpr std::size_t kShown = 256;
  if (was != is) act.changed(name, was.substr(0, kShown), is.substr(0, kShown));
}

}  // namespace

Outcome<Nothing> check_etag(const Act& act, const std::string& etag) {
  const auto& wanted = act.call.if_match;
  if (wanted.empty() || std::find(wanted.begin(), wanted.end(), etag) != wanted.end()) return Nothing{};
  return refuse(Reason::kPreconditionFailed, "it has changed meanwhile: its etag is another one");
}

Outcome<Nothing> keep_labels(Act& act, const Attempt& attempt) {
  if (!labelled(attempt.resource)) return Nothing{};
  if (attempt.action.ends_with(".delete")) return store::delete_labels(act.db, attempt.resource);
  if (!act.call.labels) return Nothing{};
  Labels labels;
  LATCHKEY_TRY(before, store::find_labels(act.db, attempt.resource));
  const bool created = attempt.action.ends_with(".create");
  if (before && !created) labels = std::move(*before);
  if (created) {
    labels.created_by = act.call.actor;
    labels.created = act.now();
  }
  const Labels was = labels;
  const auto& change = *act.call.labels;
  if (change.location) labels.location = *change.location;
  if (change.tags) labels.tags = *change.tags;
  if (change.extra) labels.extra = *change.extra;
  labels.modified_by = act.call.actor;
  labels.modified = act.now();
  note_change(act, "location", was.location, labels.location);
  note_change(act, "tags", was.tags, labels.tags);
  note_change(act, "properties", was.extra, labels.extra);
  return store::put_labels(act.db, attempt.resource, labels);
}

Outcome<Committed<Nothing>> SqlRegistry::relabel_namespace(const Call& call, const std::string& name) {
  return mutate<Nothing>(call, {"namespace.update", namespace_path(name)}, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(found, store::find_namespace(act.db, name));
    if (!found) return refuse(Reason::kNotFound, "there is no namespace '" + name + "'");
    return Nothing{};
  });
}

Outcome<Committed<Nothing>> SqlRegistry::relabel_credential(const Call& call, const std::string& ns) {
  return mutate<Nothing>(call, {"credential.update", credential_path(ns)}, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(parent, parent_namespace(act.db, ns));
    LATCHKEY_TRY(found, store::find_credential(act.db, parent.uuid));
    if (!found) return refuse(Reason::kNotFound, "namespace '" + ns + "' has no credential");
    return Nothing{};
  });
}

Outcome<Committed<Nothing>> SqlRegistry::relabel_provisioning_service(const Call& call, const std::string& name) {
  return mutate<Nothing>(call, {"provisioningService.update", kProvisioningServices + name},
                         [](Act&) -> Outcome<Nothing> { return Nothing{}; });
}

Outcome<std::vector<Labels>> SqlRegistry::labels_of(const std::vector<std::string>& resources) {
  return read<std::vector<Labels>>([&](store::Database& db) -> Outcome<std::vector<Labels>> {
    std::vector<Labels> result;
    result.reserve(resources.size());
    for (const auto& resource : resources) {
      LATCHKEY_TRY(found, store::find_labels(db, resource));
      result.push_back(found ? std::move(*found) : Labels());
    }
    return result;
  });
}

Outcome<Nothing> SqlRegistry::put_act(const ActRecord& act, UnixMs now) {
  return keep([&](store::Database& db) { return store::put_act(db, act, now, kMostActs); });
}

Outcome<ActRecord> SqlRegistry::find_act(const std::string& id, UnixMs now) {
  return read<ActRecord>([&](store::Database& db) -> Outcome<ActRecord> {
    LATCHKEY_TRY(found, store::find_act(db, id));
    if (!found || found->expires <= now) return refuse(Reason::kNotFound, "there is no operation of that id");
    return std::move(*found);
  });
}

}  // namespace latchkey::registry
