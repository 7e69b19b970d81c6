// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/ca_acts.h"

namespace latchkey::hub::management {

registry::KeyProfile read_key_profile(Fields& fields, const Context& context) {
  const auto text = fields.text("keyProfile");
  if (!text) return context.parts.insight.status().key_profile;
  const auto profile = registry::parse_key_profile(*text);
  if (!profile) {
    fields.refuse(registry::Reason::kInvalidArgument, "is not a key profile; there are ec-p256 and ec-p384",
                  "keyProfile");
  }
  return profile.value_or(registry::KeyProfile::kEcP256);
}

tl::unexpected<Fault> ca_refused(const Context& context, const std::string& action, const std::string& resource,
                                 const registry::Refusal& refusal) {
  // Is the record not written, the refusal stands all the same: nothing was done.
  (void)context.registry().audit(context.call, action, resource.substr(1),
                                 std::string(registry::to_string(refusal.reason)), refusal.detail);
  return tl::unexpected<Fault>(Fault(refusal));
}

std::string pending_key(const Context& context, const std::string& ns, const std::string& policy) {
  const auto found = context.registry().find_policy(ns, policy);
  if (!found || !found->own_root) return {};
  const auto pending = context.registry().pending_ca(found->uuid);
  return pending && *pending ? (*pending)->key_ref : std::string();
}

void destroy_if_any(const Context& context, const std::string& key_ref) {
  if (!key_ref.empty()) context.parts.ca.destroy_key(key_ref);
}

registry::Call overriding_call(const Context& context) {
  registry::Call call = context.call;
  call.override_name = context.query_value("override").value_or("");
  return call;
}

}  // namespace latchkey::hub::management
