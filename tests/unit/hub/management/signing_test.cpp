// SPDX-License-Identifier: Apache-2.0
// The control plane of code signing as its clients see it: by short paths, and by those of Azure Resource Manager.
#include <filesystem>
#include <fstream>

#include "hub/signing/certificates/profile.h"
#include "hub/text/encoding.h"
#include "registry/operations/rows.h"
#include "registry/signing/ground.h"
#include "tests/unit/hub/management/arm_support.h"
#include "tests/unit/hub/management/signing_roots.h"
#include "tests/unit/hub/signing/documents/pictures.h"

namespace latchkey::hub::management {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class SigningArm : public ArmTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(put("/resourceGroups/rg", {{"location", "EastUS"}}).status, 201);
    ASSERT_EQ(post("/providers/Microsoft.CodeSigning/register").status, 200);
  }
  Answered signing(Method method, const std::string& target, const json& body = {}) {
    const char mark = target.find('?') == std::string::npos ? '?' : '&';
    return exactly(method, target + mark + "api-version=2025-10-13", body);
  }
  std::string provider() { return "/subscriptions/" + subscription() + "/providers/Microsoft.CodeSigning"; }
  std::string account(const std::string& rest = "", const std::string& group = "rg") {
    return "/subscriptions/" + subscription() + "/resourceGroups/" + group +
           "/providers/Microsoft.CodeSigning/codeSigningAccounts/contoso" + rest;
  }
  json account_body(const std::string& sku = "Basic") {
    return {{"location", "eastus"}, {"tags", {{"a", "b"}}}, {"properties", {{"sku", {{"name", sku}}}}}};
  }
  void make_account(const std::string& sku = "Basic") { ASSERT_EQ(put(kAccount, account_body(sku)).status, 201); }
  json identity() {
    return {{"properties",
             {{"identityType", "Public"},
              {"subjectType", "Organization"},
              {"organizationName", "Contoso Inc"},
              {"websiteUrl", "https://www.contoso.com"},
              {"primaryEmail", "legal@contoso.com"},
              {"secondaryEmail", "ops@contoso.com"},
              {"businessIdentifier", "4711"},
              {"incorporatedOn", "2015-03-31"},
              {"street", "1 Main Street"},
              {"city", "New York"},
              {"state", "New York"},
              {"country", "US"},
              {"postalCode", "10001"},
              {"termsAccepted", true}}}};
  }
  static json paper(const std::string& file, const std::string& name = "charter.jpg") {
    return {{"kind", "businessRegistration"},
            {"issuedOn", "2026-09-01"},
            {"names", "Contoso Inc"},
            {"address", "1 Main Street, 10001 New York"},
            {"fileName", name},
            {"file", text::base64(ByteView(file))}};
  }
  static json papers(const std::string& file, const std::string& name = "charter.jpg") {
    return {{"documents", json::array({paper(file, name)})}};
  }
  // One that waits for documents.
  std::string make_waiting() {
    const auto id = make_validation();
    EXPECT_EQ(decide(id, "emailVerified").status, 200);
    EXPECT_EQ(decide(id, "requireAction").status, 200);
    return id;
  }
  std::string make_validation() { return post(kValidations, identity()).body.value("name", ""); }
  std::string make_completed() {
    const auto id = make_validation();
    EXPECT_EQ(decide(id, "emailVerified").status, 200);
    EXPECT_EQ(decide(id, "accept").status, 200);
    return id;
  }
  Seen decide(const std::string& id, const std::string& event) {
    return post("/identityValidations/" + id + "/decide", {{"event", event}});
  }
  json profile_body(const std::string& validation, const std::string& type = "PublicTrust") {
    return {{"properties", {{"profileType", type}, {"identityValidationId", validation}}}};
  }

  const std::string kAccount = "/resourceGroups/rg/codeSigningAccounts/contoso";
  const std::string kValidations = kAccount + "/identityValidations";
  const std::string kProfiles = kAccount + "/certificateProfiles";
};

class SigningGroundArm : public ArmTest {};

