// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;
using testing::Not;

class EnrollmentsTest : public ManagementTest {
 protected:
  EnrollmentsTest() { furnish(); }
  json keys(const std::string& path) { return post(path + "/attestationmechanism").body["symmetricKey"]; }
};

json x509(bool group, const std::string& pem) {
  return {
      {"attestation",
       {{"type", "x509"},
        {"x509", {{group ? "signingCertificates" : "clientCertificates", {{"primary", {{"certificate", pem}}}}}}}}}};
}

TEST_F(EnrollmentsTest, enrollment_without_keys_gets_two_of_64_random_bytes) {
  ASSERT_EQ(put("/enrollments/pump-7", {{"credentialPolicyName", "pol"}}).status, 201);
  ASSERT_EQ(put("/enrollments/pump-8").status, 201);
  const auto first = keys("/enrollments/pump-7");
  const auto second = keys("/enrollments/pump-8");
  EXPECT_EQ(first["primaryKey"].get<std::string>().size(), 88u);  // 64 bytes in base64
  EXPECT_NE(first["primaryKey"], first["secondaryKey"]);
  EXPECT_NE(first["primaryKey"], second["primaryKey"]);
}

// Rows: R-10-06
TEST_F(EnrollmentsTest, keys_that_are_given_are_kept_and_shown_by_that_one_call_only) {
  const std::string primary = "AAAAAAAAAAAAAAAAAAAAAA==";  // 16 bytes
  const json body = {{"attestation", {{"type", "symmetricKey"}, {"symmetricKey", {{"primaryKey", primary}}}}}};
  const auto created = put("/enrollmentGroups/fleet", body);
  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_THAT(created.body.dump(), Not(HasSubstr(primary)));
  EXPECT_THAT(get("/enrollmentGroups/fleet").body.dump(), Not(HasSubstr(primary)));
  EXPECT_THAT(get("/enrollmentGroups").body.dump(), Not(HasSubstr(primary)));
  EXPECT_EQ(keys("/enrollmentGroups/fleet")["primaryKey"], primary);
  EXPECT_THAT(get("/audit?top=100").body.dump(), Not(HasSubstr(primary)));
}

TEST_F(EnrollmentsTest, reading_keys_is_audited_and_refused_when_it_cannot_be) {
  put("/enrollments/pump-7");
  keys("/enrollments/pump-7");
  EXPECT_EQ(newest_audit()["action"], "enrollment.read_keys");
  EXPECT_EQ(newest_audit()["resource"], "enrollments/pump-7");
  registry->close();
  const auto refused = post("/enrollments/pump-7/attestationmechanism");
  EXPECT_EQ(refused.status, 503);
  EXPECT_FALSE(refused.body.contains("symmetricKey"));
}

TEST_F(EnrollmentsTest, bad_keys_are_refused_by_name) {
  for (const char* key : {"AAAA", "no base64", "", "AAAAAAAAAAAAAAAAAAAAAA"}) {
    const json body = {{"attestation", {{"type", "symmetricKey"}, {"symmetricKey", {{"secondaryKey", key}}}}}};
    const auto seen = put("/enrollments/pump-7", body);
    EXPECT_EQ(seen.status, 400) << key;
    EXPECT_EQ(seen.target(), "attestation.symmetricKey.secondaryKey") << key;
  }
  EXPECT_EQ(get("/enrollments/pump-7").status, 404);
}

TEST_F(EnrollmentsTest, individual_and_group_of_one_name_are_two) {
  EXPECT_EQ(put("/enrollments/pump-7").body["registrationId"], "pump-7");
  EXPECT_EQ(put("/enrollmentGroups/pump-7").body["enrollmentGroupId"], "pump-7");
  EXPECT_EQ(get("/enrollments").body["value"].size(), 1u);
  EXPECT_EQ(remove("/enrollments/PUMP-7").status, 204);  // ids compare case-insensitively
  EXPECT_EQ(get("/enrollmentGroups/pump-7").status, 200);
}

