// SPDX-License-Identifier: Apache-2.0
// Who asks at the data plane, and what he may. Implemented by whoever knows principals and roles (hub/app). Threads:
// any.
#pragma once

#include <string>
#include <string_view>

#include "hub/signing/service/ports.h"

namespace latchkey::hub::signing {

enum class Right : std::uint8_t {
  kSign,     // data action Microsoft.CodeSigning/certificateProfiles/Sign/action
  kRead,     // EKUs and root certificate: Microsoft.CodeSigning/*/read
  kHistory,  // of signatures: whoever may sign, and the owner
};

class Gatekeeper {
 public:
  struct Caller {
    std::string actor;  // for records: "principal:build-server"
    Uuid principal;
  };
  virtual ~Gatekeeper() = default;
  // By the Authorization field, empty when there is none: a bearer token (RFC 6750). kNoCredential, kTokenInvalid,
  // kTokenExpired.
  virtual Answer<Caller> authenticate(std::string_view field, const std::string& source) = 0;
  // kUnauthorized; also where there is no such account or profile.
  virtual Answer<registry::Nothing> authorize(const Caller& caller, Right right, std::string_view account,
                                              std::string_view profile) = 0;
};

}  // namespace latchkey::hub::signing
