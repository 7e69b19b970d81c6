// SPDX-License-Identifier: Apache-2.0
// The handlers of code signing: the ground that its accounts stand on, accounts, certificate profiles and identity
// validations. The rules are registry/signing's.
#pragma once

#include "hub/management/internal/handlers.h"

namespace latchkey::hub::management {

Answer<Response> list_tenants(const Context& context);
Answer<Response> update_tenant(const Context& context);
Answer<Response> list_providers(const Context& context);
Answer<Response> show_provider(const Context& context);
Answer<Response> register_provider(const Context& context);
Answer<Response> list_groups(const Context& context);
Answer<Response> show_group(const Context& context);
Answer<Response> create_group(const Context& context);
Answer<Response> update_group(const Context& context);
Answer<Response> delete_group(const Context& context);

Answer<Response> check_account_name(const Context& context);
Answer<Response> list_all_accounts(const Context& context);
Answer<Response> list_accounts(const Context& context);
Answer<Response> show_account(const Context& context);
Answer<Response> create_account(const Context& context);
Answer<Response> update_account(const Context& context);
Answer<Response> delete_account(const Context& context);
Answer<Response> suspend_account(const Context& context);

Answer<Response> list_profiles(const Context& context);
Answer<Response> show_profile(const Context& context);
Answer<Response> create_profile(const Context& context);
Answer<Response> delete_profile(const Context& context);
Answer<Response> preview_profile(const Context& context);

Answer<Response> revoke_certificate(const Context& context);
Answer<Response> revoke_certificates(const Context& context);
Answer<Response> hold_revocations(const Context& context);
Answer<Response> settle_revocation(const Context& context);

Answer<Response> list_signing_roots(const Context& context);
Answer<Response> show_signing_root(const Context& context);

Answer<Response> list_validations(const Context& context);
Answer<Response> show_validation(const Context& context);
Answer<Response> create_validation(const Context& context);
Answer<Response> preview_validation(const Context& context);
Answer<Response> renew_validation(const Context& context);
Answer<Response> submit_documents(const Context& context);
Answer<Response> present_proof(const Context& context);
Answer<Response> delete_validation(const Context& context);
Answer<Response> decide_validation(const Context& context);

}  // namespace latchkey::hub::management
