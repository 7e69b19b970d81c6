// SPDX-License-Identifier: Apache-2.0
// Policies with a root of their own, as the API shows and refuses them. What is checked of a chain is hub/ca's: here
// that part is played.
#include <gmock/gmock.h>

#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::management {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class OwnRootsTest : public ManagementTest {
 protected:
  const std::string kOwn = kPolicies + "/own";
  static json body(const json& own_root) {
    return {
        {"properties", {{"certificate", {{"certificateAuthorityConfiguration", {{"bringYourOwnRoot", own_root}}}}}}}};
  }
  static json own_root(const Seen& seen) {
    return seen.body.value(
        json::json_pointer("/properties/certificate/certificateAuthorityConfiguration/bringYourOwnRoot"), json());
  }
  void make_own() {
    furnish();
    ASSERT_EQ(put(kOwn, body({{"enabled", true}})).status, 201);
  }
  Seen activate(const std::string& chain = "PEM") {
    return post(kOwn + "/activateBringYourOwnRoot", {{"certificateChain", chain}});
  }
};

// Rows: R-5-04, R-5-14
TEST_F(OwnRootsTest, new_one_shows_its_csr_and_waits_for_no_gate) {
  furnish();
  const auto created = put(kOwn, body({{"enabled", true}}));
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(own_root(created)["enabled"], true);
  EXPECT_EQ(own_root(created)["status"], "PendingActivation");
  EXPECT_THAT(own_root(created)["certificateSigningRequest"].get<std::string>(),
              StartsWith("-----BEGIN CERTIFICATE REQUEST-----\n"));
  EXPECT_TRUE(own_root(created)["issuingCertificateThumbprint"].is_null());
  const auto authority = created.body["properties"]["certificate"]["certificateAuthorityConfiguration"];
  EXPECT_TRUE(authority["thumbprint"].is_null());
  EXPECT_TRUE(authority["validityNotAfter"].is_null());
  EXPECT_EQ(get(kOwn).body, created.body);
  EXPECT_EQ(get(kPolicies).body["value"].size(), 2u);
  const auto cas = get("/certificateAuthorities").body["value"];
  const auto pending = std::find_if(cas.begin(), cas.end(), [](const json& ca) { return ca["status"] == "pending"; });
  ASSERT_NE(pending, cas.end());
  EXPECT_TRUE((*pending)["certificate"].is_null());
  EXPECT_TRUE((*pending)["issuer"].is_null());
}

TEST_F(OwnRootsTest, standard_policies_show_nothing_of_it) {
  furnish();
  EXPECT_TRUE(own_root(get(kPolicies + "/pol")).is_null());
  EXPECT_TRUE(own_root(put(kPolicies + "/not-own", body({{"enabled", false}}))).is_null());
}

// Rows: R-5-04
TEST_F(OwnRootsTest, malformed_wishes_are_refused) {
  furnish();
  EXPECT_EQ(put(kOwn, body({{"enabled", "yes"}})).code(), "BadRequest");
  EXPECT_EQ(put(kOwn, body(true)).code(), "BadRequest");
  EXPECT_EQ(get(kOwn).status, 404);
  EXPECT_THAT(events(), IsEmpty());
}

// Rows: R-5-04
TEST_F(OwnRootsTest, status_that_is_sent_along_decides_nothing) {
  furnish();
  ASSERT_EQ(put(kOwn, body({{"enabled", true}, {"status", "Active"}})).status, 201);
  EXPECT_EQ(own_root(get(kOwn))["status"], "PendingActivation");
}

// Rows: R-5-03
TEST_F(OwnRootsTest, it_never_changes_afterwards) {
  make_own();
  EXPECT_EQ(patch(kOwn, body({{"enabled", false}})).code(), "ImmutableProperty");
  EXPECT_EQ(patch(kPolicies + "/pol", body({{"enabled", true}})).code(), "ImmutableProperty");
}

TEST_F(OwnRootsTest, key_of_a_refused_creation_is_destroyed) {
  make_own();
  events();
  EXPECT_EQ(put(kOwn, body({{"enabled", true}})).code(), "ResourceAlreadyExists");
  EXPECT_THAT(events(), ElementsAre("make key-4", "destroy key-4"));
}

// Rows: R-5-04, R-5-14, R-6-13
TEST_F(OwnRootsTest, activation_shows_the_thumbprint_and_syncs_nothing) {
  make_own();
  events();
  const auto activated = activate("the chain");
  EXPECT_EQ(activated.status, 200);
  EXPECT_EQ(own_root(activated)["status"], "Active");
  EXPECT_TRUE(own_root(activated)["certificateSigningRequest"].is_null());
  EXPECT_EQ(own_root(activated)["issuingCertificateThumbprint"].get<std::string>().size(), 64u);
  EXPECT_THAT(events(), ElementsAre("check the chain", "crl due"));
  EXPECT_EQ(get("/hubs/hub/certificates").body["value"].size(), 1u) << "of the standard policy";
  EXPECT_EQ(post(kCredential + "/synchronize").body["added"], 1);
}

