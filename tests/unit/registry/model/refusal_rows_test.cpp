// SPDX-License-Identifier: Apache-2.0
// The error codes that clients of the real service know, and those that we had to name ourselves: a client's script
// compares them, so none may change unnoticed.
#include <gtest/gtest.h>

#include "registry/model/refusal.h"

namespace latchkey::registry {
namespace {

struct Named {
  Reason reason;
  const char* code;
  int http_status;
};

void expect_named(const Named& named) {
  EXPECT_EQ(faces(named.reason).arm_code, named.code);
  EXPECT_EQ(faces(named.reason).http_status, named.http_status) << named.code;
}

// Rows: R-3-15, R-3-16, R-3-17, R-3-18, R-3-19
TEST(RefusalNames, those_of_the_real_service_are_its_own) {
  const Named all[] = {{Reason::kByorRevokeNotAllowed, "PolicyRevokeNotAllowedForBringYourOwnRoot", 409},
                       {Reason::kByorNotEnabled, "BringYourOwnRootNotEnabled", 409},
                       {Reason::kCertificateSubjectMismatch, "CertificateSubjectMismatch", 400},
                       {Reason::kParentNotFound, "ParentResourceNotFound", 404},
                       {Reason::kNotFound, "ResourceNotFound", 404}};
  for (const auto& named : all) expect_named(named);
}

// Rows: R-2-03, R-3-21
TEST(RefusalNames, those_of_our_own_stay) {
  const Named all[] = {{Reason::kCredentialHasPolicies, "CredentialHasPolicies", 409},
                       {Reason::kInvalidName, "InvalidResourceName", 400},
                       {Reason::kInvalidValidityPeriod, "InvalidValidityPeriod", 400},
                       {Reason::kImmutableProperty, "ImmutableProperty", 400},
                       {Reason::kCertificateRejected, "CertificateRejected", 400},
                       {Reason::kNoPendingActivation, "NoPendingActivation", 409},
                       {Reason::kUnsupportedApiVersion, "NoSupportedApiVersion", 400},
                       {Reason::kOperationInProgress, "OperationInProgress", 409},
                       {Reason::kUnauthorized, "AuthorizationFailed", 403},
                       {Reason::kPreconditionFailed, "PreconditionFailed", 412},
                       {Reason::kAlreadyExists, "ResourceAlreadyExists", 409}};
  for (const auto& named : all) expect_named(named);
}

}  // namespace
}  // namespace latchkey::registry
