// SPDX-License-Identifier: Apache-2.0
#include "registry/store/hubs.h"

#include "registry/operations/internal/names.h"
#include "registry/operations/internal/random.h"
#include "registry/operations/internal/rules.h"

namespace latchkey::registry {
namespace {

Outcome<Nothing> check_host(const std::string& host) {
  if (valid_host(host)) return Nothing{};
  return refuse(Reason::kInvalidArgument, "a hub's host is a name or an address, perhaps with a port");
}

}  // namespace

// A new hub trusts nothing until the namespace's credential is synchronized.
Outcome<Committed<Hub>> SqlRegistry::create_hub(const Call& call, const std::string& ns, const std::string& name,
                                                const std::string& host) {
  return mutate<Hub>(call, {"hub.create", hub_path(name)}, [&](Act& act) -> Outcome<Hub> {
    if (!valid_hub_name(name)) {
      return refuse(Reason::kInvalidName, "a hub name has up to 64 letters, digits or '-', not '-' at an end");
    }
    LATCHKEY_TRY_VOID(check_host(host));
    LATCHKEY_TRY(parent, parent_namespace(act.db, ns));
    LATCHKEY_TRY(found, store::find_hub(act.db, name));
    if (found) return refuse(Reason::kAlreadyExists, "hub '" + found->name + "' is there already");
    Hub hub{random_uuid(), name, parent.uuid, host, act.now()};
    LATCHKEY_TRY_VOID(store::insert(act.db, hub));
    act.note = "linked to namespace '" + ns + "', host " + host;
    return hub;
  });
}

Outcome<Committed<Hub>> SqlRegistry::update_hub_host(const Call& call, const std::string& name,
                                                     const std::string& host) {
  return mutate<Hub>(call, {"hub.update", hub_path(name)}, [&](Act& act) -> Outcome<Hub> {
    LATCHKEY_TRY_VOID(check_host(host));
    LATCHKEY_TRY(hub, existing_hub(act.db, name));
    LATCHKEY_TRY_VOID(store::set_host(act.db, hub.uuid, host));
    hub.host = host;
    act.note = "host " + host;
    return hub;
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
    LATCHKEY_TRY_VOID(store::delete_hub_certificate(act.db, found->uuid, name));
    LATCHKEY_TRY_VOID(act.change(AnchorGone{found->uuid, certificate->ca}));
    return Nothing{};
  });
}

}  // namespace latchkey::registry