// Rows: S-6-30, S-6-31
TEST_F(SigningGroundArm, provider_has_to_be_registered_and_one_group_is_there) {
  const auto provider = "/subscriptions/" + subscription() + "/providers/Microsoft.CodeSigning";
  const auto version = std::string("?api-version=2021-04-01");
  EXPECT_EQ(exactly(Method::kGet, provider + version).body["registrationState"], "NotRegistered");
  const json body = {{"location", "eastus"}};
  const auto early = put("/resourceGroups/latchkey/codeSigningAccounts/contoso", body);
  EXPECT_EQ(early.status, 409);
  EXPECT_EQ(early.code(), "MissingSubscriptionRegistration");
  EXPECT_EQ(exactly(Method::kPost, provider + "/register" + version, json::object()).body["registrationState"],
            "Registered");
  EXPECT_EQ(put("/resourceGroups/latchkey/codeSigningAccounts/contoso", body).status, 201);
  EXPECT_EQ(get("/providers").body["value"].size(), 4u);
  EXPECT_EQ(get("/providers/Microsoft.Nothing").status, 404);
}

// Rows: S-6-32
TEST_F(SigningGroundArm, group_is_made_changed_listed_and_deleted) {
  const auto groups = "/subscriptions/" + subscription() + "/resourcegroups";
  const auto version = std::string("?api-version=2021-04-01");
  EXPECT_EQ(exactly(Method::kPut, groups + "/Mine" + version, {{"location", "EastUS"}}).status, 201);
  EXPECT_EQ(exactly(Method::kPut, groups + "/mine" + version, {{"location", "EastUS"}, {"tags", {{"a", "b"}}}}).status,
            200);
  EXPECT_EQ(patch("/resourceGroups/mine", {{"location", "WestUS"}}).code(), "ImmutableProperty");
  EXPECT_EQ(get("/resourceGroups/MINE").body["tags"]["a"], "b");
  EXPECT_EQ(exactly(Method::kGet, groups + version).body["value"].size(), 2u);
  EXPECT_EQ(exactly(Method::kDelete, groups + "/mine" + version).status, 202);
  EXPECT_EQ(exactly(Method::kDelete, groups + "/mine" + version).status, 204);
  EXPECT_EQ(get("/resourceGroups/mine").code(), "ResourceGroupNotFound");
  EXPECT_EQ(remove("/resourceGroups/latchkey").code(), "OperationNotSupported");
  EXPECT_EQ(put("/resourceGroups/bad%20name").code(), "InvalidResourceName");
}

TEST_F(SigningGroundArm, tenant_is_named) {
  const auto tenants = get("/tenants").body["value"];
  ASSERT_EQ(tenants.size(), 1u);
  const std::string path = "/tenants/" + tenants[0]["tenantId"].get<std::string>();
  EXPECT_EQ(patch(path, {{"displayName", "Contoso"}}).body["displayName"], "Contoso");
  EXPECT_EQ(patch(path, json::object()).target(), "displayName");
  EXPECT_EQ(patch("/tenants/other", {{"displayName", "x"}}).status, 404);
}

TEST_F(SigningArm, account_is_put_shown_patched_and_deleted_by_its_full_path) {
  const auto made = signing(Method::kPut, account(), account_body());
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.body["properties"]["provisioningState"], "Accepted");
  EXPECT_THAT(made.field("Azure-AsyncOperation"), StartsWith(base));
  EXPECT_EQ(follow(made.field("Azure-AsyncOperation")).body["status"], "Succeeded");
  const auto shown = signing(Method::kGet, account()).body;
  EXPECT_EQ(shown["id"], account());
  EXPECT_EQ(shown["type"], "Microsoft.CodeSigning/codeSigningAccounts");
  EXPECT_EQ(shown["location"], "eastus");
  EXPECT_EQ(shown["properties"]["accountUri"], "https://eus.codesigning.azure.net/");
  EXPECT_EQ(shown["properties"]["sku"]["name"], "Basic");
  EXPECT_EQ(shown["properties"]["provisioningState"], "Succeeded");
  EXPECT_EQ(shown["tags"]["a"], "b");
  const auto patched =
      signing(Method::kPatch, account(), {{"tags", {{"c", "d"}}}, {"properties", {{"sku", {{"name", "Premium"}}}}}});
  EXPECT_EQ(patched.status, 200);
  EXPECT_EQ(patched.body["properties"]["sku"]["name"], "Premium");
  EXPECT_EQ(patched.body["tags"], json({{"c", "d"}}));
  const auto gone = signing(Method::kDelete, account());
  EXPECT_EQ(gone.status, 202);
  EXPECT_EQ(gone.field("Retry-After"), "1");
  EXPECT_EQ(follow(gone.field("Location")).status, 204);
  EXPECT_EQ(signing(Method::kDelete, account()).status, 204);
  EXPECT_EQ(signing(Method::kGet, account()).code(), "ResourceNotFound");
}