// Rows: R-3-17, R-6-14
TEST_F(OwnRootsTest, bad_chain_is_refused_audited_and_changes_nothing) {
  make_own();
  const auto before = get(kOwn).body;
  played.chain_refusal = registry::Refusal{Reason::kCertificateRejected, "rule 6: keyUsage is missing"};
  const auto refused = activate();
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.code(), "CertificateRejected");
  EXPECT_EQ(refused.body["error"]["message"], "rule 6: keyUsage is missing");
  EXPECT_EQ(newest_audit()["action"], "policy.activate");
  EXPECT_EQ(newest_audit()["outcome"], "certificate rejected");
  EXPECT_THAT(newest_audit()["detail"].get<std::string>(), HasSubstr("rule 6"));
  played.chain_refusal = registry::Refusal{Reason::kCertificateSubjectMismatch, "rule 2: the subject is not the CSR's"};
  EXPECT_EQ(activate().code(), "CertificateSubjectMismatch");
  EXPECT_EQ(get(kOwn).body, before);
}

// Rows: R-3-16
TEST_F(OwnRootsTest, activation_where_nothing_waits_is_refused_without_looking_at_the_chain) {
  make_own();
  ASSERT_EQ(activate().status, 200);
  events();
  EXPECT_EQ(activate().code(), "NoPendingActivation");
  const json chain{{"certificateChain", "PEM"}};
  EXPECT_EQ(post(kPolicies + "/pol/activateBringYourOwnRoot", chain).code(), "BringYourOwnRootNotEnabled");
  EXPECT_EQ(post(kPolicies + "/nobody/activateBringYourOwnRoot", chain).code(), "ResourceNotFound");
  EXPECT_THAT(events(), IsEmpty());
}

// Rows: R-6-12
TEST_F(OwnRootsTest, activation_wants_exactly_a_chain) {
  make_own();
  const auto path = kOwn + "/activateBringYourOwnRoot";
  EXPECT_EQ(post(path).code(), "BadRequest");
  EXPECT_EQ(post(path, {{"certificateChain", 7}}).code(), "BadRequest");
  EXPECT_EQ(post(path, {{"certificateChain", nullptr}}).code(), "BadRequest");
  EXPECT_EQ(post(path, {{"certificateChain", "PEM"}, {"force", true}}).code(), "BadRequest");
  EXPECT_EQ(own_root(get(kOwn))["status"], "PendingActivation");
}

// Rows: R-3-15, R-7-07, R-13-01
TEST_F(OwnRootsTest, revoke_is_refused_by_the_real_services_name) {
  make_own();
  ASSERT_EQ(activate().status, 200);
  events();
  const auto refused = post(kOwn + "/revokeIssuer");
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.code(), "PolicyRevokeNotAllowedForBringYourOwnRoot");
  EXPECT_THAT(events(), IsEmpty()) << "no key is made for it";
}

// Rows: R-7-08, R-13-01
TEST_F(OwnRootsTest, older_flow_makes_it_pending_again) {
  Parts parts{*registry, clock, played, played, played, played};
  parts.own_root_revoke_rotates = true;
  management = std::make_unique<Management>(parts);
  make_own();
  ASSERT_EQ(activate().status, 200);
  const auto csr = own_root(get(kOwn));
  events();
  const auto rotated = post(kOwn + "/revokeIssuer");
  EXPECT_EQ(rotated.status, 200);
  EXPECT_EQ(own_root(rotated)["status"], "PendingActivation");
  EXPECT_TRUE(own_root(rotated)["certificateSigningRequest"].is_string());
  EXPECT_THAT(events(), testing::Contains("cut"));
  EXPECT_EQ(activate().status, 200);
  ASSERT_EQ(put(kPolicies + "/standard").status, 201);
  EXPECT_EQ(post(kPolicies + "/standard/revokeIssuer").status, 200) << "standard policies are replaced as ever";
}

TEST_F(OwnRootsTest, deleting_a_pending_one_destroys_its_key) {
  make_own();
  events();
  EXPECT_EQ(remove(kOwn).status, 204);
  EXPECT_THAT(events(), ElementsAre("destroy key-3", "end deleted"));
}

// Rows: R-7-10
TEST_F(OwnRootsTest, deletion_is_overridden_by_name_in_the_query_alone) {
  make_own();
  ASSERT_EQ(activate().status, 200);
  ASSERT_EQ(put("/enrollments/pump", {{"credentialPolicyName", "own"}}).status, 201);
  const auto refused = remove(kOwn);
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.code(), "PolicyHasEnrollments");
  EXPECT_THAT(refused.body["error"]["message"].get<std::string>(), HasSubstr("'pump'"));
  EXPECT_EQ(remove(kOwn + "?override=pol").code(), "PolicyHasEnrollments");
  EXPECT_EQ(remove(kOwn + "?force=own").code(), "BadRequest");
  EXPECT_EQ(remove(kOwn + "?override=own").status, 204);
}

// Rows: R-13-02
TEST_F(OwnRootsTest, credential_takes_its_last_one_along_by_name) {
  make_own();
  EXPECT_EQ(remove(kCredential + "?override=own").code(), "CredentialHasPolicies");
  ASSERT_EQ(remove(kPolicies + "/pol").status, 204);
  EXPECT_EQ(remove(kCredential).code(), "CredentialHasPolicies");
  events();
  EXPECT_EQ(remove(kCredential + "?override=own").status, 204);
  EXPECT_THAT(events(), ElementsAre("destroy key-3", "end deleted"));
}

}  // namespace
}  // namespace latchkey::hub::management
