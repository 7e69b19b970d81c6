// SPDX-License-Identifier: Apache-2.0
// What a hub answers to issueCertificate, as a device reads it: the body of 202, of 200 and of errors in one model.
// Unknown members are passed over, `null` counts as absent, of a repeated member the last one counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/protocol/certificate_list.h"
#include "agent/protocol/renewal_window.h"

namespace latchkey::agent::hub {

// Views into the body.
struct RenewalAnswer {
  JsonString correlation_id;
  CertificateList certificates;  // 200
  RenewalWindow renewal_window;  // 200
  std::uint32_t error_code = 0;  // errors
  JsonString message;
  JsonString pending_request_id;  // info.requestId: which request is in the way (409)
  JsonString credential_error;    // info.credentialError
  std::optional<std::uint32_t> retry_after_s;
};

Result<RenewalAnswer> parse_renewal_answer(std::string_view body);

// What a device makes of an error.
enum class RenewalAdvice : std::uint8_t {
  kFixRequest,     // asking the same again is of no use; start over later with a new key
  kNewKey,         // the CSR was not liked
  kRemoveReplace,  // `replace` named nothing
  kReplace,        // another request runs: wait, then replace it
  kBackOffLong,    // not set up, no such service, not allowed
  kThrottled,      // from 1 s
  kServiceFault,   // from 5 min
  kUnavailable,    // from 5 s
  kReconnect,      // the device vanished meanwhile
  kProvision,      // no such device
};

// By status and code; both spellings that services have used are known (400037 and 400040, 409004 and 409005). Unknown
// codes are judged by their status.
RenewalAdvice advise(std::uint16_t status, std::uint32_t error_code);

}  // namespace latchkey::agent::hub
