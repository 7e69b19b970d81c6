// SPDX-License-Identifier: Apache-2.0
// The body of an issueCertificate request: {"id","csr","replace"} and nothing else.
#pragma once

#include <string>
#include <string_view>

#include "platform/base/bytes.h"

namespace latchkey::hub::session {

inline constexpr std::string_view kReplaceAny = "*";

struct RenewalBody {
  std::string csr;      // base64, not empty
  std::string replace;  // empty, "*", or a request id
};

struct BodyFault {
  int error_code = 0;  // 400004 or 400006
  std::string message;
};

// `device_id`: whose connection it came on; `id` has to be that. 400006: not JSON; 400004: anything else that is wrong.
Result<RenewalBody, BodyFault> read_renewal_body(ByteView body, std::string_view device_id);

}  // namespace latchkey::hub::session
