// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/own_root_watch.h"

#include "hub/ca/signing_request.h"

namespace latchkey::hub::app {

using registry::Outcome;

Outcome<int> OwnRootWatch::look() {
  const UnixMs now = clock_();
  LATCHKEY_TRY(due, registry_.due_renewals(now));
  for (const auto& renewal : due) {
    LATCHKEY_TRY(request, ca::make_signing_request(keys_, renewal.policy.key_profile));
    const auto requested =
        registry_.request_renewal({"latchkey up", now}, renewal.namespace_name, renewal.policy.name, request);
    if (requested) continue;
    // Deleted or renewed since it was listed. A key that cannot be removed now is unnamed and goes at the next start.
    (void)keys_.destroy(request.key_ref);
    return fail(requested.error());
  }
  return static_cast<int>(due.size());
}

}  // namespace latchkey::hub::app
