// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/accounts.h"

#include "registry/signing/ground.h"
#include "registry/signing/internal/accounts.h"
#include "registry/signing/internal/rows.h"
#include "registry/signing/names.h"
#include "registry/signing/regions.h"
#include "registry/signing/sku.h"
#include "registry/store/fold.h"

namespace latchkey::registry::signing {

using store::Database;
using store::fold;

std::string account_path(const std::string& name) { return "codeSigningAccounts/" + name; }

Outcome<Account> existing_account(Database& db, const Where& where, const std::string& name, Reason missing) {
  LATCHKEY_TRY(found, find_account(db, name));
  const bool here = found && fold(found->where.subscription) == fold(where.subscription) &&
                    fold(found->where.group) == fold(where.group);
  if (here) return std::move(*found);
  return refuse(missing, "there is no signing account '" + name + "' in resource group '" + where.group + "'");
}

namespace {

Outcome<Nothing> check_downgrade(Database& db, const Account& account, Sku wanted) {
  LATCHKEY_TRY(profiles, profiles_of(db, account.uuid));
  for (const auto type : kProfileTypes) {
    std::int64_t count = 0;
    for (const auto& profile : profiles) count += profile.type == type ? 1 : 0;
    if (count > quota_of(wanted).profiles_of_a_type) {
      return refuse(Reason::kSkuDowngradeBlocked, "account '" + account.name + "' has " + std::to_string(count) +
                                                      " profiles of type " + std::string(to_string(type)) + "; " +
                                                      std::string(quota_of(wanted).name) + " allows " +
                                                      std::to_string(quota_of(wanted).profiles_of_a_type));
    }
  }
  return Nothing{};
}

Outcome<Account> change(RowKeeper& rows, const Call& call, const std::string& action, const Where& where,
                        const std::string& name, const std::function<Outcome<Nothing>(RowAct&, Account&)>& rule) {
  return rows.attempted<Account>(call, action, account_path(name), [&](RowAct& act) -> Outcome<Account> {
    LATCHKEY_TRY(account, existing_account(act.db, where, name, Reason::kNotFound));
    LATCHKEY_TRY_VOID(rule(act, account));
    touch(act, account.stamp);
    LATCHKEY_TRY_VOID(signing::update(act.db, account));
    return account;
  });
}

}  // namespace

Outcome<Account> Accounts::create(const Call& call, const Where& where, const NewAccount& wanted) {
  return rows_.attempted<Account>(
      call, "signingAccount.create", account_path(wanted.name), [&](RowAct& act) -> Outcome<Account> {
        if (!valid_account_name(wanted.name)) return refuse(Reason::kInvalidName, std::string(kAccountNameRule));
        const auto* place = region(wanted.region);
        if (place == nullptr) {
          std::string known;
          for (const auto& one : regions()) known += (known.empty() ? "" : ", ") + std::string(one.code);
          return refuse(Reason::kRegionNotSupported, "signing accounts are not available in '" +
                                                         wanted.region.substr(0, 64) + "'; there are " + known);
        }
        LATCHKEY_TRY(group, ready_group(act.db, where));
        LATCHKEY_TRY(taken, find_account(act.db, wanted.name));
        if (taken) return refuse(Reason::kAlreadyExists, "the account name '" + taken->name + "' is taken");
        Account account{fresh_uuid(), {where.subscription, group.name},
                        wanted.name,  std::string(place->code),
                        wanted.sku,   false,
                        wanted.tags,  stamp_of(act)};
        LATCHKEY_TRY_VOID(insert(act.db, account));
        act.note = "in " + account.region + ", " + std::string(quota_of(account.sku).name);
        return account;
      });
}

Outcome<Account> Accounts::update(const Call& call, const Where& where, const std::string& name,
                                  const AccountUpdate& wanted) {
  return change(
      rows_, call, "signingAccount.update", where, name, [&](RowAct& act, Account& account) -> Outcome<Nothing> {
        if (wanted.sku && *wanted.sku != account.sku) {
          LATCHKEY_TRY_VOID(check_downgrade(act.db, account, *wanted.sku));
          act.changed("sku", std::string(quota_of(account.sku).name), std::string(quota_of(*wanted.sku).name));
          account.sku = *wanted.sku;
        }
        if (wanted.tags && *wanted.tags != account.tags) {
          act.changed("tags", account.tags.substr(0, 256), wanted.tags->substr(0, 256));
          account.tags = *wanted.tags;
        }
        return Nothing{};
      });
}

Outcome<Account> Accounts::suspend(const Call& call, const Where& where, const std::string& name, bool suspended) {
  return change(rows_, call, "signingAccount.suspend", where, name,
                [&](RowAct& act, Account& account) -> Outcome<Nothing> {
                  act.changed("suspended", account.suspended ? "yes" : "no", suspended ? "yes" : "no");
                  account.suspended = suspended;
                  return Nothing{};
                });
}

Outcome<Nothing> Accounts::remove(const Call& call, const Where& where, const std::string& name) {
  return rows_.attempt(call, "signingAccount.delete", account_path(name), [&](RowAct& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(account, existing_account(act.db, where, name, Reason::kNotFound));
    LATCHKEY_TRY(profiles, profiles_of(act.db, account.uuid));
    LATCHKEY_TRY(validations, validations_of(act.db, where.subscription, account.uuid));
    act.note = "with " + std::to_string(profiles.size()) + " certificate profiles; " +
               std::to_string(validations.size()) + " identity validations stay in the subscription";
    return remove_account(act.db, account.uuid);
  });
}

Outcome<Account> Accounts::find(const Where& where, const std::string& name) {
  return rows_.looked<Account>([&](Database& db) { return existing_account(db, where, name, Reason::kNotFound); });
}

Outcome<std::vector<Account>> Accounts::list(const Where& where) {
  return rows_.looked<std::vector<Account>>([&](Database& db) { return accounts_of(db, where); });
}

Outcome<NameFault> Accounts::check_name(const std::string& name) {
  if (!valid_account_name(name)) return NameFault::kInvalid;
  return rows_.looked<NameFault>([&](Database& db) -> Outcome<NameFault> {
    LATCHKEY_TRY(taken, find_account(db, name));
    return taken ? NameFault::kTaken : NameFault::kNone;
  });
}

}  // namespace latchkey::registry::signing
