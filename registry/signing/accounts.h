// SPDX-License-Identifier: Apache-2.0
// Signing accounts and the certificate profiles in them.
//
// Threads: any; changes block until they are durable. Every attempt at a change is audited.
//
// Invariants:
//  1. An account's name is there once in the whole service, over all tenants, without regard to case; a profile's once
//     in its account.
//  2. A profile's durable EKU is given once: no other profile, not even one of the same name, ever has it.
//  3. Deleting revokes nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "registry/operations/rows.h"
#include "registry/signing/model.h"

namespace latchkey::registry::signing {

struct NewAccount {
  std::string name;
  std::string region;  // by code or name
  Sku sku = Sku::kBasic;
  std::string tags;
};
struct AccountUpdate {
  std::optional<Sku> sku;
  std::optional<std::string> tags;
};
struct NewProfile {
  std::string name;
  ProfileType type = ProfileType::kPublicTrust;
  Uuid validation;
  std::uint32_t includes = 0;
  std::string eku;  // of the caller's making (hub/signing/certificates/profile.h), fresh
};

enum class NameFault : std::uint8_t { kNone, kInvalid, kTaken };

// A profile with what stands above it, as of one commit.
struct PlacedProfile {
  Account account;
  Profile profile;
  std::optional<Validation> validation;  // nothing: it was deleted
};

class Accounts {
 public:
  explicit Accounts(RowKeeper& rows) : rows_(rows) {}

  // kInvalidName, kRegionNotSupported, kGroupNotFound, kProviderNotRegistered, kAlreadyExists (anywhere).
  Outcome<Account> create(const Call& call, const Where& where, const NewAccount& wanted);
  // kNotFound; kSkuDowngradeBlocked while a type has more profiles than the wanted SKU allows, whatever their status.
  Outcome<Account> update(const Call& call, const Where& where, const std::string& name, const AccountUpdate& wanted);
  // The profiles go with it, and signing with them stops. The identity validations that were made in it stay: they are
  // the subscription's. kNotFound.
  Outcome<Nothing> remove(const Call& call, const Where& where, const std::string& name);
  // By the provider: no profile is made and nothing is signed while it is. kNotFound.
  Outcome<Account> suspend(const Call& call, const Where& where, const std::string& name, bool suspended);
  Outcome<Account> find(const Where& where, const std::string& name);  // kNotFound
  Outcome<std::vector<Account>> list(const Where& where);              // an empty group: of the whole subscription
  Outcome<NameFault> check_name(const std::string& name);

  // kInvalidName, kParentNotFound (the account), kAccountSuspended, kAlreadyExists, kProfileLimitReached,
  // kInvalidArgument (no such validation in the subscription, or one of the other kind), kValidationNotCompleted.
  Outcome<Profile> create_profile(const Call& call, const Where& where, const std::string& account,
                                  const NewProfile& wanted);
  Outcome<Nothing> remove_profile(const Call& call, const Where& where, const std::string& account,
                                  const std::string& name);  // kParentNotFound, kNotFound
  // By the service: when the current certificate is revoked. kNotFound.
  Outcome<Profile> set_status(const Call& call, const Uuid& profile, ProfileStatus status);
  Outcome<Profile> find_profile(const Where& where, const std::string& account, const std::string& name);
  Outcome<std::vector<Profile>> list_profiles(const Where& where, const std::string& account);
  // For the data plane, which knows no groups: by names alone. kNotFound.
  Outcome<PlacedProfile> place_of(const std::string& account, const std::string& profile);

 private:
  RowKeeper& rows_;
};

}  // namespace latchkey::registry::signing
