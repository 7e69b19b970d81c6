// SPDX-License-Identifier: Apache-2.0
// The actions that the routes need, by the names that Azure gives them; what Azure does not have stands below
// Latchkey/. Azure documents none for revokeIssuer, activateBringYourOwnRoot, synchronize, a device's revoke and
// reading its queue of messages: these follow its habits. What lies inside hubs and provisioning services belongs to
// the data plane, where Owner has no say.
#pragma once

#include "hub/management/internal/needs.h"

namespace latchkey::hub::management {

inline constexpr Needs kReadStatus = control("Latchkey/status/read");
// Of an operation that nobody knows; of any other, whoever may do what it did may ask after it (management.cpp).
inline constexpr Needs kReadOperation =
    control("Microsoft.DeviceRegistry/locations/operationStatuses/read", Over::kSubscription);
inline constexpr Needs kReadCa = control("Latchkey/certificateAuthorities/read");
inline constexpr Needs kReadPrincipal = control("Latchkey/principals/read", Over::kEverything);
inline constexpr Needs kWritePrincipal = control("Latchkey/principals/write", Over::kEverything);
inline constexpr Needs kDeletePrincipal = control("Latchkey/principals/delete", Over::kEverything);
inline constexpr Needs kReadAudit = control("Latchkey/audit/read");
inline constexpr Needs kReadExpiry = control("Latchkey/expiry/read");
inline constexpr Needs kReadDecisions = control("Latchkey/decisions/read");

inline constexpr Needs kReadNamespace = control("Microsoft.DeviceRegistry/namespaces/read");
inline constexpr Needs kWriteNamespace = control("Microsoft.DeviceRegistry/namespaces/write");
inline constexpr Needs kDeleteNamespace = control("Microsoft.DeviceRegistry/namespaces/delete");
inline constexpr Needs kReadCredential = control("Microsoft.DeviceRegistry/namespaces/credentials/read");
inline constexpr Needs kWriteCredential = control("Microsoft.DeviceRegistry/namespaces/credentials/write");
inline constexpr Needs kDeleteCredential = control("Microsoft.DeviceRegistry/namespaces/credentials/delete");
inline constexpr Needs kSynchronizeCredential =
    control("Microsoft.DeviceRegistry/namespaces/credentials/synchronize/action");
inline constexpr Needs kReadPolicy = control("Microsoft.DeviceRegistry/namespaces/credentials/policies/read");
inline constexpr Needs kWritePolicy = control("Microsoft.DeviceRegistry/namespaces/credentials/policies/write");
inline constexpr Needs kDeletePolicy = control("Microsoft.DeviceRegistry/namespaces/credentials/policies/delete");
inline constexpr Needs kRevokeIssuer =
    control("Microsoft.DeviceRegistry/namespaces/credentials/policies/revokeIssuer/action");
inline constexpr Needs kActivateOwnRoot =
    control("Microsoft.DeviceRegistry/namespaces/credentials/policies/activateBringYourOwnRoot/action");
inline constexpr Needs kReadDevice = control("Microsoft.DeviceRegistry/namespaces/devices/read");
inline constexpr Needs kWriteDevice = control("Microsoft.DeviceRegistry/namespaces/devices/write");
inline constexpr Needs kDeleteDevice = control("Microsoft.DeviceRegistry/namespaces/devices/delete");
inline constexpr Needs kRevokeDevice = control("Microsoft.DeviceRegistry/namespaces/devices/revoke/action");

inline constexpr Needs kSendMessage = data("Microsoft.Devices/IotHubs/cloudToDeviceMessages/send/action");
inline constexpr Needs kReadMessage = data("Microsoft.Devices/IotHubs/cloudToDeviceMessages/read");
inline constexpr Needs kPurgeMessage = data("Microsoft.Devices/IotHubs/cloudToDeviceMessages/queue/purge/action");
inline constexpr Needs kReadTwin = data("Microsoft.Devices/IotHubs/twins/read");
inline constexpr Needs kWriteTwin = data("Microsoft.Devices/IotHubs/twins/write");
inline constexpr Needs kInvokeMethod = data("Microsoft.Devices/IotHubs/directMethods/invoke/action");
inline constexpr Needs kReadEnrollment = data("Microsoft.Devices/provisioningServices/enrollments/read");
inline constexpr Needs kWriteEnrollment = data("Microsoft.Devices/provisioningServices/enrollments/write");
inline constexpr Needs kDeleteEnrollment = data("Microsoft.Devices/provisioningServices/enrollments/delete");
inline constexpr Needs kShowAttestation =
    data("Microsoft.Devices/provisioningServices/attestationmechanism/details/action");
inline constexpr Needs kReadEnrollmentGroup = data("Microsoft.Devices/provisioningServices/enrollmentGroups/read");
inline constexpr Needs kWriteEnrollmentGroup = data("Microsoft.Devices/provisioningServices/enrollmentGroups/write");
inline constexpr Needs kDeleteEnrollmentGroup = data("Microsoft.Devices/provisioningServices/enrollmentGroups/delete");
inline constexpr Needs kReadHub = control("Microsoft.Devices/IotHubs/read");
inline constexpr Needs kWriteHub = control("Microsoft.Devices/IotHubs/write");
inline constexpr Needs kDeleteHub = control("Microsoft.Devices/IotHubs/delete");
inline constexpr Needs kReadHubCertificate = control("Microsoft.Devices/IotHubs/certificates/read");
inline constexpr Needs kWriteHubCertificate = control("Microsoft.Devices/IotHubs/certificates/write");
inline constexpr Needs kMakeVerificationCode =
    control("Microsoft.Devices/IotHubs/certificates/generateVerificationCode/action");
inline constexpr Needs kVerifyHubCertificate = control("Microsoft.Devices/IotHubs/certificates/verify/action");
inline constexpr Needs kDeleteHubCertificate = control("Microsoft.Devices/IotHubs/certificates/delete");
inline constexpr Needs kReadProvisioningService = control("Microsoft.Devices/provisioningServices/read");
inline constexpr Needs kWriteProvisioningService = control("Microsoft.Devices/provisioningServices/write");
inline constexpr Needs kReadRegistration = data("Microsoft.Devices/provisioningServices/registrationStates/read");

inline constexpr Needs kDeleteRegistration = data("Microsoft.Devices/provisioningServices/registrationStates/delete");
inline constexpr Needs kReadIdentity = data("Microsoft.Devices/IotHubs/devices/read");
inline constexpr Needs kWriteIdentity = data("Microsoft.Devices/IotHubs/devices/write");
inline constexpr Needs kDeleteIdentity = data("Microsoft.Devices/IotHubs/devices/delete");

inline constexpr Needs kReadRoleDefinition =
    control("Microsoft.Authorization/roleDefinitions/read", Over::kSubscription);
inline constexpr Needs kWriteRoleDefinition =
    control("Microsoft.Authorization/roleDefinitions/write", Over::kSubscription);
inline constexpr Needs kDeleteRoleDefinition =
    control("Microsoft.Authorization/roleDefinitions/delete", Over::kSubscription);
inline constexpr Needs kReadRoleAssignment = control("Microsoft.Authorization/roleAssignments/read", Over::kScopeAsked);
inline constexpr Needs kWriteRoleAssignment =
    control("Microsoft.Authorization/roleAssignments/write", Over::kScopeAsked);
inline constexpr Needs kDeleteRoleAssignment =
    control("Microsoft.Authorization/roleAssignments/delete", Over::kScopeAsked);

}  // namespace latchkey::hub::management
