// SPDX-License-Identifier: Apache-2.0
// Resources of code signing as JSON, and what their handlers share.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "hub/management/internal/handlers.h"
#include "registry/signing/accounts.h"
#include "registry/signing/certificates.h"
#include "registry/signing/ground.h"
#include "registry/signing/identity_form.h"
#include "registry/signing/validations.h"

namespace latchkey::hub::management {

// Where the path leads: its group is the first name.
registry::signing::Where where_of(const Context& context);
registry::RowKeeper& rows_of(const Context& context);
// Said after the body was read to its end, so that a member that nobody knows is named before one that nobody gave.
tl::unexpected<Fault> missing_member(const std::string& member);

nlohmann::json group_json(const registry::signing::ResourceGroup& group);
nlohmann::json provider_json(const Context& context, const registry::signing::Provider& provider);
nlohmann::json account_json(const registry::signing::Account& account);
nlohmann::json profile_json(const registry::signing::Where& where, const std::string& account,
                            const registry::signing::Profile& profile);
nlohmann::json certificate_json(const registry::signing::Certificate& certificate, UnixMs now);
nlohmann::json validation_json(const Context& context, const registry::signing::Validation& validation);
// "CN=Contoso Inc, O=Contoso Inc, L=New York, S=New York, C=US"
std::string subject_preview(const registry::signing::Identity& identity, registry::signing::ProfileType type,
                            std::uint32_t includes);

}  // namespace latchkey::hub::management
