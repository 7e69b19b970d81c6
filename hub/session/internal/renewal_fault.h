// SPDX-License-Identifier: Apache-2.0
// Why a renewal is refused, as a device is told: an error code whose first three digits are the status, a message, what
// `info` carries, and how long to wait.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "hub/session/internal/renewal_text.h"
#include "hub/session/session.h"

namespace latchkey::hub::session {

inline constexpr int kBadRequest = 400001;
inline constexpr int kInProgress = 409005;
inline constexpr int kNothingPending = 412001;
inline constexpr int kThrottled = 429002;
inline constexpr int kDeviceGone = 503102;

struct RenewalFault {
  int code = 0;
  std::string message;
  ErrorInfo info;
  std::optional<std::uint32_t> retry_after_s;

  int status() const { return code / 1000; }
};

// What a refusal of the registry, the CA or the gates is to a device.
RenewalFault fault_of(const registry::Refusal& refusal, const Options& options);

}  // namespace latchkey::hub::session
