// SPDX-License-Identifier: Apache-2.0
// Rows of the control plane of code signing. Names are found by what store::fold makes of them.
#pragma once

#include "registry/operations/rows.h"
#include "registry/signing/model.h"

namespace latchkey::registry::signing {

Stamp stamp_of(const RowAct& act);                     // made now
void touch(const RowAct& act, Stamp& stamp);           // changed now
Stamp read_stamp(const store::Query& row, int first);  // four columns

Outcome<Nothing> insert(store::Database& db, const ResourceGroup& group);
Outcome<Nothing> update(store::Database& db, const ResourceGroup& group);  // tags
Outcome<Nothing> remove_group(store::Database& db, const Where& where);
Outcome<std::optional<ResourceGroup>> find_group(store::Database& db, const Where& where);
Outcome<std::vector<ResourceGroup>> groups_of(store::Database& db, const std::string& subscription);

Outcome<Nothing> insert(store::Database& db, const Account& account);
Outcome<Nothing> update(store::Database& db, const Account& account);  // SKU, suspended, tags
// With its profiles. Validations stay, and are of no account from then on.
Outcome<Nothing> remove_account(store::Database& db, const Uuid& account);
Outcome<std::optional<Account>> find_account(store::Database& db, std::string_view name);  // names are unique
Outcome<std::optional<Account>> find_account(store::Database& db, const Uuid& uuid);
// By name; an empty group: all.
Outcome<std::vector<Account>> accounts_of(store::Database& db, const Where& where);

Outcome<Nothing> insert(store::Database& db, const Profile& profile);
Outcome<Nothing> update(store::Database& db, const Profile& profile);  // status
Outcome<Nothing> remove_profile(store::Database& db, const Uuid& profile);
Outcome<std::optional<Profile>> find_profile(store::Database& db, const Uuid& account, std::string_view name);
Outcome<std::optional<Profile>> find_profile(store::Database& db, const Uuid& uuid);
Outcome<std::vector<Profile>> profiles_of(store::Database& db, const Uuid& account);  // by name

Outcome<Nothing> insert(store::Database& db, const Validation& validation);
Outcome<Nothing> update(store::Database& db, const Validation& validation);  // what changes in it
Outcome<Nothing> remove_validation(store::Database& db, const Uuid& validation);
Outcome<std::optional<Validation>> find_validation(store::Database& db, const Uuid& uuid);
// Oldest first; nothing for `account`: of all.
Outcome<std::vector<Validation>> validations_of(store::Database& db, const std::string& subscription,
                                                const std::optional<Uuid>& account);
// That time may have brought something about: a link that lapsed, a reminder or an end that is due.
Outcome<std::vector<Validation>> validations_in_time(store::Database& db, UnixMs link_before, UnixMs ends_before);

Outcome<Nothing> insert(store::Database& db, const Mail& mail);
Outcome<std::vector<Mail>> waiting_mails(store::Database& db, std::size_t limit);
Outcome<Nothing> mail_delivered(store::Database& db, std::int64_t number, UnixMs at);

}  // namespace latchkey::registry::signing
