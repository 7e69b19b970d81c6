// SPDX-License-Identifier: Apache-2.0
// The body of a register request. SDKs send anything from nothing to {"registrationId","payload","csr"}.
#pragma once

#include <optional>
#include <string>

#include "platform/base/bytes.h"
#include "registry/model/refusal.h"

namespace latchkey::hub::provisioning {

inline constexpr std::size_t kMaxMessage = 96 * 1024;  // the real service's limit
inline constexpr std::size_t kMaxCsr = 8192;           // characters of base64

struct RegisterBody {
  std::optional<std::string> registration_id;
  std::optional<std::string> csr;
};

// An empty body (or one of white space) is an empty object; members that are unknown are passed over, `null` counts as
// absent. kMalformedRequest: not JSON, no object, too large or too deep, a known member of another type.
registry::Outcome<RegisterBody> read_register_body(ByteView body);

}  // namespace latchkey::hub::provisioning
