// SPDX-License-Identifier: Apache-2.0
// The handlers, one noun a file, and what each of them is given. The table in router.cpp says which path and method
// lead where; a handler reads its request, calls one operation, sees to its enforcement and tells the result.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hub/management/internal/answer.h"
#include "hub/management/internal/resource_id.h"
#include "hub/management/management.h"

namespace latchkey::hub::management {

// The faces of the API (internal/face.h).
enum class Face : std::uint8_t { kShort, kArm, kService };

class Throttles;

struct Context {
  const Parts& parts;
  std::mutex& ca_acts;  // held from the making of a CA to the commit of its row, and while a CA's owner is deleted
  registry::Call call;
  const std::string& body;
  std::vector<std::string> names;                          // what stands in the path's {}
  std::vector<std::pair<std::string, std::string>> query;  // only names that the route knows
  std::string if_match = {};
  Place place = {};
  Face face = Face::kShort;
  const Request* request = nullptr;
  Throttles* throttles = nullptr;  // internal/throttles.h; without: nothing is counted

  registry::Registry& registry() const { return parts.registry; }
  std::optional<std::string> query_value(const std::string& name) const;
  bool arm() const { return face == Face::kArm; }
  // The path that was asked for with another query: absolute where the caller has an authority to go to.
  std::string link(const std::string& query) const;
  // "top" or "$top", between 1 and `most`; `usual` when it is not given.
  Answer<std::size_t> top(std::size_t usual, std::size_t most) const;
};

using Handler = Answer<Response> (*)(const Context&);

Answer<Response> list_namespaces(const Context& context);
Answer<Response> show_namespace(const Context& context);
Answer<Response> create_namespace(const Context& context);
Answer<Response> update_namespace(const Context& context);
Answer<Response> delete_namespace(const Context& context);

Answer<Response> show_credential(const Context& context);
Answer<Response> create_credential(const Context& context);
Answer<Response> update_credential(const Context& context);
Answer<Response> delete_credential(const Context& context);
Answer<Response> sync_credential(const Context& context);

Answer<Response> list_policies(const Context& context);
Answer<Response> show_policy(const Context& context);
Answer<Response> create_policy(const Context& context);
Answer<Response> update_policy(const Context& context);
Answer<Response> revoke_policy(const Context& context);
Answer<Response> activate_own_root(const Context& context);
Answer<Response> delete_policy(const Context& context);

Answer<Response> list_devices(const Context& context);
Answer<Response> show_device(const Context& context);
Answer<Response> create_device(const Context& context);
Answer<Response> update_device(const Context& context);
Answer<Response> revoke_device(const Context& context);
Answer<Response> delete_device(const Context& context);
Answer<Response> list_device_certificates(const Context& context);
Answer<Response> send_message(const Context& context);
Answer<Response> list_messages(const Context& context);
Answer<Response> purge_messages(const Context& context);

Answer<Response> show_twin(const Context& context);
Answer<Response> update_twin(const Context& context);
Answer<Response> replace_twin(const Context& context);
Answer<Response> invoke_method(const Context& context);

// Individual enrollments and groups differ in names only; false and true are the registry's `group`.
template <bool kGroup>
Answer<Response> list_enrollments(const Context& context);
template <bool kGroup>
Answer<Response> show_enrollment(const Context& context);
template <bool kGroup>
Answer<Response> create_enrollment(const Context& context);
template <bool kGroup>
Answer<Response> update_enrollment(const Context& context);
template <bool kGroup>
Answer<Response> delete_enrollment(const Context& context);
template <bool kGroup>
Answer<Response> show_attestation(const Context& context);

Answer<Response> list_hubs(const Context& context);
Answer<Response> show_hub(const Context& context);
Answer<Response> create_hub(const Context& context);
Answer<Response> update_hub(const Context& context);
Answer<Response> delete_hub(const Context& context);
Answer<Response> list_hub_certificates(const Context& context);
Answer<Response> show_hub_certificate(const Context& context);
Answer<Response> delete_hub_certificate(const Context& context);
// What the real service has for customers' own CA certificates: always refused (docs/deviations.md).
Answer<Response> upload_hub_certificate(const Context& context);
Answer<Response> prove_hub_certificate(const Context& context);

Answer<Response> list_cas(const Context& context);
Answer<Response> show_ca(const Context& context);

Answer<Response> list_provisioning_services(const Context& context);
Answer<Response> show_provisioning_service(const Context& context);
Answer<Response> update_provisioning_service(const Context& context);

Answer<Response> list_registrations(const Context& context);
Answer<Response> show_registration(const Context& context);
Answer<Response> delete_registration(const Context& context);
Answer<Response> query_registrations(const Context& context);
template <bool kGroup>
Answer<Response> change_enrollments(const Context& context);
template <bool kGroup>
Answer<Response> query_enrollments(const Context& context);

Answer<Response> list_identities(const Context& context);
Answer<Response> show_identity(const Context& context);
Answer<Response> put_identity(const Context& context);
Answer<Response> delete_identity(const Context& context);
Answer<Response> query_identities(const Context& context);
Answer<Response> change_identities(const Context& context);
Answer<Response> show_statistics(const Context& context);

Answer<Response> show_openapi(const Context& context);

Answer<Response> list_principals(const Context& context);
Answer<Response> show_principal(const Context& context);
Answer<Response> create_principal(const Context& context);
Answer<Response> revoke_principal(const Context& context);
Answer<Response> delete_principal(const Context& context);

Answer<Response> list_role_definitions(const Context& context);
Answer<Response> show_role_definition(const Context& context);
Answer<Response> create_role_definition(const Context& context);
Answer<Response> delete_role_definition(const Context& context);
Answer<Response> list_role_assignments(const Context& context);
Answer<Response> create_role_assignment(const Context& context);
Answer<Response> delete_role_assignment(const Context& context);

Answer<Response> list_audit(const Context& context);
Answer<Response> show_audit_head(const Context& context);
Answer<Response> verify_audit(const Context& context);

Answer<Response> list_decisions(const Context& context);
Answer<Response> count_decisions(const Context& context);
Answer<Response> show_status(const Context& context);

Answer<Response> show_expiry(const Context& context);
Answer<Response> list_expiring(const Context& context);

Answer<Response> show_operation_status(const Context& context);
Answer<Response> show_operation_result(const Context& context);

}  // namespace latchkey::hub::management
