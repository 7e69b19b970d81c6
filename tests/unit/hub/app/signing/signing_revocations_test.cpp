// SPDX-License-Identifier: Apache-2.0
// Revoking certificates of a profile over the management API, with the signing service behind it.
#include "hub/app/signing/signing_revocations.h"

#include "tests/unit/hub/app/signing/signing_world.h"

namespace latchkey::hub::app {
namespace {

using management::Caller;
using management::Seen;
using testing::HasSubstr;

class RevokeCertificate : public SigningWorld {
 protected:
  Seen revoke(const nlohmann::json& order) { return post(kProfile + "/revokeCertificate", order); }
  Seen revoke_several(const nlohmann::json& orders) {
    return post(kProfile + "/revokeCertificates", {{"revokeCertificates", orders}});
  }
  std::string full(const std::string& act, const std::string& version) {
    const std::string group = SigningWorld::group();
    return group.substr(0, group.rfind('/')) + "/rg/providers/Microsoft.CodeSigning" +
           kProfile.substr(kProfile.find("/codeSigningAccounts")) + "/" + act + "?api-version=" + version;
  }
  // With one member given another value, or left out.
  nlohmann::json but(const char* member, const nlohmann::json& value = nullptr) {
    auto changed = order(certificates[0], kFrom);
    changed.erase(member);
    if (!value.is_null()) changed[member] = value;
    return changed;
  }
};

// Rows: S-6-106, S-6-113, S-6-114
TEST_F(RevokeCertificate, is_answered_204_and_shown_in_the_profile) {
  const auto answered =
      ask(Method::kPost, full("revokeCertificate", "2025-10-13"), order(certificates[0], kFrom).dump());
  EXPECT_EQ(answered.status, 204);
  EXPECT_TRUE(answered.body.is_null());
  const auto now = shown();
  EXPECT_EQ(now[0]["status"], "Revoked");
  const nlohmann::json revocation = {{"requestedAt", "2026-11-21T13:02:18.000Z"},
                                     {"effectiveAt", "2026-11-19T18:00:00.000Z"},
                                     {"reason", "KeyCompromised"},
                                     {"remarks", "stolen"},
                                     {"status", "Succeeded"}};
  EXPECT_EQ(now[0]["revocation"], revocation);
  EXPECT_EQ(now[1], certificates[1]);
  EXPECT_EQ(now[2], certificates[2]);
  EXPECT_TRUE(sign());  // the current one is another
  EXPECT_THAT(get("/audit?top=5").body.dump(), HasSubstr("codeSigningAccounts/contoso/certificateProfiles/release"));
}

// Rows: S-6-113
TEST_F(RevokeCertificate, remarks_may_be_left_out_and_have_an_end) {
  EXPECT_EQ(revoke(but("remarks", std::string(1025, 'x'))).status, 400);
  expect_untouched();
  EXPECT_EQ(revoke(but("remarks")).status, 204);
  EXPECT_FALSE(shown()[0]["revocation"].contains("remarks"));
}

// Rows: S-6-107
TEST_F(RevokeCertificate, cannot_be_taken_back_or_changed) {
  ASSERT_EQ(revoke(order(certificates[0], kFrom)).status, 204);
  const auto first = shown();
  const auto again = revoke(order(certificates[0], "2026-11-20T00:00:00Z", "Superseded"));
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.code(), "CertificateAlreadyRevoked");
  EXPECT_EQ(revoke(order(certificates[0], kFrom)).status, 409);
  EXPECT_EQ(shown(), first);
}

// Rows: S-6-108
TEST_F(RevokeCertificate, date_lies_within_the_certificate) {
  EXPECT_EQ(revoke(order(certificates[0], "2026-11-18T00:00:00Z")).status, 400);
  EXPECT_EQ(revoke(order(certificates[0], "2026-12-01T00:00:00Z")).status, 400);
  expect_untouched();
  EXPECT_EQ(revoke(order(certificates[0], "2026-11-19T20:00:00+02:00")).status, 204);  // in any zone
  EXPECT_EQ(shown()[0]["revocation"]["effectiveAt"], "2026-11-19T18:00:00.000Z");
}

TEST_F(RevokeCertificate, bad_requests_are_refused_by_name) {
  for (const char* member : {"serialNumber", "thumbprint", "effectiveAt", "reason"}) {
    const auto answered = revoke(but(member));
    EXPECT_EQ(answered.status, 400) << member;
    EXPECT_EQ(answered.target(), member);
  }
  EXPECT_EQ(revoke(but("effectiveAt", "2026-11-19T18:00:00")).target(), "effectiveAt");  // of which zone?
  EXPECT_EQ(revoke(but("effectiveAt", 1)).target(), "effectiveAt");
  EXPECT_EQ(revoke(but("undo", true)).target(), "undo");
  EXPECT_EQ(revoke(but("reason", "Boredom")).status, 400);
  EXPECT_EQ(revoke(but("serialNumber", "xyz")).status, 400);
  EXPECT_EQ(revoke(but("thumbprint", "12")).status, 400);
  EXPECT_EQ(revoke(but("thumbprint", certificates[1]["thumbprint"])).status, 400);  // of another certificate
  EXPECT_EQ(revoke_several(nlohmann::json::array()).status, 400);
  EXPECT_EQ(revoke_several({1}).target(), "revokeCertificates[0]");
  EXPECT_EQ(revoke_several({order(certificates[0], kFrom), but("reason")}).target(), "revokeCertificates[1].reason");
  EXPECT_EQ(post(kProfile + "/revokeCertificates").target(), "revokeCertificates");
  expect_untouched();
}

TEST_F(RevokeCertificate, what_is_not_there_is_404) {
  auto unknown = order(certificates[0], kFrom);
  unknown["serialNumber"] = "123456";
  unknown["thumbprint"] = std::string(40, 'a');
  EXPECT_EQ(revoke(unknown).status, 404);
  const auto asked = order(certificates[0], kFrom);
  EXPECT_EQ(post(kAccount + "/certificateProfiles/another/revokeCertificate", asked).status, 404);
  EXPECT_EQ(
      post("/resourceGroups/rg/codeSigningAccounts/nobody/certificateProfiles/release/revokeCertificate", asked).status,
      404);
  EXPECT_EQ(
      post("/resourceGroups/latchkey/codeSigningAccounts/contoso/certificateProfiles/release/revokeCertificate", asked)
          .status,
      404);  // that lies in another group
  expect_untouched();
}

// Rows: S-6-115
TEST_F(RevokeCertificate, several_are_revoked_together_or_none) {
  EXPECT_EQ(revoke_several({order(certificates[0], kFrom), order(certificates[1], "2026-12-01T00:00:00Z")}).status,
            400);
  EXPECT_EQ(revoke_several({order(certificates[0], kFrom), order(certificates[0], kFrom)}).status, 400);
  expect_untouched();
  const nlohmann::json both = {
      {"revokeCertificates", {order(certificates[0], kFrom), order(certificates[1], "2026-11-21T00:00:00Z")}}};
  EXPECT_EQ(ask(Method::kPost, full("revokeCertificates", "2026-05-15-preview"), both.dump()).status, 204);
  const auto now = shown();
  EXPECT_EQ(now[0]["status"], "Revoked");
  EXPECT_EQ(now[1]["status"], "Revoked");
  EXPECT_EQ(now[2], certificates[2]);
}

TEST_F(RevokeCertificate, each_form_has_its_api_versions) {
  const auto body = order(certificates[0], kFrom);
  const nlohmann::json several = {{"revokeCertificates", {body}}};
  EXPECT_EQ(ask(Method::kPost, full("revokeCertificate", "2026-05-15-preview"), body.dump()).code(),
            "NoSupportedApiVersion");
  EXPECT_EQ(ask(Method::kPost, full("revokeCertificates", "2025-10-13"), several.dump()).code(),
            "NoSupportedApiVersion");
  expect_untouched();
  EXPECT_EQ(ask(Method::kPost, full("revokeCertificate", "2024-09-30-preview"), body.dump()).status, 204);
}

// Rows: S-6-111
TEST_F(RevokeCertificate, current_one_disables_the_profile) {
  EXPECT_EQ(revoke(order(certificates[2], "2026-11-21T14:00:00Z")).status, 204);
  EXPECT_EQ(get(kProfile).body["properties"]["status"], "Disabled");
  EXPECT_FALSE(sign());
}

// Rows: S-6-73
TEST_F(RevokeCertificate, takes_an_owner_of_the_subscription) {
  const auto subscription = SigningWorld::group().substr(0, SigningWorld::group().rfind("/resourceGroups"));
  const auto account = subscription + "/resourceGroups/rg/providers/Microsoft.CodeSigning/codeSigningAccounts/contoso";
  const auto body = order(certificates[0], kFrom);
  const auto status = [&](const Caller& caller, const std::string& act = "revokeCertificate") {
    const auto asked = act == "revokeCertificate" ? body : nlohmann::json{{"revokeCertificates", {body}}};
    return ask_as(caller, Method::kPost, kProfile + "/" + act, asked).status;
  };
  const Caller refused[] = {
      person("nobody"),
      person("of-group", "Owner", subscription + "/resourceGroups/rg"),
      person("of-account", "Owner", account),
      person("of-profile", "Owner", account + "/certificateProfiles/release"),
      person("contributor", "Contributor", subscription),
      person("reader", "Reader", "/"),
      person("administrator", "User Access Administrator", subscription),
      person("verifier", "Artifact Signing Identity Verifier", subscription),
      person("signer", "Artifact Signing Certificate Profile Signer", subscription),
  };
  for (const auto& caller : refused) {
    EXPECT_EQ(status(caller), 403) << caller.name;
    EXPECT_EQ(status(caller, "revokeCertificates"), 403) << caller.name;
  }
  expect_untouched();
  EXPECT_EQ(status(person("owner", "Owner", subscription)), 204);
}

// Rows: S-6-74
TEST_F(RevokeCertificate, provider_with_a_role_of_its_own_may_too) {
  const auto subscription = SigningWorld::group().substr(0, SigningWorld::group().rfind("/resourceGroups"));
  const nlohmann::json role = {
      {"properties",
       {{"actions", {"Microsoft.CodeSigning/codeSigningAccounts/certificateProfiles/revokeCertificate/action"}},
        {"assignableScopes", {subscription}}}}};
  ASSERT_EQ(put("/roleDefinitions/Abuse%20desk", role).status, 201);
  const auto desk = person("desk", "Abuse desk", subscription);
  EXPECT_EQ(ask_as(desk, Method::kGet, kProfile).status, 403);
  EXPECT_EQ(ask_as(desk, Method::kPost, kProfile + "/revokeCertificate", order(certificates[0], kFrom)).status, 204);
}

// Rows: S-6-118
TEST_F(RevokeCertificate, is_held_and_then_fails_or_succeeds) {
  const auto settle = [this](const nlohmann::json& body) { return post(kProfile + "/settleRevocation", body); };
  const nlohmann::json serial = {{"serialNumber", certificates[2]["serialNumber"]}};
  EXPECT_EQ(settle(serial).status, 412);  // nothing is in progress
  EXPECT_EQ(post("/signingRevocations/hold", {{"held", true}}).body, nlohmann::json({{"held", true}}));
  ASSERT_EQ(revoke(order(certificates[2], "2026-11-21T14:00:00Z")).status, 204);
  EXPECT_EQ(shown()[2]["revocation"]["status"], "InProgress");
  EXPECT_EQ(shown()[2]["status"], "Active");
  EXPECT_FALSE(sign());  // meanwhile it does not
  EXPECT_EQ(revoke(order(certificates[2], "2026-11-21T14:00:00Z")).status, 409);
  auto failing = serial;
  failing["failureReason"] = "the list could not be signed";
  const auto failed = settle(failing);
  EXPECT_EQ(failed.status, 200);
  EXPECT_EQ(failed.body["revocation"]["status"], "Failed");
  EXPECT_EQ(failed.body["revocation"]["failureReason"], "the list could not be signed");
  EXPECT_TRUE(sign());  // as before
  ASSERT_EQ(revoke(order(certificates[2], "2026-11-21T14:00:00Z")).status, 204);
  EXPECT_EQ(settle(serial).body["status"], "Revoked");
  EXPECT_EQ(get(kProfile).body["properties"]["status"], "Disabled");
  EXPECT_EQ(post("/signingRevocations/hold", {{"held", false}}).status, 200);
  ASSERT_EQ(revoke(order(certificates[0], kFrom)).status, 204);
  EXPECT_EQ(shown()[0]["revocation"]["status"], "Succeeded");
}

TEST_F(RevokeCertificate, to_hold_and_settle_is_the_providers) {
  const auto owner = person("owner", "Owner", "/");
  EXPECT_EQ(ask_as(owner, Method::kPost, "/signingRevocations/hold", {{"held", true}}).status, 403);
  EXPECT_EQ(ask_as(owner, Method::kPost, kProfile + "/settleRevocation", {{"serialNumber", "12"}}).status, 403);
  EXPECT_EQ(post("/signingRevocations/hold").target(), "held");
  EXPECT_EQ(post("/signingRevocations/hold", {{"held", "yes"}}).status, 400);
  EXPECT_EQ(post(kProfile + "/settleRevocation").target(), "serialNumber");
  EXPECT_EQ(post(kProfile + "/settleRevocation", {{"serialNumber", "12"}, {"failureReason", std::string(1025, 'x')}})
                .target(),
            "failureReason");
  EXPECT_EQ(post(kProfile + "/settleRevocation", {{"serialNumber", "123456"}}).status, 404);
  ASSERT_EQ(revoke(order(certificates[0], kFrom)).status, 204);
  EXPECT_EQ(shown()[0]["revocation"]["status"], "Succeeded");  // nothing was held
}

}  // namespace
}  // namespace latchkey::hub::app
