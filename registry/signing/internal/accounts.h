// SPDX-License-Identifier: Apache-2.0
// What rules about accounts, profiles and validations share.
#pragma once

#include "registry/operations/rows.h"
#include "registry/signing/model.h"

namespace latchkey::registry::signing {

std::string account_path(const std::string& name);  // as audit records have it
// `missing`: the reason when it is not there, or lies elsewhere.
Outcome<Account> existing_account(store::Database& db, const Where& where, const std::string& name, Reason missing);

}  // namespace latchkey::registry::signing
