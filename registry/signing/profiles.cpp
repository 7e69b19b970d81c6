// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/accounts.h"
#include "registry/signing/identity_form.h"
#include "registry/signing/internal/accounts.h"
#include "registry/signing/internal/rows.h"
#include "registry/signing/names.h"
#include "registry/signing/sku.h"
#include "registry/signing/validation_machine.h"
#include "registry/store/fold.h"

namespace latchkey::registry::signing {

using store::Database;

namespace {

std::string profile_path(const std::string& account, const std::string& profile) {
  return account_path(account) + "/certificateProfiles/" + profile;
}

Outcome<Profile> existing_profile(Database& db, const Where& where, const std::string& account,
                                  const std::string& name) {
  LATCHKEY_TRY(parent, existing_account(db, where, account, Reason::kParentNotFound));
  LATCHKEY_TRY(found, find_profile(db, parent.uuid, name));
  if (found) return std::move(*found);
  return refuse(Reason::kNotFound, "account '" + parent.name + "' has no certificate profile '" + name + "'");
}

Outcome<Nothing> check_limit(Database& db, const Account& account, ProfileType type) {
  const auto& quota = quota_of(account.sku);
  LATCHKEY_TRY(profiles, profiles_of(db, account.uuid));
  std::int64_t count = 0;
  for (const auto& profile : profiles) count += profile.type == type ? 1 : 0;
  if (count < quota.profiles_of_a_type) return Nothing{};
  return refuse(Reason::kProfileLimitReached, "account '" + account.name + "' has " + std::to_string(count) +
                                                  " profiles of type " + std::string(to_string(type)) +
                                                  ", which is all that " + std::string(quota.name) + " allows");
}

// One that time has ended counts as ended, whether or not anybody has noticed.
Outcome<Nothing> check_validation(RowAct& act, const Account& account, const NewProfile& wanted) {
  const std::string id(view(to_text(wanted.validation)));
  LATCHKEY_TRY(found, find_validation(act.db, wanted.validation));
  if (!found || store::fold(found->subscription) != store::fold(account.where.subscription)) {
    return refuse(Reason::kInvalidArgument, "there is no identity validation " + id + " in this subscription");
  }
  if (!found->completed() || due_event(*found, act.now()) == ValidationEvent::kValidityOver) {
    return refuse(Reason::kValidationNotCompleted,
                  "identity validation " + id + " is not Completed: a profile can only be made from one that is");
  }
  if (goes_with(wanted.type, found->identity.kind)) return Nothing{};
  return refuse(Reason::kInvalidArgument,
                "identity validation " + id + " is " + std::string(to_string(found->identity.kind)) +
                    ", which does not go with profiles of type " + std::string(to_string(wanted.type)));
}

}  // namespace

Outcome<Profile> Accounts::create_profile(const Call& call, const Where& where, const std::string& account,
                                          const NewProfile& wanted) {
  return rows_.attempted<Profile>(
      call, "certificateProfile.create", profile_path(account, wanted.name), [&](RowAct& act) -> Outcome<Profile> {
        if (!valid_profile_name(wanted.name)) return refuse(Reason::kInvalidName, std::string(kProfileNameRule));
        LATCHKEY_TRY(parent, existing_account(act.db, where, account, Reason::kParentNotFound));
        if (parent.suspended) {
          return refuse(Reason::kAccountSuspended, "signing account '" + parent.name + "' is suspended");
        }
        LATCHKEY_TRY(present, signing::find_profile(act.db, parent.uuid, wanted.name));
        if (present) {
          return refuse(Reason::kAlreadyExists, "certificate profile '" + present->name +
                                                    "' is there already, and profiles cannot be changed: delete it "
                                                    "and make another, which gets another durable EKU");
        }
        LATCHKEY_TRY_VOID(check_validation(act, parent, wanted));
        LATCHKEY_TRY_VOID(check_limit(act.db, parent, wanted.type));
        Profile profile{
            fresh_uuid(),           parent.uuid, wanted.name,  wanted.type, wanted.validation, wanted.includes,
            ProfileStatus::kActive, wanted.eku,  stamp_of(act)};
        LATCHKEY_TRY_VOID(insert(act.db, profile));
        act.note = std::string(to_string(profile.type)) + ", EKU " + profile.eku;
        return profile;
      });
}

Outcome<Nothing> Accounts::remove_profile(const Call& call, const Where& where, const std::string& account,
                                          const std::string& name) {
  return rows_.attempt(call, "certificateProfile.delete", profile_path(account, name),
                       [&](RowAct& act) -> Outcome<Nothing> {
                         LATCHKEY_TRY(profile, existing_profile(act.db, where, account, name));
                         act.note = "EKU " + profile.eku + " is not given again; what was signed stays as it is";
                         return signing::remove_profile(act.db, profile.uuid);
                       });
}

Outcome<Profile> Accounts::set_status(const Call& call, const Uuid& uuid, ProfileStatus status) {
  const std::string id(view(to_text(uuid)));
  return rows_.attempted<Profile>(
      call, "certificateProfile.status", "certificateProfiles/" + id, [&](RowAct& act) -> Outcome<Profile> {
        LATCHKEY_TRY(found, signing::find_profile(act.db, uuid));
        if (!found) return refuse(Reason::kNotFound, "there is no certificate profile " + id);
        act.changed("status", std::string(to_string(found->status)), std::string(to_string(status)));
        found->status = status;
        touch(act, found->stamp);
        LATCHKEY_TRY_VOID(signing::update(act.db, *found));
        return std::move(*found);
      });
}

Outcome<Profile> Accounts::find_profile(const Where& where, const std::string& account, const std::string& name) {
  return rows_.looked<Profile>([&](Database& db) { return existing_profile(db, where, account, name); });
}

Outcome<std::vector<Profile>> Accounts::list_profiles(const Where& where, const std::string& account) {
  return rows_.looked<std::vector<Profile>>([&](Database& db) -> Outcome<std::vector<Profile>> {
    LATCHKEY_TRY(parent, existing_account(db, where, account, Reason::kParentNotFound));
    return profiles_of(db, parent.uuid);
  });
}

Outcome<PlacedProfile> Accounts::place_of(const std::string& account, const std::string& profile) {
  return rows_.looked<PlacedProfile>([&](Database& db) -> Outcome<PlacedProfile> {
    LATCHKEY_TRY(parent, find_account(db, account));
    if (!parent) return refuse(Reason::kNotFound, "there is no signing account '" + account + "'");
    LATCHKEY_TRY(found, signing::find_profile(db, parent->uuid, profile));
    if (!found) return refuse(Reason::kNotFound, "there is no certificate profile '" + profile + "'");
    LATCHKEY_TRY(validation, find_validation(db, found->validation));
    return PlacedProfile{std::move(*parent), std::move(*found), std::move(validation)};
  });
}

}  // namespace latchkey::registry::signing