TEST_F(SigningArm, both_api_versions_are_known_and_no_other) {
  make_account();
  for (const auto* version : {"2025-10-13", "2024-09-30-preview"}) {
    EXPECT_EQ(exactly(Method::kGet, account() + "?api-version=" + version).status, 200) << version;
  }
  for (const auto* version : {"2026-03-01-preview", "2024-02-05-preview", "2025-11-20-preview"}) {
    EXPECT_EQ(exactly(Method::kGet, account() + "?api-version=" + version).code(), "NoSupportedApiVersion") << version;
  }
  EXPECT_EQ(exactly(Method::kGet, account()).code(), "MissingApiVersionParameter");
}

// Rows: S-6-01, S-6-02, S-6-03, S-6-04, S-6-05, S-6-06, S-6-09
TEST_F(SigningArm, bad_accounts_are_refused_with_their_codes) {
  const auto refused = [this](const std::string& name, const json& body) {
    return put("/resourceGroups/rg/codeSigningAccounts/" + name, body);
  };
  for (const auto* name : {"ab", "abcdefghijklmnopqrstuvwxy", "1abc", "abc-", "ab--c", "a-bc", "onecorp", "OneCorp"}) {
    EXPECT_EQ(refused(name, account_body()).code(), "InvalidResourceName") << name;
  }
  EXPECT_EQ(refused("contoso", {{"location", "Mars"}}).code(), "LocationNotAvailableForResourceType");
  EXPECT_EQ(refused("contoso", json::object()).target(), "location");
  EXPECT_EQ(refused("contoso", account_body("Free")).target(), "properties.sku.name");
  EXPECT_EQ(put("/resourceGroups/none/codeSigningAccounts/contoso", account_body()).code(), "ResourceGroupNotFound");
  make_account();
  EXPECT_EQ(put("/resourceGroups/latchkey/codeSigningAccounts/CONTOSO", account_body()).code(),
            "ResourceAlreadyExists");
  EXPECT_EQ(put(kAccount, {{"location", "West Europe"}}).code(), "ImmutableProperty");
  EXPECT_EQ(put(kAccount, {{"location", "East US"}}).status, 200);
}

// Rows: S-6-06, S-6-07
TEST_F(SigningArm, name_is_asked_after) {
  make_account();
  const auto ask_name = [this](const json& body) {
    return signing(Method::kPost, provider() + "/checkNameAvailability", body);
  };
  EXPECT_EQ(ask_name({{"name", "free1"}}).body, json({{"nameAvailable", true}}));
  EXPECT_EQ(ask_name({{"name", "Contoso"}, {"type", "Microsoft.CodeSigning/codeSigningAccounts"}}).body["reason"],
            "AlreadyExists");
  EXPECT_EQ(ask_name({{"name", "a"}}).body["reason"], "AccountNameInvalid");
  EXPECT_EQ(ask_name({{"name", "free1"}, {"type", "Microsoft.Devices/IotHubs"}}).status, 400);
  EXPECT_EQ(ask_name(json::object()).status, 400);
}

TEST_F(SigningArm, accounts_are_listed_by_group_and_subscription_page_by_page) {
  for (const auto* name : {"abc1", "abc2", "abc3"}) {
    ASSERT_EQ(put("/resourceGroups/rg/codeSigningAccounts/" + std::string(name), account_body()).status, 201);
  }
  ASSERT_EQ(put("/resourceGroups/latchkey/codeSigningAccounts/abc4", account_body()).status, 201);
  EXPECT_EQ(signing(Method::kGet, provider() + "/codeSigningAccounts").body["value"].size(), 4u);
  const auto group = account("").substr(0, account("").rfind('/'));
  auto page = signing(Method::kGet, group + "?$top=2").body;
  EXPECT_EQ(page["value"].size(), 2u);
  page = follow(page["nextLink"]).body;
  EXPECT_EQ(page["value"].size(), 1u);
  EXPECT_FALSE(page.contains("nextLink"));
  EXPECT_EQ(get("/resourceGroups/none/codeSigningAccounts").code(), "ResourceGroupNotFound");
}

