// SPDX-License-Identifier: Apache-2.0
#include "agent/update/reason.h"

namespace latchkey::agent {

std::string_view name_of(Reason reason) {
  switch (reason) {
    case Reason::kGood: return "good";
    case Reason::kUnreadable: return "unreadable";
    case Reason::kContentChanged: return "contentChanged";
    case Reason::kSignatureWrong: return "signatureWrong";
    case Reason::kWrongUsage: return "wrongUsage";
    case Reason::kWrongProfile: return "wrongProfile";
    case Reason::kUntrusted: return "untrusted";
    case Reason::kRevocationUnknown: return "revocationUnknown";
    case Reason::kOutsideValidity: return "outsideValidity";
    case Reason::kRevoked: return "revoked";
    case Reason::kLifetimeOver: return "lifetimeOver";
    case Reason::kClockNotSet: return "clockNotSet";
    case Reason::kWrongBoard: return "wrongBoard";
    case Reason::kTooOld: return "tooOld";
    case Reason::kMissingDependency: return "missingDependency";
    case Reason::kTooLarge: return "tooLarge";
    case Reason::kNotConfirmed: return "notConfirmed";
    case Reason::kStorageFailed: return "storageFailed";
  }
  return "unknown";
}

}  // namespace latchkey::agent
