// SPDX-License-Identifier: Apache-2.0
// Campaigns, pins and statements through the management API, over a real signing service.
#include "hub/app/process/firmware.h"

#include <filesystem>
#include <fstream>

#include "hub/text/encoding.h"
#include "registry/signing/certificates.h"
#include "tests/unit/hub/app/signing/signing_world.h"
#include "tests/unit/hub/firmware/bundle_maker.h"

namespace latchkey::hub::app {
namespace {

using json = nlohmann::json;
using testing::HasSubstr;

class FirmwareApi : public SigningWorld {
 protected:
  void SetUp() override {
    SigningWorld::SetUp();
    furnish();
    ASSERT_EQ(put(kDevices + "/dev-1").status, 201);
    ASSERT_EQ(put(kDevices + "/dev-2").status, 201);
    open();
  }
  // As the hub process does.
  void open() {
    key = std::make_unique<firmware::StatementKeyFile>(firmware_folder);
    auto opened = Firmware::open(*registry, hubs, firmware_folder, *key, Firmware::Nodes::kOne);
    ASSERT_TRUE(opened) << opened.error().detail;
    firmware = std::move(*opened);
    told = std::make_unique<ToldRevocations>(*revocations, *firmware);
    management::Parts parts{*registry, time, played, played, played, played};
    parts.revocations = told.get();
    parts.firmware = firmware.get();
    management = std::make_unique<management::Management>(parts);
  }
  static std::string id_of(const signing::Bytes& bundle) {
    return text::hex(ByteView(signing::digest_of(signing::Hash::kSha256, bundle)));
  }
  static json order(const signing::Bytes& bundle, const json& more = {{"policy", "pol"}}) {
    json properties = {{"bundle", text::base64(ByteView(bundle))}};
    properties.update(more);
    return {{"properties", properties}};
  }
  std::filesystem::path file_of(const std::string& name) const { return firmware_folder / (name + ".bundle"); }