// Rows: S-6-26, S-6-27, S-6-28
TEST_F(SigningArm, profile_has_a_durable_eku_optional_fields_and_a_preview_first) {
  make_account();
  const auto id = make_completed();
  auto body = profile_body(id);
  body["properties"]["includeStreetAddress"] = true;
  body["properties"]["includeCity"] = true;  // means nothing to a public type
  EXPECT_EQ(post(kAccount + "/previewSubject", body["properties"]).body["certificateSubjectPreview"],
            "CN=Contoso Inc, O=Contoso Inc, STREET=1 Main Street, L=New York, S=New York, C=US");
  EXPECT_EQ(get(kProfiles).body["value"].size(), 0u);  // a preview makes nothing
  const auto made = signing(Method::kPut, account("/certificateProfiles/release"), body);
  EXPECT_EQ(made.status, 201);
  const auto shown = get(kProfiles + "/RELEASE").body;
  EXPECT_EQ(shown["id"], account("/certificateProfiles/release"));
  EXPECT_FALSE(shown.contains("location"));
  const auto& properties = shown["properties"];
  EXPECT_EQ(properties["status"], "Active");
  EXPECT_EQ(properties["includeStreetAddress"], true);
  EXPECT_EQ(properties["includePostalCode"], false);
  EXPECT_EQ(properties["certificates"], json::array());
  EXPECT_TRUE(hub::signing::is_durable_eku_of(hub::signing::ProfileType::kPublicTrust,
                                              properties["enhancedKeyUsage"].get<std::string>()));
  EXPECT_EQ(patch(kProfiles + "/release", json::object()).status, 405);
  EXPECT_EQ(put(kProfiles + "/release", body).status, 200);  // the same again
  EXPECT_EQ(get(kProfiles + "/release").body["properties"]["enhancedKeyUsage"], properties["enhancedKeyUsage"]);
  body["properties"]["profileType"] = "VBSEnclave";
  EXPECT_EQ(put(kProfiles + "/release", body).code(), "ResourceAlreadyExists");
}

// What the service would do with it: tests/unit/hub/app/signing_revocations_test.cpp.
TEST_F(SigningArm, hub_without_the_service_revokes_nothing_and_says_why) {
  make_account();
  ASSERT_EQ(put(kProfiles + "/release", profile_body(make_completed())).status, 201);
  const json order = {{"serialNumber", "12"},
                      {"thumbprint", std::string(40, 'a')},
                      {"effectiveAt", "2026-11-21T12:00:00Z"},
                      {"reason", "Superseded"}};
  EXPECT_EQ(post(kProfiles + "/release/revokeCertificate", order).code(), "OperationNotSupported");
  EXPECT_EQ(post(kProfiles + "/nothing/revokeCertificate", order).status, 404);
  EXPECT_EQ(post(kProfiles + "/release/settleRevocation", {{"serialNumber", "12"}}).code(), "OperationNotSupported");
  EXPECT_EQ(post("/signingRevocations/hold", {{"held", true}}).code(), "OperationNotSupported");
}

// Rows: S-6-13, S-6-25
TEST_F(SigningArm, profile_that_is_deleted_and_made_again_has_another_eku) {
  make_account();
  const auto id = make_completed();
  const auto eku = put(kProfiles + "/release", profile_body(id)).body["properties"]["enhancedKeyUsage"];
  EXPECT_EQ(signing(Method::kDelete, account("/certificateProfiles/release")).status, 202);
  EXPECT_EQ(signing(Method::kDelete, account("/certificateProfiles/release")).status, 204);
  EXPECT_NE(put(kProfiles + "/release", profile_body(id)).body["properties"]["enhancedKeyUsage"], eku);
}

TEST_F(SigningArm, bad_profiles_are_refused_with_their_codes) {
  make_account();
  const auto id = make_completed();
  EXPECT_EQ(put(kProfiles + "/abc", profile_body(id)).code(), "InvalidResourceName");
  EXPECT_EQ(put(kProfiles + "/release", profile_body(id, "EvTrust")).target(), "properties.profileType");
  EXPECT_EQ(put(kProfiles + "/release", profile_body("no uuid")).target(), "properties.identityValidationId");
  EXPECT_EQ(put(kProfiles + "/release", json::object()).target(), "properties.profileType");
  EXPECT_EQ(put(kProfiles + "/release", profile_body(id, "PrivateTrust")).code(), "InvalidArgument");
  EXPECT_EQ(put(kProfiles + "/release", profile_body(make_validation())).code(), "IdentityValidationNotCompleted");
  EXPECT_EQ(put("/resourceGroups/rg/codeSigningAccounts/nobody/certificateProfiles/release", profile_body(id)).code(),
            "ParentResourceNotFound");
  EXPECT_EQ(put(kProfiles + "/release", profile_body(id)).status, 201);
  EXPECT_EQ(put(kProfiles + "/another", profile_body(id)).code(), "ProfileLimitReached");
  EXPECT_EQ(patch(kAccount, {{"properties", {{"sku", {{"name", "Premium"}}}}}}).status, 200);
  EXPECT_EQ(put(kProfiles + "/another", profile_body(id)).status, 201);
  EXPECT_EQ(patch(kAccount, {{"properties", {{"sku", {{"name", "Basic"}}}}}}).code(), "SkuDowngradeBlocked");
  EXPECT_EQ(post(kAccount + "/suspend").status, 200);
  EXPECT_EQ(put(kProfiles + "/third1", profile_body(id)).code(), "AccountSuspended");
}

