// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/ground.h"

#include <algorithm>

#include "registry/signing/internal/rows.h"
#include "registry/signing/names.h"
#include "registry/store/fold.h"
#include "registry/store/settings.h"

namespace latchkey::registry::signing {

using store::Database;
using store::fold;

namespace {

constexpr std::string_view kProviders[] = {"Microsoft.Authorization", kSigningProvider, "Microsoft.DeviceRegistry",
                                           "Microsoft.Devices"};

Outcome<std::string> setting(Database& db, std::string_view name) {
  LATCHKEY_TRY(found, store::find_setting(db, name));
  if (found) return std::move(*found);
  return refuse(Reason::kInternal, "the data folder has no setting '" + std::string(name) + "'");
}

Outcome<Tenant> home_tenant(Database& db) {
  LATCHKEY_TRY(id, setting(db, kTenantSetting));
  LATCHKEY_TRY(name, setting(db, kTenantNameSetting));
  return Tenant{std::move(id), std::move(name)};
}

Outcome<bool> is_home(Database& db, const std::string& subscription) {
  LATCHKEY_TRY(home, setting(db, kSubscriptionSetting));
  return fold(home) == fold(subscription);
}

Outcome<std::optional<Tenant>> tenant_of_other(Database& db, const std::string& subscription) {
  return db.query("SELECT tenant, tenant_name FROM subscriptions WHERE id = $1", fold(subscription))
      .first([](const store::Query& row) {
        return Tenant{row.text(0), row.text(1)};
      });
}

bool is_home_group(const Where& where) { return fold(where.group) == kHomeGroup; }

std::string group_path(const Where& where) { return "resourceGroups/" + where.group; }

// The home group is there without a row.
Outcome<ResourceGroup> existing_group(Database& db, const Where& where) {
  LATCHKEY_TRY(found, find_group(db, where));
  if (found) return std::move(*found);
  LATCHKEY_TRY(home, is_home(db, where.subscription));
  if (home && is_home_group(where)) {
    return ResourceGroup{where.subscription, std::string(kHomeGroup), "local", {}, {}};
  }
  return refuse(Reason::kGroupNotFound, "Resource group '" + where.group + "' could not be found.");
}

Outcome<Nothing> check_not_home(const Where& where) {
  if (!is_home_group(where)) return Nothing{};
  return refuse(Reason::kNotSupported, "resource group 'latchkey' holds the hubs and stays as it is");
}

Outcome<Provider> existing_provider(Database& db, const std::string& subscription, const std::string& name) {
  const auto* known = std::find_if(std::begin(kProviders), std::end(kProviders),
                                   [&](std::string_view one) { return fold(one) == fold(name); });
  if (known == std::end(kProviders)) {
    return refuse(Reason::kNotFound, "there is no resource provider '" + name.substr(0, 64) + "'");
  }
  if (*known != kSigningProvider) return Provider{std::string(*known), true};
  LATCHKEY_TRY(row, db.query("SELECT registered FROM providers WHERE subscription = $1 AND folded_name = $2",
                             fold(subscription), fold(*known))
                        .first([](const store::Query& one) { return one.flag(0); }));
  return Provider{std::string(*known), row.value_or(false)};
}

bool plain_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && std::none_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

}  // namespace

Outcome<Tenant> tenant_of(Database& db, const std::string& subscription) {
  LATCHKEY_TRY(home, is_home(db, subscription));
  if (home) return home_tenant(db);
  LATCHKEY_TRY(other, tenant_of_other(db, subscription));
  if (other) return std::move(*other);
  return refuse(Reason::kNotFound, "there is no subscription '" + subscription.substr(0, 64) + "'");
}

Outcome<ResourceGroup> ready_group(Database& db, const Where& where) {
  LATCHKEY_TRY(group, existing_group(db, where));
  LATCHKEY_TRY(provider, existing_provider(db, where.subscription, std::string(kSigningProvider)));
  if (provider.registered) return group;
  return refuse(Reason::kProviderNotRegistered,
                "The subscription is not registered to use namespace 'Microsoft.CodeSigning'. Register it first: "
                "latchkey provider register --namespace Microsoft.CodeSigning");
}

Outcome<std::vector<Tenant>> Ground::tenants() {
  return rows_.looked<std::vector<Tenant>>([](Database& db) -> Outcome<std::vector<Tenant>> {
    LATCHKEY_TRY(home, home_tenant(db));
    std::vector<Tenant> all = {std::move(home)};
    LATCHKEY_TRY(others, db.query("SELECT DISTINCT tenant, tenant_name FROM subscriptions ORDER BY tenant")
                             .all([](const store::Query& row) {
                               return Tenant{row.text(0), row.text(1)};
                             }));
    all.insert(all.end(), others.begin(), others.end());
    return all;
  });
}

Outcome<Tenant> Ground::rename_tenant(const Call& call, const std::string& id, const std::string& name) {
  return rows_.attempted<Tenant>(call, "tenant.update", "tenants/" + id, [&](RowAct& act) -> Outcome<Tenant> {
    LATCHKEY_TRY(home, home_tenant(act.db));
    if (home.id != fold(id)) return refuse(Reason::kNotFound, "this data folder's tenant has another id");
    if (!plain_name(name)) {
      return refuse(Reason::kInvalidArgument, "a tenant's name has 1 to 64 bytes and no control characters");
    }
    act.changed("name", home.name, name);
    LATCHKEY_TRY_VOID(store::put_setting(act.db, kTenantNameSetting, name));
    return Tenant{home.id, name};
  });
}

Outcome<Nothing> Ground::add_subscription(const Call& call, const std::string& id, const Tenant& tenant) {
  return rows_.attempt(call, "subscription.create", "subscriptions/" + id, [&](RowAct& act) -> Outcome<Nothing> {
    if (!parse_uuid(id) || !parse_uuid(tenant.id) || !plain_name(tenant.name)) {
      return refuse(Reason::kInvalidArgument, "subscription and tenant are uuids, and a tenant has a name");
    }
    LATCHKEY_TRY(home, is_home(act.db, id));
    LATCHKEY_TRY(other, tenant_of_other(act.db, id));
    if (home || other) return refuse(Reason::kAlreadyExists, "subscription '" + id + "' is there already");
    act.note = "of tenant " + tenant.id;
    return act.db
        .query("INSERT INTO subscriptions (id, tenant, tenant_name) VALUES ($1, $2, $3)", fold(id), fold(tenant.id),
               tenant.name)
        .run();
  });
}

Outcome<ResourceGroup> Ground::create_group(const Call& call, const Where& where, const std::string& location,
                                            const std::string& tags) {
  return rows_.attempted<ResourceGroup>(
      call, "resourceGroup.create", group_path(where), [&](RowAct& act) -> Outcome<ResourceGroup> {
        if (!valid_group_name(where.group)) {
          return refuse(Reason::kInvalidName,
                        "a resource group's name has 1 to 90 letters, digits, '-', '_', '.' and "
                        "parentheses, and no '.' at its end");
        }
        LATCHKEY_TRY(tenant, tenant_of(act.db, where.subscription));
        const auto present = existing_group(act.db, where);
        if (present) return refuse(Reason::kAlreadyExists, "resource group '" + present->name + "' is there already");
        ResourceGroup group{where.subscription, where.group, location, tags, stamp_of(act)};
        LATCHKEY_TRY_VOID(insert(act.db, group));
        act.note = "in " + location + ", tenant " + tenant.id;
        return group;
      });
}

Outcome<ResourceGroup> Ground::update_group(const Call& call, const Where& where, const std::string& tags) {
  return rows_.attempted<ResourceGroup>(call, "resourceGroup.update", group_path(where),
                                        [&](RowAct& act) -> Outcome<ResourceGroup> {
                                          LATCHKEY_TRY(group, existing_group(act.db, where));
                                          LATCHKEY_TRY_VOID(check_not_home(where));
                                          act.changed("tags", group.tags.substr(0, 256), tags.substr(0, 256));
                                          group.tags = tags;
                                          touch(act, group.stamp);
                                          LATCHKEY_TRY_VOID(update(act.db, group));
                                          return group;
                                        });
}

Outcome<Nothing> Ground::delete_group(const Call& call, const Where& where) {
  return rows_.attempt(call, "resourceGroup.delete", group_path(where), [&](RowAct& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(group, existing_group(act.db, where));
    LATCHKEY_TRY_VOID(check_not_home(where));
    LATCHKEY_TRY(accounts, accounts_of(act.db, where));
    for (const auto& account : accounts) LATCHKEY_TRY_VOID(remove_account(act.db, account.uuid));
    act.note = "with " + std::to_string(accounts.size()) + " signing accounts";
    return remove_group(act.db, where);
  });
}

Outcome<ResourceGroup> Ground::find_group(const Where& where) {
  return rows_.looked<ResourceGroup>([&](Database& db) { return existing_group(db, where); });
}

Outcome<std::vector<ResourceGroup>> Ground::list_groups(const std::string& subscription) {
  return rows_.looked<std::vector<ResourceGroup>>([&](Database& db) -> Outcome<std::vector<ResourceGroup>> {
    LATCHKEY_TRY(all, groups_of(db, subscription));
    LATCHKEY_TRY(home, is_home(db, subscription));
    if (home) {
      LATCHKEY_TRY(own, existing_group(db, {subscription, std::string(kHomeGroup)}));
      all.insert(all.begin(), std::move(own));
    }
    return all;
  });
}

Outcome<std::vector<Provider>> Ground::providers(const std::string& subscription) {
  return rows_.looked<std::vector<Provider>>([&](Database& db) -> Outcome<std::vector<Provider>> {
    std::vector<Provider> all;
    for (const auto name : kProviders) {
      LATCHKEY_TRY(one, existing_provider(db, subscription, std::string(name)));
      all.push_back(std::move(one));
    }
    return all;
  });
}

Outcome<Provider> Ground::find_provider(const std::string& subscription, const std::string& name) {
  return rows_.looked<Provider>([&](Database& db) { return existing_provider(db, subscription, name); });
}

Outcome<Provider> Ground::register_provider(const Call& call, const std::string& subscription,
                                            const std::string& name) {
  return rows_.attempted<Provider>(
      call, "provider.register", "providers/" + name.substr(0, 64), [&](RowAct& act) -> Outcome<Provider> {
        LATCHKEY_TRY(provider, existing_provider(act.db, subscription, name));
        if (provider.registered) return provider;
        LATCHKEY_TRY_VOID(act.db
                              .query("INSERT INTO providers (subscription, folded_name, registered) VALUES ($1, $2, 1) "
                                     "ON CONFLICT (subscription, folded_name) DO UPDATE SET registered = 1",
                                     fold(subscription), fold(provider.name))
                              .run());
        act.changed("state", "NotRegistered", "Registered");
        provider.registered = true;
        return provider;
      });
}

}  // namespace latchkey::registry::signing