  const std::string kCampaigns = "/namespaces/default/firmwareCampaigns";
  const std::filesystem::path firmware_folder = folder.file("firmware");
  signing::test::World signer;
  const signing::Bytes bundle = firmware::make_bundle(signer, signing::Bytes(9000, 0x42));
  const std::string id = id_of(bundle);
  HubEndpoints hubs;
  std::unique_ptr<firmware::StatementKeyFile> key;
  std::unique_ptr<Firmware> firmware;
  std::unique_ptr<ToldRevocations> told;
};

TEST_F(FirmwareApi, what_is_published_is_shown_and_kept_for_its_owner_alone) {
  const auto made = put(kCampaigns + "/" + id, order(bundle, {{"policy", "pol"}, {"percent", 10}}));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.body["name"], id);
  const auto& properties = made.body["properties"];
  EXPECT_EQ(properties["state"], "active");
  EXPECT_EQ(properties["board"], "pump");
  EXPECT_EQ(properties["version"], "1.2.0");
  EXPECT_EQ(properties["size"], bundle.size());
  EXPECT_EQ(properties["policy"], "pol");
  EXPECT_EQ(properties["percent"], 10);
  EXPECT_THAT(made.body["id"].get<std::string>(), HasSubstr("/namespaces/default/firmwareCampaigns/" + id));
  EXPECT_EQ(newest_audit()["action"], "firmware.publish");
  EXPECT_EQ(std::filesystem::status(file_of(id)).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(get(kCampaigns).body["value"][0]["name"], id);
  const auto shown = get(kCampaigns + "/" + id).body["properties"]["progress"];
  EXPECT_EQ(shown, (json{{"targeted", 0}, {"reached", 0}, {"running", 0}, {"lastReports", json::object()}}));
}

TEST_F(FirmwareApi, bundle_that_is_none_or_another_is_refused_audited_and_leaves_no_file) {
  auto damaged = bundle;
  damaged.back() ^= 1;
  const std::pair<std::string, signing::Bytes> wrong[] = {
      {id, damaged}, {id_of(damaged), damaged}, {id_of({}), {}}, {id, firmware::make_bundle(signer, {1, 2, 3})}};
  for (const auto& [name, bytes] : wrong) {
    const auto seen = put(kCampaigns + "/" + name, order(bytes));
    EXPECT_EQ(seen.status, 400) << seen.body;
    EXPECT_EQ(newest_audit()["action"], "firmware.publish");
    EXPECT_EQ(newest_audit()["outcome"], "invalid argument");
  }
  EXPECT_TRUE(std::filesystem::is_empty(firmware_folder));
  EXPECT_EQ(get(kCampaigns).body["value"], json::array());
}

TEST_F(FirmwareApi, target_that_is_refused_leaves_no_file) {
  EXPECT_EQ(put(kCampaigns + "/" + id, order(bundle, json::object())).status, 400);
  EXPECT_EQ(put(kCampaigns + "/" + id, order(bundle, {{"policy", "pol"}, {"devices", {"dev-1"}}})).status, 400);
  EXPECT_EQ(put(kCampaigns + "/" + id, order(bundle, {{"policy", "other"}})).status, 404);
  EXPECT_EQ(put(kCampaigns + "/" + id, order(bundle, {{"devices", {"nobody"}}})).status, 404);
  EXPECT_EQ(put(kCampaigns + "/" + id, order(bundle, {{"policy", "pol"}, {"percent", 0}})).status, 400);
  EXPECT_EQ(put("/namespaces/elsewhere/firmwareCampaigns/" + id, order(bundle)).status, 404);
  EXPECT_FALSE(std::filesystem::exists(file_of(id)));
}

TEST_F(FirmwareApi, bodies_and_ids_are_read_strictly) {
  const auto target = kCampaigns + "/" + id;
  EXPECT_EQ(put(target, json::object()).target(), "properties.bundle");
  EXPECT_EQ(put(target, {{"properties", {{"bundle", "no base64!"}}}}).target(), "properties.bundle");
  EXPECT_EQ(put(target, order(bundle, {{"policy", 7}})).status, 400);
  EXPECT_EQ(put(target, order(bundle, {{"later", 7}})).status, 400);
  EXPECT_EQ(patch(target, json::object()).target(), "properties.percent");
  EXPECT_EQ(patch(target, {{"properties", {{"percent", "all"}}}}).status, 400);
  EXPECT_EQ(patch(target, {{"properties", {{"percent", 50}}}}).status, 404);
  EXPECT_EQ(post(target + "/withdraw", {{"later", 7}}).status, 400);
  EXPECT_EQ(post(target + "/withdraw").status, 404);
  for (const auto& name : {std::string("x"), id.substr(1)}) {
    EXPECT_EQ(get(kCampaigns + "/" + name).status, 400) << name;
    EXPECT_EQ(put(kCampaigns + "/" + name, order(bundle)).status, 400) << name;
  }
  EXPECT_EQ(get(target).status, 404);
  EXPECT_EQ(get(target + "/devices").status, 404);
}

TEST_F(FirmwareApi, campaign_is_raised_withdrawn_with_its_file_and_begun_anew) {
  const auto target = kCampaigns + "/" + id;
  ASSERT_EQ(put(target, order(bundle, {{"devices", {"dev-1", "dev-2"}}, {"percent", 10}})).status, 201);
  EXPECT_EQ(put(target, order(bundle)).status, 409);
  EXPECT_EQ(patch(target, {{"properties", {{"percent", 10}}}}).status, 400);
  EXPECT_EQ(patch(target, {{"properties", {{"percent", 50}}}}).body["properties"]["percent"], 50);
  EXPECT_EQ(get(target).body["properties"]["progress"]["targeted"], 2);
  EXPECT_EQ(post(target + "/withdraw").body["properties"]["state"], "withdrawn");
  EXPECT_FALSE(std::filesystem::exists(file_of(id)));
  EXPECT_EQ(post(target + "/withdraw").status, 412);
  EXPECT_EQ(patch(target, {{"properties", {{"percent", 60}}}}).status, 412);
  ASSERT_EQ(put(target, order(bundle)).status, 201);
  EXPECT_TRUE(std::filesystem::exists(file_of(id)));
}

TEST_F(FirmwareApi, bundle_stays_as_long_as_any_namespace_has_it) {
  ASSERT_EQ(put("/namespaces/plant-2").status, 201);
  ASSERT_EQ(put("/namespaces/plant-2/devices/dev-1").status, 201);
  const json named = {{"devices", {"dev-1"}}};
  ASSERT_EQ(put(kCampaigns + "/" + id, order(bundle, named)).status, 201);
  ASSERT_EQ(put("/namespaces/plant-2/firmwareCampaigns/" + id, order(bundle, named)).status, 201);
  ASSERT_EQ(post(kCampaigns + "/" + id + "/withdraw").status, 200);
  EXPECT_TRUE(std::filesystem::exists(file_of(id)));
  ASSERT_EQ(post("/namespaces/plant-2/firmwareCampaigns/" + id + "/withdraw").status, 200);
  EXPECT_FALSE(std::filesystem::exists(file_of(id)));
}

TEST_F(FirmwareApi, start_keeps_what_is_published_and_removes_what_is_not) {
  ASSERT_EQ(put(kCampaigns + "/" + id, order(bundle)).status, 201);
  std::ofstream(file_of(std::string(64, 'a'))) << "left by a crash";
  open();
  EXPECT_TRUE(std::filesystem::exists(file_of(id)));
  EXPECT_FALSE(std::filesystem::exists(file_of(std::string(64, 'a'))));
}

TEST_F(FirmwareApi, reports_of_devices_are_shown_in_pages) {
  const auto target = kCampaigns + "/" + id;
  ASSERT_EQ(put(target, order(bundle, {{"devices", {"dev-1", "dev-2"}}})).status, 201);
  registry::firmware::CampaignRows rows(rows_of(*registry));
  registry::firmware::Report report;
  report.event = registry::firmware::Event::kRefused;
  report.reason = "tooOld";
  report.version = "1.0.0";
  report.at = time.at;
  for (const char* name : {"dev-1", "dev-2"}) {
    ASSERT_TRUE(
        rows.note(*registry->find_device("default", name), report, signing::digest_of(signing::Hash::kSha256, bundle)));
  }
  const auto first = get(target + "/devices?top=1");
  ASSERT_EQ(first.body["value"].size(), 1u);
  EXPECT_EQ(first.body["value"][0]["name"], "dev-1");
  EXPECT_EQ(first.body["value"][0]["report"], "refused");
  EXPECT_EQ(first.body["value"][0]["reason"], "tooOld");
  EXPECT_EQ(first.body["value"][0]["runs"], false);
  const auto second = get(first.body["nextLink"]);
  ASSERT_EQ(second.body["value"].size(), 1u);
  EXPECT_EQ(second.body["value"][0]["name"], "dev-2");
  EXPECT_FALSE(second.body.contains("nextLink"));
  EXPECT_EQ(get(target).body["properties"]["progress"]["lastReports"]["refused"], 2);
}

TEST_F(FirmwareApi, pins_are_set_and_shown_and_what_is_out_of_bounds_is_refused) {
  EXPECT_EQ(get("/firmwareStatements").body["pins"]["version"], 0);
  const auto set = put("/firmwareStatements/pins", {{"durableEkus", {"1.3.6.1.4.1.311.97.1"}}});
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(set.body["version"], 1);
  EXPECT_EQ(newest_audit()["action"], "firmware.statement");
  const auto shown = get("/firmwareStatements").body;
  EXPECT_EQ(shown["pins"]["durableEkus"], (json{"1.3.6.1.4.1.311.97.1"}));
  EXPECT_EQ(shown["revocations"]["version"], 1);  // the signing service's CAs have revoked nothing
  for (const json& ekus : {json::array(), json{"1.2.3", "1.2.4", "1.2.5", "1.2.6", "1.2.7"}, json{"firmware"}, json{""},
                           json{"1.2.3", "1.2.3"}, json{std::string(200, '1')}}) {
    EXPECT_EQ(put("/firmwareStatements/pins", {{"durableEkus", ekus}}).status, 400) << ekus;
  }
  EXPECT_EQ(put("/firmwareStatements/pins", json::object()).target(), "durableEkus");
  EXPECT_EQ(get("/firmwareStatements").body["pins"]["version"], 1);
}

TEST_F(FirmwareApi, statement_key_is_shown_by_its_public_half) {
  const auto first = get("/firmwareStatements/key");
  ASSERT_EQ(first.status, 200);
  EXPECT_THAT(first.body["publicKey"].get<std::string>(), testing::StartsWith("-----BEGIN PUBLIC KEY-----"));
  open();
  EXPECT_EQ(get("/firmwareStatements/key").body, first.body);
}

TEST_F(FirmwareApi, revoked_certificate_is_in_a_new_statement_when_the_revocation_is_answered) {
  ASSERT_EQ(get("/firmwareStatements/key").status, 200);
  ASSERT_EQ(get("/firmwareStatements").body["revocations"]["version"], 1);
  ASSERT_EQ(post(kProfile + "/revokeCertificate", SigningWorld::order(certificates[0], kFrom)).status, 204);
  EXPECT_EQ(get("/firmwareStatements").body["revocations"]["version"], 2);
  EXPECT_EQ(post(kProfile + "/revokeCertificate", SigningWorld::order(certificates[0], kFrom)).status, 409);
  EXPECT_EQ(get("/firmwareStatements").body["revocations"]["version"], 2);
}

TEST_F(FirmwareApi, revocation_that_is_held_is_told_once_it_is_settled) {
  ASSERT_EQ(get("/firmwareStatements/key").status, 200);
  ASSERT_EQ(post("/signingRevocations/hold", {{"held", true}}).status, 200);
  ASSERT_EQ(post(kProfile + "/revokeCertificate", SigningWorld::order(certificates[0], kFrom)).status, 204);
  EXPECT_EQ(get("/firmwareStatements").body["revocations"]["version"], 1);
  ASSERT_EQ(post(kProfile + "/settleRevocation", {{"serialNumber", certificates[0]["serialNumber"]}}).status, 200);
  EXPECT_EQ(get("/firmwareStatements").body["revocations"]["version"], 2);
}

// Between the revocation and the statement the hub process may die.
TEST_F(FirmwareApi, revocation_that_nobody_was_told_of_is_in_the_statement_of_the_next_start) {
  ASSERT_EQ(get("/firmwareStatements/key").status, 200);
  ASSERT_TRUE(revocations->revoke(
      {"tester", time.at}, "contoso", "release",
      {{certificates[0]["serialNumber"], certificates[0]["thumbprint"], kFirst + 5 * kHour, "KeyCompromised", ""}}));
  EXPECT_EQ(get("/firmwareStatements").body["revocations"]["version"], 1);
  open();
  firmware->revocations_changed({"latchkey up", time.at});
  EXPECT_EQ(get("/firmwareStatements").body["revocations"]["version"], 2);
}

TEST_F(FirmwareApi, nothing_is_published_while_devices_cannot_be_told_of_all_that_is_revoked) {
  const auto target = kCampaigns + "/" + id;
  const auto pin = [&](const char* eku) { return put("/firmwareStatements/pins", {{"durableEkus", {eku}}}).status; };
  ASSERT_EQ(pin("1.2.3"), 200);
  ASSERT_EQ(put(target, order(bundle, {{"policy", "pol"}, {"percent", 10}})).status, 201);
  registry::signing::CertificateRows rows(rows_of(*registry));
  const registry::Call call{"tester", time.at};
  for (int i = 0; i < 200; ++i) {  // more of the pinned profile than a statement holds
    registry::signing::Certificate one;
    one.serial = signing::Bytes(16, static_cast<std::uint8_t>(i + 1));
    one.thumbprint = signing::Bytes(20, static_cast<std::uint8_t>(i + 1));
    one.authority = service->authorities().issuing(signing::TrustKind::kPublic).id;
    one.eku = "1.2.3";
    one.not_before = one.not_after = kFirst;
    ASSERT_TRUE(rows.add(call, "profile", one));
    ASSERT_TRUE(rows.revoke(call, "profile", one.profile, {{one.serial, one.thumbprint, kFirst, 1, ""}},
                            registry::signing::CertificateRows::Hold::kNo));
  }
  EXPECT_EQ(patch(target, {{"properties", {{"percent", 50}}}}).status, 412);
  EXPECT_EQ(newest_audit()["action"], "firmware.raise");
  EXPECT_NE(newest_audit()["outcome"], "ok");
  const auto other = firmware::make_bundle(signer, signing::Bytes(100, 0x43));
  EXPECT_EQ(put(kCampaigns + "/" + id_of(other), order(other)).status, 412);
  EXPECT_FALSE(std::filesystem::exists(file_of(id_of(other))));
  EXPECT_EQ(get(target).body["properties"]["percent"], 10);
  ASSERT_EQ(pin("1.2.4"), 200);  // the way on
  EXPECT_EQ(patch(target, {{"properties", {{"percent", 50}}}}).status, 200);
  EXPECT_EQ(put(kCampaigns + "/" + id_of(other), order(other)).status, 201);
}

TEST_F(FirmwareApi, hub_without_firmware_says_so) {
  reread(registry::roles::Parity::kSeed);
  for (const auto& target : {kCampaigns, kCampaigns + "/" + id, std::string("/firmwareStatements")}) {
    EXPECT_EQ(get(target).code(), put("/firmwareStatements/pins", {{"durableEkus", {"1.2.3"}}}).code());
    EXPECT_GE(get(target).status, 400);
  }
}

}  // namespace
}  // namespace latchkey::hub::app