// Rows: S-6-42, S-6-58
TEST_F(SigningArm, identity_is_previewed_requested_decided_renewed_and_deleted) {
  make_account();
  const auto preview = post(kAccount + "/previewIdentity", identity());
  EXPECT_EQ(preview.body["certificateSubjectPreview"], "CN=Contoso Inc, O=Contoso Inc, L=New York, S=New York, C=US");
  EXPECT_EQ(get("/identityValidations").body["value"].size(), 0u);
  const auto id = make_validation();
  const auto shown = get(kValidations + "/" + id).body["properties"];
  EXPECT_EQ(shown["status"], "In Progress");
  EXPECT_EQ(shown["emailVerified"], false);
  EXPECT_EQ(remove(kValidations + "/" + id).code(), "IdentityValidationStateConflict");
  EXPECT_EQ(decide(id, "accept").code(), "IdentityValidationStateConflict");
  EXPECT_EQ(decide(id, "emailVerified").status, 200);
  EXPECT_EQ(decide(id, "requireAction").body["properties"]["status"], "Action Required");
  EXPECT_EQ(post(kValidations + "/" + id + "/documents", papers(hub::signing::jpeg({}))).body["properties"]["status"],
            "In Progress");
  EXPECT_EQ(decide(id, "accept").body["properties"]["status"], "Completed");
  EXPECT_EQ(post(kValidations + "/" + id + "/renew").code(), "IdentityValidationStateConflict");
  EXPECT_EQ(get("/identityValidations/" + id).body["properties"]["status"], "Completed");
  EXPECT_EQ(remove("/identityValidations/" + id).status, 204);
  EXPECT_EQ(get("/identityValidations/" + id).status, 404);
  EXPECT_EQ(get("/identityValidations/nonsense").status, 404);
}

// Rows: S-6-80, S-6-81, S-6-82, S-6-83, S-6-84, S-6-85
TEST_F(SigningArm, document_is_refused_with_its_name_and_the_rule) {
  make_account();
  const auto id = make_waiting();
  const auto hand_in = [&](const json& body) { return post(kValidations + "/" + id + "/documents", body); };
  const auto refused = [&](const std::string& name, const std::string& file) {
    const auto seen = hand_in(papers(file, name));
    EXPECT_EQ(seen.status, 400);
    EXPECT_EQ(seen.target(), "file");
    return seen.body["error"].value("message", "");
  };
  namespace files = hub::signing;
  EXPECT_THAT(refused("a.tif", files::jpeg({})), HasSubstr("'a.tif' is a .jpg by its content"));
  EXPECT_THAT(refused("a.jpg", files::jpeg({.data = 10})), HasSubstr("30 KB or more"));
  EXPECT_THAT(refused("a.jpg", files::jpeg({.data = 5'300'000})), HasSubstr("5 MB"));
  EXPECT_THAT(refused("a.jpg", files::jpeg({.width = 300})), HasSubstr("'a.jpg' has 300 x 400 pixels"));
  EXPECT_THAT(refused("a.pdf", files::pdf({.colour = files::Colour::kGrey})), HasSubstr("is grey"));
  EXPECT_THAT(refused("a.bmp", files::bmp({.dpi = 96})), HasSubstr("has 96 DPI"));
  EXPECT_THAT(refused("a.gif", files::gif({}, 3)), HasSubstr("several pictures"));
  auto body = papers(files::jpeg({}));
  body["documents"][0]["file"] = "no base64";
  EXPECT_EQ(hand_in(body).target(), "file");
  for (const auto* member : {"file", "fileName"}) {
    body = papers(files::jpeg({}));
    body["documents"][0].erase(member);
    EXPECT_EQ(hand_in(body).status, 400) << member;
  }
  EXPECT_EQ(get(kValidations + "/" + id).body["properties"]["documentSubmissions"], 0) << "refusals do not count";
  EXPECT_EQ(hand_in(papers(files::jpeg({}))).status, 200);
  EXPECT_EQ(get(kValidations + "/" + id).body["properties"]["documentSubmissions"], 1);
}

