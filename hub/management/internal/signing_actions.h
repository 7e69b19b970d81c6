// SPDX-License-Identifier: Apache-2.0
// The actions of code signing and of the ground below it. Those of identity validations belong to the data plane, where
// Owner has no say; what the provider does, no built-in role may (docs/roles.md).
#pragma once

#include "hub/management/internal/needs.h"

namespace latchkey::hub::management {

inline constexpr Needs kReadTenant = control("Latchkey/tenants/read", Over::kSubscription);
inline constexpr Needs kWriteTenant = control("Latchkey/tenants/write", Over::kEverything);
inline constexpr Needs kReadProvider = control("Microsoft.Resources/providers/read", Over::kSubscription);
inline constexpr Needs kRegisterProvider = control("Microsoft.CodeSigning/register/action", Over::kSubscription);
inline constexpr Needs kListGroups =
    control("Microsoft.Resources/subscriptions/resourceGroups/read", Over::kSubscription);
inline constexpr Needs kReadGroup = control("Microsoft.Resources/subscriptions/resourceGroups/read");
inline constexpr Needs kWriteGroup = control("Microsoft.Resources/subscriptions/resourceGroups/write");
inline constexpr Needs kDeleteGroup = control("Microsoft.Resources/subscriptions/resourceGroups/delete");

inline constexpr Needs kCheckAccountName =
    control("Microsoft.CodeSigning/checkNameAvailability/action", Over::kSubscription);
inline constexpr Needs kListAccounts = control("Microsoft.CodeSigning/codeSigningAccounts/read", Over::kSubscription);
inline constexpr Needs kReadAccount = control("Microsoft.CodeSigning/codeSigningAccounts/read");
inline constexpr Needs kWriteAccount = control("Microsoft.CodeSigning/codeSigningAccounts/write");
inline constexpr Needs kDeleteAccount = control("Microsoft.CodeSigning/codeSigningAccounts/delete");
inline constexpr Needs kReadProfile = control("Microsoft.CodeSigning/codeSigningAccounts/certificateProfiles/read");
inline constexpr Needs kWriteProfile = control("Microsoft.CodeSigning/codeSigningAccounts/certificateProfiles/write");
inline constexpr Needs kDeleteProfile = control("Microsoft.CodeSigning/codeSigningAccounts/certificateProfiles/delete");

// Public certificates, of the service as a whole.
inline constexpr Needs kReadSigningRoot = control("Latchkey/signingRoots/read");

// Over the whole subscription: the Owner of an account, or of a group, does not do.
inline constexpr Needs kRevokeCertificate = control(
    "Microsoft.CodeSigning/codeSigningAccounts/certificateProfiles/revokeCertificate/action", Over::kSubscription);

inline constexpr Needs kReadValidation = data("Microsoft.CodeSigning/IdentityVerification/Read");
inline constexpr Needs kWriteValidation = data("Microsoft.CodeSigning/IdentityVerification/Write");
inline constexpr Needs kDeleteValidation = data("Microsoft.CodeSigning/IdentityVerification/Delete");
// Over the subscription, to whom they belong.
inline constexpr Needs kReadAnyValidation = {registry::roles::Plane::kData,
                                             "Microsoft.CodeSigning/IdentityVerification/Read", Over::kSubscription};
inline constexpr Needs kDeleteAnyValidation = {
    registry::roles::Plane::kData, "Microsoft.CodeSigning/IdentityVerification/Delete", Over::kSubscription};
// The provider's own: to verify, to suspend, and to take its time with revocations.
inline constexpr Needs kDecideValidation = {
    registry::roles::Plane::kData, "Latchkey/signingProvider/identityValidations/decide/action", Over::kSubscription};
inline constexpr Needs kSuspendAccount = data("Latchkey/signingProvider/accounts/suspend/action");
inline constexpr Needs kHoldRevocations = {registry::roles::Plane::kData,
                                           "Latchkey/signingProvider/revocations/hold/action", Over::kSubscription};
inline constexpr Needs kSettleRevocation = data("Latchkey/signingProvider/revocations/settle/action");

}  // namespace latchkey::hub::management
