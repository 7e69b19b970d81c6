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

}  // namespace latchkey::hub::management
