// SPDX-License-Identifier: Apache-2.0
#include "registry/model/refusal.h"

#include <algorithm>
#include <iterator>

namespace latchkey::registry {
namespace {

// Exit status of the CLI by band: 2 bad input, 3 not found, 4 refused, 5 try again, 1 our fault.
constexpr ReasonFaces kFaces[] = {
    // reason, name, CONNACK, DPS, hub, HTTP, ARM, exit
    {Reason::kNone, "accepted", 0, 0, 0, 200, "", 0},
    {Reason::kIdentifierMismatch, "identifier mismatch", 5, 0, 0, 401, "IdentifierMismatch", 4},
    {Reason::kDeviceUnknown, "device unknown", 5, 404201, 404001, 404, "ResourceNotFound", 3},
    {Reason::kDeviceDisabled, "device disabled", 5, 0, 403010, 403, "DeviceDisabled", 4},
    {Reason::kIssuerNotTrusted, "issuer not trusted", 5, 401002, 0, 401, "IssuerNotTrusted", 4},
    {Reason::kExpired, "expired", 5, 401002, 0, 401, "CertificateExpired", 4},
    {Reason::kNotYetValid, "not yet valid", 5, 401002, 0, 401, "CertificateNotYetValid", 4},
    {Reason::kClientIdMismatch, "client id mismatch", 5, 401002, 0, 401, "ClientIdMismatch", 4},
    {Reason::kMalformedIdentifier, "malformed identifier", 5, 0, 0, 401, "MalformedIdentifier", 4},
    {Reason::kNoCredential, "no credential", 5, 401000, 0, 401, "NoCredential", 4},
    {Reason::kRegistryNotReady, "registry not ready", 0, 500001, 503001, 503, "RegistryNotReady", 5},
    {Reason::kMalformedClientId, "malformed client id", 5, 400012, 0, 400, "MalformedClientId", 2},
    {Reason::kProtocolVersion, "protocol version", 5, 0, 0, 400, "ProtocolVersion", 2},
    {Reason::kTooManyConnections, "too many connections", 0, 429001, 429002, 429, "TooManyConnections", 5},
    {Reason::kSessionHeld, "session held", 0, 0, 0, 409, "SessionHeld", 5},
    {Reason::kCertificateMalformed, "certificate malformed", 5, 401002, 0, 401, "CertificateMalformed", 4},
    {Reason::kStaleVerdict, "stale verdict", 5, 0, 0, 401, "StaleVerdict", 4},

    {Reason::kTokenInvalid, "token invalid", 5, 401000, 0, 401, "TokenInvalid", 4},
    {Reason::kTokenExpired, "token expired", 5, 401000, 0, 401, "TokenExpired", 4},
    {Reason::kCertificateNotEnrolled, "certificate not enrolled", 5, 401002, 0, 401, "CertificateNotEnrolled", 4},
    {Reason::kEnrollmentNotFound, "enrollment not found", 5, 404201, 0, 404, "ResourceNotFound", 3},
    {Reason::kEnrollmentDisabled, "enrollment disabled", 5, 0, 403010, 403, "EnrollmentDisabled", 4},
    {Reason::kRegistrationNotFound, "registration not found", 0, 404202, 0, 404, "ResourceNotFound", 3},
    {Reason::kOperationNotFound, "operation not found", 0, 404202, 0, 404, "ResourceNotFound", 3},
    {Reason::kPolicyMissing, "policy missing", 0, 404204, 403010, 404, "PolicyNotFound", 3},
    {Reason::kPolicyPendingActivation, "policy pending activation", 0, 409204, 403010, 409, "PolicyPendingActivation",
     4},
    {Reason::kNoHub, "no hub", 0, 400208, 0, 409, "NoHub", 4},
    {Reason::kThrottled, "throttled", 0, 429001, 429002, 429, "TooManyRequests", 5},
    {Reason::kMalformedRequest, "malformed request", 0, 400012, 400004, 400, "BadRequest", 2},
    {Reason::kUnsupportedApiVersion, "unsupported api-version", 5, 400012, 400001, 400, "NoSupportedApiVersion", 2},
    {Reason::kCsrUnreadable, "CSR unreadable", 0, 400012, 400040, 400, "CsrUnreadable", 2},
    {Reason::kCsrRejected, "CSR rejected", 0, 400040, 400040, 400, "CsrRejected", 4},
    {Reason::kIssuanceFailed, "issuance failed", 0, 500001, 500001, 500, "IssuanceFailed", 1},
    {Reason::kRequestInProgress, "request in progress", 0, 0, 409005, 409, "OperationInProgress", 5},
    {Reason::kNothingToReplace, "nothing to replace", 0, 0, 412001, 412, "PreconditionFailed", 4},
    {Reason::kNotConfigured, "not configured", 0, 0, 412005, 412, "NotConfigured", 4},

    {Reason::kInvalidName, "invalid name", 0, 400012, 0, 400, "InvalidResourceName", 2},
    {Reason::kInvalidArgument, "invalid argument", 0, 400012, 400004, 400, "InvalidArgument", 2},
    {Reason::kAlreadyExists, "already exists", 0, 0, 0, 409, "ResourceAlreadyExists", 4},
    {Reason::kNotFound, "not found", 0, 404201, 404001, 404, "ResourceNotFound", 3},
    {Reason::kParentNotFound, "parent not found", 0, 404201, 0, 404, "ParentResourceNotFound", 3},
    {Reason::kCredentialHasPolicies, "credential has policies", 0, 0, 0, 409, "CredentialHasPolicies", 4},
    {Reason::kNamespaceNotEmpty, "namespace not empty", 0, 0, 0, 409, "NamespaceNotEmpty", 4},
    {Reason::kInvalidValidityPeriod, "invalid validity period", 0, 0, 0, 400, "InvalidValidityPeriod", 2},
    {Reason::kImmutableProperty, "immutable property", 0, 0, 0, 400, "ImmutableProperty", 2},
    {Reason::kPreconditionFailed, "precondition failed", 0, 0, 0, 412, "PreconditionFailed", 4},
    {Reason::kUnauthorized, "unauthorized", 0, 0, 0, 403, "AuthorizationFailed", 4},
    {Reason::kHubHasDevices, "hub has devices", 0, 0, 0, 409, "HubHasDevices", 4},
    {Reason::kByorRevokeNotAllowed, "bring-your-own-root policy", 0, 0, 0, 409,
     "PolicyRevokeNotAllowedForBringYourOwnRoot", 4},
    {Reason::kOperationInProgress, "operation in progress", 0, 0, 0, 409, "OperationInProgress", 5},
    {Reason::kIssuerReplaced, "issuer replaced", 0, 0, 0, 409, "IssuerReplaced", 5},
    {Reason::kCertificateRejected, "certificate rejected", 0, 0, 0, 400, "CertificateRejected", 4},
    {Reason::kCertificateSubjectMismatch, "certificate subject mismatch", 0, 0, 0, 400, "CertificateSubjectMismatch",
     4},
    {Reason::kByorNotEnabled, "no bring-your-own-root policy", 0, 0, 0, 409, "BringYourOwnRootNotEnabled", 4},
    {Reason::kNoPendingActivation, "no pending activation", 0, 0, 0, 409, "NoPendingActivation", 4},
    {Reason::kPolicyHasDevices, "policy has devices", 0, 0, 0, 409, "PolicyHasDevices", 4},
    {Reason::kPolicyHasEnrollments, "policy has enrollments", 0, 0, 0, 409, "PolicyHasEnrollments", 4},
    {Reason::kPolicyLimitReached, "policy limit reached", 0, 0, 0, 409, "PolicyLimitReached", 4},
    {Reason::kDeviceLimitReached, "device limit reached", 0, 400209, 0, 409, "DeviceLimitReached", 4},
    {Reason::kNotSupported, "not supported", 0, 0, 0, 400, "OperationNotSupported", 4},
    {Reason::kProviderNotRegistered, "provider not registered", 0, 0, 0, 409, "MissingSubscriptionRegistration", 4},
    {Reason::kGroupNotFound, "resource group not found", 0, 0, 0, 404, "ResourceGroupNotFound", 3},
    {Reason::kRegionNotSupported, "region not supported", 0, 0, 0, 400, "LocationNotAvailableForResourceType", 2},
    {Reason::kProfileLimitReached, "profile limit reached", 0, 0, 0, 409, "ProfileLimitReached", 4},
    {Reason::kSkuDowngradeBlocked, "SKU downgrade blocked", 0, 0, 0, 409, "SkuDowngradeBlocked", 4},
    {Reason::kValidationNotCompleted, "identity validation not completed", 0, 0, 0, 409,
     "IdentityValidationNotCompleted", 4},
    {Reason::kValidationState, "identity validation state", 0, 0, 0, 409, "IdentityValidationStateConflict", 4},
    {Reason::kAccountSuspended, "account suspended", 0, 0, 0, 409, "AccountSuspended", 4},
    {Reason::kCertificateRevoked, "certificate already revoked", 0, 0, 0, 409, "CertificateAlreadyRevoked", 4},

    {Reason::kStorage, "storage failed", 0, 500002, 500001, 500, "StorageFailed", 1},
    {Reason::kInternal, "internal error", 0, 500001, 500001, 500, "InternalServerError", 1},
    {Reason::kShuttingDown, "shutting down", 0, 500003, 503001, 503, "ServiceUnavailable", 5},
    {Reason::kEnforcementTimeout, "not yet enforced", 0, 500004, 503001, 504, "EnforcementTimeout", 5},
    {Reason::kDeviceNotOnline, "device not online", 0, 0, 404103, 404, "DeviceNotOnline", 5},
    {Reason::kDeviceSilent, "device silent", 0, 0, 504101, 504, "GatewayTimeout", 5},
    {Reason::kDeviceAnswerUnreadable, "device answer unreadable", 0, 0, 502001, 502, "BadDeviceResponse", 4},
    {Reason::kGenericServerError, "generic server error", 0, 500001, 500001, 500, "GenericServerError", 1},
    {Reason::kQueueFull, "queue full", 0, 0, 403004, 403, "DeviceMaximumQueueDepthExceeded", 5},
};

}  // namespace

const ReasonFaces& faces(Reason reason) {
  const auto* found = std::find_if(std::begin(kFaces), std::end(kFaces),
                                   [reason](const ReasonFaces& row) { return row.reason == reason; });
  if (found != std::end(kFaces)) return *found;
  return *std::find_if(std::begin(kFaces), std::end(kFaces),
                       [](const ReasonFaces& row) { return row.reason == Reason::kInternal; });
}

std::string_view to_string(Reason reason) { return faces(reason).name; }

}  // namespace latchkey::registry
