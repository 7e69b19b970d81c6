// SPDX-License-Identifier: Apache-2.0
#include "registry/store/hubs.h"

#include "registry/operations/internal/names.h"
#include "registry/operations/internal/random.h"
#include "registry/operations/internal/rules.h"
#include "registry/store/registrations.h"

namespace latchkey::registry {
namespace {

Outcome<Nothing> check_host(const std::string& host) {
  if (valid_host(host)) return Nothing{};
  return refuse(Reason::kInvalidArgument, "a hub's host is a name or an address, perhaps with a port");
}

Outcome<Nothing> check_latency(const std::optional<std::int64_t>& latency_ms) {
  constexpr std::int64_t kMost = 60'000;
  if (!latency_ms || (*latency_ms >= 0 && *latency_ms <= kMost)) return Nothing{};
  return refuse(Reason::kInvalidArgument, "a hub's latency is 0 to 60000 milliseconds");
}

std::string latency_text(const Hub& hub) {
  return hub.latency_ms ? ", latency " + std::to_string(*hub.latency_ms) + " ms" : std::string();
}

Outcome<Nothing> check_empty(Act& act, const Hub& hub) {
  constexpr std::size_t kNamed = 20;
  LATCHKEY_TRY(assigned, store::assigned_to(act.db, hub.uuid, kNamed));
  if (assigned.count == 0) return Nothing{};
  const std::string count = std::to_string(assigned.count) + (assigned.count == 1 ? " device" : " devices");
  if (act.call.override_name == hub.name) {
    act.note = "overridden: " + count + " had been assigned to it";
    return Nothing{};
  }
  std::string names;
  for (const auto& id : assigned.first) names += (names.empty() ? "" : ", ") + id;
  if (assigned.count > static_cast<std::int64_t>(assigned.first.size())) names += ", ...";
  return refuse(Reason::kHubHasDevices, "hub '" + hub.name + "' has " + count + ": " + names);
}

}  // namespace

Outcome<Committed<Hub>> SqlRegistry::create_hub(const Call& call, const NewHub& wanted) {
  return mutate<Hub>(call, {"hub.create", hub_path(wanted.name)}, [&](Act& act) -> Outcome<Hub> {
    if (!valid_hub_name(wanted.name)) {
      return refuse(Reason::kInvalidName, "a hub name has up to 64 letters, digits or '-', not '-' at an end");
    }
    LATCHKEY_TRY_VOID(check_host(wanted.host));
    LATCHKEY_TRY_VOID(check_latency(wanted.latency_ms));
    LATCHKEY_TRY(parent, parent_namespace(act.db, wanted.namespace_name));
    LATCHKEY_TRY(found, store::find_hub(act.db, wanted.name));
    if (found) return refuse(Reason::kAlreadyExists, "hub '" + found->name + "' is there already");
    Hub hub{random_uuid(), wanted.name, parent.uuid, wanted.host, act.now(), wanted.listen, wanted.latency_ms};
    LATCHKEY_TRY_VOID(store::insert(act.db, hub));
    LATCHKEY_TRY_VOID(sync_new_hub(act, hub));
    act.note = "linked to namespace '" + parent.name + "', host " + hub.host + latency_text(hub);
    return hub;
  });
}

Outcome<Committed<Hub>> SqlRegistry::update_hub(const Call& call, const std::string& name, const HubUpdate& update) {
  return mutate<Hub>(call, {"hub.update", hub_path(name)}, [&](Act& act) -> Outcome<Hub> {
    if (update.host) LATCHKEY_TRY_VOID(check_host(*update.host));
    if (update.latency_ms) LATCHKEY_TRY_VOID(check_latency(*update.latency_ms));
    LATCHKEY_TRY(hub, existing_hub(act.db, name));
    hub.host = update.host.value_or(hub.host);
    hub.listen = update.listen.value_or(hub.listen);
    hub.latency_ms = update.latency_ms.value_or(hub.latency_ms);
    LATCHKEY_TRY_VOID(store::update(act.db, hub));
    act.note = "host " + hub.host + latency_text(hub);
    return hub;
  });
}

// No change is told: the gate of a hub that is gone is ended, not informed.
Outcome<Committed<Nothing>> SqlRegistry::delete_hub(const Call& call, const std::string& name) {
  return mutate<Nothing>(call, {"hub.delete", hub_path(name)}, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(hub, existing_hub(act.db, name));
    LATCHKEY_TRY_VOID(check_empty(act, hub));
    return store::remove(act.db, hub.uuid);
  });
}

Outcome<Hub> SqlRegistry::find_hub(const std::string& name) {
  return read<Hub>([&](store::Database& db) { return existing_hub(db, name); });
}

Outcome<std::vector<Hub>> SqlRegistry::list_hubs() {
  return read<std::vector<Hub>>([](store::Database& db) { return store::list_hubs(db); });
}

Outcome<std::vector<HubCertificate>> SqlRegistry::list_hub_certificates(const std::string& hub) {
  return read<std::vector<HubCertificate>>([&](store::Database& db) -> Outcome<std::vector<HubCertificate>> {
    LATCHKEY_TRY(found, existing_hub(db, hub));
    return store::hub_certificates_of(db, found.uuid);
  });
}

Outcome<Committed<Nothing>> SqlRegistry::delete_hub_certificate(const Call& call, const std::string& hub,
                                                                const std::string& name) {
  const Attempt attempt{"hub.certificate.delete", hub_certificate_path(hub, name)};
  return mutate<Nothing>(call, attempt, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(found, store::find_hub(act.db, hub));
    if (!found) return refuse(Reason::kParentNotFound, "there is no hub '" + hub + "'");
    LATCHKEY_TRY(certificate, store::find_hub_certificate(act.db, found->uuid, name));
    if (!certificate) return refuse(Reason::kNotFound, "hub '" + hub + "' has no certificate '" + name + "'");
    LATCHKEY_TRY_VOID(check_etag(act, etag_of(*certificate)));
    LATCHKEY_TRY_VOID(store::delete_hub_certificate(act.db, found->uuid, name));
    LATCHKEY_TRY_VOID(act.change(AnchorGone{found->uuid, certificate->ca}));
    return Nothing{};
  });
}

}  // namespace latchkey::registry
