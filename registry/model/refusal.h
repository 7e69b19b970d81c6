// SPDX-License-Identifier: Apache-2.0
// The one vocabulary of refusal. Whatever Latchkey refuses, it refuses with a Reason from this list, and one table
// (refusal.cpp) says what each face makes of it: gate, MQTT, DPS, hub renewal, ARM, CLI, audit.
//
// The numbers are written to audit records and to the wire between gate and hub: never renumber.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "platform/base/status.h"

namespace latchkey::registry {

enum class Reason : std::uint8_t {
  kNone = 0,  // not refused

  // Connections, decided by the gate (1 to 39)
  kIdentifierMismatch = 1,  // the certificate's identifier is not the device's current one
  kDeviceUnknown = 2,
  kDeviceDisabled = 3,
  kIssuerNotTrusted = 4,  // no chain to an issuing CA that this hub trusts now
  kExpired = 5,
  kNotYetValid = 6,
  kClientIdMismatch = 7,       // client id, certificate CN and username do not name one device
  kMalformedIdentifier = 8,    // the identifier extension is missing, or not 32 bytes, or not unique
  kNoCredential = 9,           // neither certificate nor token
  kRegistryNotReady = 10,      // no complete state yet: closed without CONNACK
  kMalformedClientId = 11,     // outside the registration pattern
  kProtocolVersion = 12,       // not MQTT 3.1.1
  kTooManyConnections = 13,    // a cap on connections that have not proven themselves
  kSessionHeld = 14,           // a verified provisioning session of that id stands; show its leaf or a valid token
  kCertificateMalformed = 15,  // chain broken in another way than trust or time (signature, constraints)
  kStaleVerdict = 16,          // TLS verdict missing: resumed session or hook bypassed

  // Attestation and provisioning (40 to 69)
  kTokenInvalid = 40,
  kTokenExpired = 41,
  kCertificateNotEnrolled = 42,
  kEnrollmentNotFound = 43,
  kEnrollmentDisabled = 44,
  kRegistrationNotFound = 45,
  kOperationNotFound = 46,
  kPolicyMissing = 47,  // the enrollment or device names a policy that is gone
  kPolicyPendingActivation = 48,
  kNoHub = 49,
  kThrottled = 50,
  kMalformedRequest = 51,  // not JSON, wrong types, missing members
  kUnsupportedApiVersion = 52,
  kCsrUnreadable = 53,  // not base64, not DER, PEM, too large
  kCsrRejected = 54,    // readable, but wrong CN, bad signature, key not allowed
  kIssuanceFailed = 55,
  kRequestInProgress = 56,  // renewal: another request runs
  kNothingToReplace = 57,
  kNotConfigured = 58,  // certificate management is not set up for this device or hub

  // Management (70 to 109)
  kInvalidName = 70,
  kInvalidArgument = 71,
  kAlreadyExists = 72,
  kNotFound = 73,
  kParentNotFound = 74,
  kCredentialHasPolicies = 75,
  kNamespaceNotEmpty = 76,
  kInvalidValidityPeriod = 77,
  kImmutableProperty = 78,
  kPreconditionFailed = 79,
  kUnauthorized = 80,
  kHubHasDevices = 81,
  kByorRevokeNotAllowed = 82,
  kOperationInProgress = 83,
  kIssuerReplaced = 84,              // a new CA is signed by another root than the credential has now: make it anew
  kCertificateRejected = 85,         // the chain for a policy's own root breaks one of the activation rules
  kCertificateSubjectMismatch = 86,  // the same, of the rule that the subject is the CSR's
  kByorNotEnabled = 87,              // the policy's issuing CA is signed by the credential's root
  kNoPendingActivation = 88,         // no CSR of this policy waits for a certificate
  kPolicyHasDevices = 89,            // devices hold live certificates of it
  kPolicyHasEnrollments = 90,        // enabled enrollments name it: certificates could still be issued
  kPolicyLimitReached = 91,          // the credential has as many policies as it may (model/limits.h)
  kDeviceLimitReached = 92,          // the same of a namespace and its devices
  kNotSupported = 93,                // the real service does this and Latchkey does not: the detail says why
  kProviderNotRegistered = 94,       // the subscription has not registered the resource provider
  kGroupNotFound = 95,
  kRegionNotSupported = 96,
  kProfileLimitReached = 97,     // the account has as many profiles of the type as its SKU allows
  kSkuDowngradeBlocked = 98,     // the account has more profiles of a type than the wanted SKU allows
  kValidationNotCompleted = 99,  // a profile needs an identity validation that is completed
  kValidationState = 100,        // an identity validation's state does not allow that event
  kAccountSuspended = 101,
  kCertificateRevoked = 102,  // it was revoked before, and the first revocation stays

  // Ours (110 on)
  kStorage = 110,
  kInternal = 111,
  kShuttingDown = 112,
  kEnforcementTimeout = 113,  // committed, but a gate did not confirm in time
  kDeviceNotOnline = 114,     // a direct method, and the device did not connect in time
  kDeviceSilent = 115,        // it did not answer the direct method in time, or its connection ended before
  kDeviceAnswerUnreadable = 116,
  kGenericServerError = 117,  // what the real service says when it fails in the middle of an act; rehearsed only
  kQueueFull = 118,           // a device has as many cloud-to-device messages waiting as it may
};
inline constexpr int kReasonLimit = 128;  // every Reason is below; counters index by it

// How one Reason looks from each side. Zero or empty where a face never shows it.
struct ReasonFaces {
  Reason reason;
  std::string_view name;      // "identifier mismatch": decisions, audit, tables
  int connack;                // MQTT return code, 0: closed without CONNACK
  int dps_error;              // DPS errorCode; /1000 is the status in the topic
  int hub_error;              // hub (renewal) errorCode; /1000 is the status in the topic
  int http_status;            // management
  std::string_view arm_code;  // management error code
  int exit_status;            // CLI
};
const ReasonFaces& faces(Reason reason);
std::string_view to_string(Reason reason);

// A refusal and the sentence that names the thing and the rule. The detail is shown to callers: no secrets in it.
struct Refusal {
  Reason reason = Reason::kInternal;
  std::string detail;
};

template <class T>
using Outcome = Result<T, Refusal>;
struct Nothing {};  // the value of an act that only succeeds

inline tl::unexpected<Refusal> refuse(Reason reason, std::string detail) {
  return tl::unexpected<Refusal>(Refusal{reason, std::move(detail)});
}

}  // namespace latchkey::registry
