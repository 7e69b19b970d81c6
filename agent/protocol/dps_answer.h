// SPDX-License-Identifier: Apache-2.0
// What DPS answers to register and poll, as a device reads it: one model for progress, result and error bodies.
// Unknown members are passed over, `null` counts as absent, of a repeated member the last one counts.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/protocol/certificate_list.h"
#include "agent/protocol/renewal_window.h"

namespace latchkey::agent::dps {

enum class RegistrationStatus : std::uint8_t {
  kAbsent,  // an error body has none
  kUnassigned,
  kAssigning,
  kAssigned,
  kFailed,
  kDisabled,
  kUnknown,  // a word that this version does not know
};

// Views into the body.
struct Answer {
  JsonString operation_id;
  RegistrationStatus status = RegistrationStatus::kAbsent;
  JsonString assigned_hub;
  JsonString device_id;
  CertificateList chain;         // registrationState.issuedCertificateChain
  RenewalWindow renewal_window;  // registrationState.renewalWindow
  std::uint32_t error_code = 0;  // of the body or of registrationState; 0: none given
  JsonString message;            // message or errorMessage
};

// kMalformed: not a JSON object, or a known member of the wrong type; kTooLarge: nested too deep, too many
// certificates.
Result<Answer> parse_answer(std::string_view body);

}  // namespace latchkey::agent::dps
