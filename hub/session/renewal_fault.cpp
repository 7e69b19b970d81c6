// SPDX-License-Identifier: Apache-2.0
#include "hub/session/internal/renewal_fault.h"

namespace latchkey::hub::session {

using registry::Reason;

namespace {

constexpr int kBadCsr = 400040;
constexpr int kServiceFault = 500001;

}  // namespace

RenewalFault fault_of(const registry::Refusal& refusal, const Options& options) {
  RenewalFault fault;
  fault.code = registry::faces(refusal.reason).hub_error;
  if (fault.code == 0) fault.code = kServiceFault;
  // The session is about to be cut: its device was revoked, or made anew, since it opened.
  if (refusal.reason == Reason::kIdentifierMismatch) fault.code = kDeviceGone;
  fault.message = refusal.detail;
  if (fault.code == kBadCsr) {
    fault.info.credential_error = refusal.reason == Reason::kCsrUnreadable ? "FailedToDecodeCsr" : "InvalidCsr";
    fault.info.credential_message = refusal.detail;
  }
  if (fault.status() == 429) fault.retry_after_s = options.throttle_retry_s;
  if (fault.status() == 500) fault.retry_after_s = options.fault_retry_s;
  if (fault.status() == 503) fault.retry_after_s = options.unavailable_retry_s;
  return fault;
}

}  // namespace latchkey::hub::session