// Rows: S-6-86
TEST_F(SigningArm, documents_are_handed_in_three_times_at_the_most) {
  make_account();
  const auto id = make_waiting();
  const auto body = papers(hub::signing::jpeg({}));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(post(kValidations + "/" + id + "/documents", body).status, 200);
    EXPECT_EQ(decide(id, "requireAction").status, 200);
  }
  EXPECT_EQ(post(kValidations + "/" + id + "/documents", body).code(), "IdentityValidationStateConflict");
}

// Rows: S-6-88
TEST_F(SigningArm, nothing_of_a_document_is_kept) {
  make_account();
  const auto id = make_waiting();
  const std::string secret = "face-of-the-director";
  auto file = hub::signing::jpeg({});
  file.replace(2000, secret.size(), secret);
  const auto seen = post(kValidations + "/" + id + "/documents", papers(file, "director-at-home.jpg"));
  ASSERT_EQ(seen.status, 200);
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (!entry.is_regular_file()) continue;
    ++files;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string kept{std::istreambuf_iterator<char>(in), {}};
    for (const auto& part : {secret, text::base64(ByteView(file)).substr(2400, 60), std::string("director-at-home")}) {
      EXPECT_EQ(kept.find(part), std::string::npos) << entry.path();
    }
  }
  EXPECT_GT(files, 0);
}

// Rows: S-6-48
TEST_F(SigningArm, bad_identities_are_refused_by_name) {
  make_account();
  const auto refused = [this](const char* member, const json& value) {
    auto body = identity();
    body["properties"][member] = value;
    return post(kValidations, body);
  };
  EXPECT_EQ(refused("termsAccepted", false).status, 400);
  EXPECT_EQ(refused("identityType", "Secret").target(), "properties.identityType");
  EXPECT_EQ(refused("subjectType", "Robot").target(), "properties.subjectType");
  EXPECT_EQ(refused("primaryEmail", "x").status, 400);
  EXPECT_EQ(refused("country", "Usa").status, 400);
  EXPECT_EQ(refused("age", 3).target(), "properties.age");
  EXPECT_EQ(decide("7a1d6a3e-0000-4000-8000-000000000001", "accept").status, 404);
  EXPECT_EQ(decide("7a1d6a3e-0000-4000-8000-000000000001", "bribe").target(), "event");
  EXPECT_EQ(get("/identityValidations").body["value"].size(), 0u);
}

TEST_F(SigningArm, roots_are_shown_one_for_each_kind_of_trust) {
  test::plant_signing_roots(registry::rows_of(*registry));
  const auto list = get("/signingRoots").body["value"];
  std::vector<std::string> names;
  for (const auto& one : list) names.push_back(one["name"]);
  EXPECT_THAT(names, testing::ElementsAre("PublicTrust", "PublicTrustTest", "PrivateTrust", "Timestamp"));
  const auto root = get("/signingRoots/PrivateTrust");
  EXPECT_EQ(root.body, list[2]);
  EXPECT_EQ(root.body["certifies"], "signatures");
  EXPECT_EQ(list[3]["certifies"], "timestamps");
  EXPECT_THAT(root.body["subject"].get<std::string>(), HasSubstr("Latchkey Test Root - Private Trust"));
  EXPECT_THAT(root.body["certificate"].get<std::string>(), StartsWith("-----BEGIN CERTIFICATE-----\n"));
  EXPECT_EQ(root.body["validityNotBefore"], "2026-01-01T00:00:00.000Z");
}

TEST_F(SigningArm, root_that_is_not_there_is_refused) {
  EXPECT_EQ(get("/signingRoots").body["value"], json::array());
  const auto none = get("/signingRoots/PublicTrust");
  EXPECT_EQ(none.status, 404);
  EXPECT_THAT(none.body["error"]["message"].get<std::string>(), HasSubstr("--signing-listen"));
  test::plant_signing_roots(registry::rows_of(*registry));
  for (const auto* name : {"publictrust", "VBSEnclave", "Public%20Trust", "1"}) {
    EXPECT_EQ(get(std::string("/signingRoots/") + name).status, 404) << name;
  }
  EXPECT_EQ(put("/signingRoots/PublicTrust", json::object()).status, 405);
}

}  // namespace
}  // namespace latchkey::hub::management
