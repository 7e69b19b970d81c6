// SPDX-License-Identifier: Apache-2.0
#include "platform/base/status.h"

namespace latchkey {

std::string_view to_string(Status status) {
  switch (status) {
    case Status::kOk: return "ok";
    case Status::kInvalidArgument: return "invalid argument";
    case Status::kMalformed: return "malformed";
    case Status::kTooLarge: return "too large";
    case Status::kUnsupported: return "unsupported";
    case Status::kRefused: return "refused";
    case Status::kUnauthorized: return "unauthorized";
    case Status::kNotTrusted: return "not trusted";
    case Status::kExpired: return "expired";
    case Status::kNotYetValid: return "not yet valid";
    case Status::kMismatch: return "mismatch";
    case Status::kNotFound: return "not found";
    case Status::kNotReady: return "not ready";
    case Status::kBusy: return "busy";
    case Status::kTimeout: return "timed out";
    case Status::kThrottled: return "throttled";
    case Status::kConnectionLost: return "connection lost";
    case Status::kStorageFailed: return "storage failed";
    case Status::kStorageFull: return "storage full";
    case Status::kCorrupt: return "corrupt";
    case Status::kInternal: return "internal error";
  }
  return "unknown status";
}

}  // namespace latchkey