// Rows: R-10-11
TEST_F(EnrollmentsTest, x509_takes_a_leaf_for_one_device_and_a_ca_for_a_group) {
  const auto leaf = certificate_pem(Kind::kLeaf);
  const auto ca = certificate_pem(Kind::kCa);
  const auto individual = put("/enrollments/pump-7", x509(false, leaf));
  ASSERT_EQ(individual.status, 201) << individual.body;
  const auto& primary = individual.body["attestation"]["x509"]["clientCertificates"]["primary"];
  EXPECT_EQ(primary["certificate"], leaf);
  EXPECT_EQ(primary["info"]["subjectName"], "CN=pump-7");
  EXPECT_EQ(put("/enrollmentGroups/fleet", x509(true, ca)).status, 201);
  EXPECT_EQ(put("/enrollments/pump-8", x509(false, ca)).code(), "InvalidArgument");
  EXPECT_EQ(put("/enrollmentGroups/other", x509(true, leaf)).code(), "InvalidArgument");
  EXPECT_EQ(post("/enrollments/pump-7/attestationmechanism").body["type"], "x509");
}

TEST_F(EnrollmentsTest, x509_that_is_no_single_certificate_is_refused_by_name) {
  const auto leaf = certificate_pem(Kind::kLeaf);
  for (const std::string& pem : {std::string("junk"), std::string(), leaf + leaf, leaf.substr(0, leaf.size() / 2)}) {
    const auto seen = put("/enrollments/pump-7", x509(false, pem));
    EXPECT_EQ(seen.code(), "InvalidArgument");
    EXPECT_EQ(seen.target(), "attestation.x509.clientCertificates.primary.certificate");
  }
  const auto missing = put("/enrollments/pump-7", {{"attestation", {{"type", "x509"}}}});
  EXPECT_EQ(missing.code(), "BadRequest");
  EXPECT_EQ(missing.target(), "attestation.x509.clientCertificates.primary.certificate");
}

TEST_F(EnrollmentsTest, policy_that_is_missing_is_refused) {
  EXPECT_EQ(put("/enrollments/pump-7", {{"credentialPolicyName", "gone"}}).status, 404);
  put("/enrollments/pump-7");
  EXPECT_EQ(patch("/enrollments/pump-7", {{"credentialPolicyName", "gone"}}).status, 404);
}

// Rows: R-10-12, R-10-13, R-10-28
TEST_F(EnrollmentsTest, update_repoints_and_disables_and_touches_nothing_else) {
  put("/enrollments/pump-7", {{"credentialPolicyName", "pol"}});
  EXPECT_EQ(patch("/enrollments/pump-7", {{"provisioningStatus", "disabled"}}).body["provisioningStatus"], "disabled");
  EXPECT_EQ(get("/enrollments/pump-7").body["credentialPolicyName"], "pol");
  EXPECT_EQ(patch("/enrollments/pump-7", {{"credentialPolicyName", nullptr}}).body["credentialPolicyName"], "");
  EXPECT_EQ(patch("/enrollments/pump-7", json::object()).code(), "BadRequest");
  const auto refused = patch("/enrollments/pump-7", {{"deviceId", "other"}});
  EXPECT_EQ(refused.code(), "ImmutableProperty");
  EXPECT_EQ(refused.target(), "deviceId");
}

TEST_F(EnrollmentsTest, id_in_the_body_must_be_the_one_in_the_path) {
  EXPECT_EQ(put("/enrollments/pump-7", {{"registrationId", "pump-7"}}).status, 201);
  EXPECT_EQ(put("/enrollments/pump-8", {{"registrationId", "pump-7"}}).target(), "registrationId");
}

// Rows: R-10-08
TEST_F(EnrollmentsTest, ids_outside_the_registration_pattern_are_refused) {
  for (const char* id : {"-pump", "pump-", "pu%20mp", "p%23", "p%2B"}) {
    EXPECT_EQ(put(std::string("/enrollments/") + id).code(), "InvalidResourceName") << id;
  }
}

TEST_F(EnrollmentsTest, enrollment_that_is_missing_is_refused_by_every_act) {
  for (const std::string noun : {"/enrollments/", "/enrollmentGroups/"}) {
    EXPECT_EQ(get(noun + "gone").status, 404);
    EXPECT_EQ(remove(noun + "gone").status, 404);
    EXPECT_EQ(patch(noun + "gone", {{"provisioningStatus", "enabled"}}).status, 404);
    EXPECT_EQ(post(noun + "gone/attestationmechanism").status, 404);
  }
  EXPECT_EQ(get("/registrations/gone").status, 404);
}

}  // namespace
}  // namespace latchkey::hub::management
