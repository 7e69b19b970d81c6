// SPDX-License-Identifier: Apache-2.0
// The ground that signing accounts stand on: tenants, their subscriptions, resource groups, and the resource providers
// that a subscription has registered. A data folder has one tenant, one subscription and the group "latchkey" from its
// first opening on; others are records beside them.
//
// Threads: any; changes block until they are durable. Every attempt at a change is audited.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "registry/operations/rows.h"
#include "registry/signing/model.h"

namespace latchkey::registry::signing {

inline constexpr std::string_view kHomeGroup = "latchkey";
inline constexpr std::string_view kSigningProvider = "Microsoft.CodeSigning";

struct Provider {
  std::string name;
  bool registered = false;
};

class Ground {
 public:
  explicit Ground(RowKeeper& rows) : rows_(rows) {}

  // The folder's own first.
  Outcome<std::vector<Tenant>> tenants();
  // kNotFound unless it is the folder's own; kInvalidArgument: 1 to 64 bytes without control characters.
  Outcome<Tenant> rename_tenant(const Call& call, const std::string& id, const std::string& name);
  // A subscription of another tenant. kInvalidArgument unless both are uuids; kAlreadyExists.
  Outcome<Nothing> add_subscription(const Call& call, const std::string& id, const Tenant& tenant);

  // kInvalidName, kAlreadyExists, kNotFound (the subscription).
  Outcome<ResourceGroup> create_group(const Call& call, const Where& where, const std::string& location,
                                      const std::string& tags);
  // kGroupNotFound; kNotSupported for the home group.
  Outcome<ResourceGroup> update_group(const Call& call, const Where& where, const std::string& tags);
  // With the signing accounts in it. kGroupNotFound; kNotSupported for the home group, which holds the hubs.
  Outcome<Nothing> delete_group(const Call& call, const Where& where);
  Outcome<ResourceGroup> find_group(const Where& where);
  Outcome<std::vector<ResourceGroup>> list_groups(const std::string& subscription);

  // Those that there are, by name. kSigningProvider is not registered at first; the others always are.
  Outcome<std::vector<Provider>> providers(const std::string& subscription);
  // kNotFound: there is no such provider. Names compare without case.
  Outcome<Provider> find_provider(const std::string& subscription, const std::string& name);
  Outcome<Provider> register_provider(const Call& call, const std::string& subscription, const std::string& name);

 private:
  RowKeeper& rows_;
};

// For rules of this room. kProviderNotRegistered, kGroupNotFound; otherwise the group as it is spelled.
Outcome<ResourceGroup> ready_group(store::Database& db, const Where& where);
// kInternal when the subscription is not known.
Outcome<Tenant> tenant_of(store::Database& db, const std::string& subscription);

}  // namespace latchkey::registry::signing
