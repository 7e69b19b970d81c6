// SPDX-License-Identifier: Apache-2.0
// Firmware campaigns with a whole hub, its command line, and plain MQTT clients as devices.
#include <gmock/gmock.h>

#include <openssl/pem.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <thread>

#include "agent/update/statement.h"
#include "hub/signing/statements/statement.h"
#include "hub/text/encoding.h"
#include "hub/text/time.h"
#include "platform/crypto/key.h"
#include "tests/integration/firmware_device.h"
#include "tests/integration/signing/workbench.h"
#include "tests/support/agent.h"
#include "tests/support/contoso.h"
#include "tests/unit/hub/firmware/bundle_maker.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr int kSigningMs = 500'000;  // an RSA key is made, on a machine that may do much else

class FirmwareCampaigns : public testing::Test {
 protected:
  explicit FirmwareCampaigns(std::vector<std::string> more = {}) : hub(options(std::move(more))) {}
  static Hub::Options options(std::vector<std::string> more) {
    Hub::Options options;
    options.more = std::move(more);
    return options;
  }
  void SetUp() override {
    ASSERT_TRUE(crypto::init());
    hub.start();
  }

  // A file with a bundle of that version; its id and content are kept.
  std::string make(std::uint8_t version) {
    Bytes image(100'000, version);
    for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<std::uint8_t>(i * 7 + i / 251 + version);
    image_sha = hub::text::hex(ByteView(hub::signing::digest_of(hub::signing::Hash::kSha256, image)));
    bundle = hub::firmware::make_bundle(signer, image, {1, version, 0});
    id = hub::text::hex(ByteView(hub::signing::digest_of(hub::signing::Hash::kSha256, bundle)));
    return bench.put("bundle-" + std::to_string(version), bundle);
  }
  json publish(const std::string& file, const std::string& devices, const std::string& percent = "100") {
    return hub.json({"firmware", "publish", file, "--devices", devices, "--percent", percent});
  }
  json status() { return hub.json({"firmware", "status", id}); }
  // The key that devices are given, as they are given it.
  Bytes statement_key() {
    const auto file = bench.path("statement-" + std::to_string(++keys) + ".pem");
    EXPECT_EQ(hub.cli({"firmware", "statement-key", "--out", file}).exit_status, 0);
    EXPECT_EQ(Workbench::openssl({"pkey", "-pubin", "-in", file, "-outform", "DER", "-out", bench.path("key.der")})
                  .exit_status,
              0);
    return bench.read("key.der");
  }
  static agent::Statement read(const std::string& body, const Bytes& key) {
    const auto statement = agent::read_statement(ByteView(body), ByteView(key));
    EXPECT_TRUE(statement) << body.size();
    return statement ? *statement : agent::Statement{};
  }

  Workbench bench;
  hub::signing::test::World signer;
  Bytes bundle;
  std::string id;
  std::string image_sha;
  int keys = 0;
  Hub hub;
};

TEST_F(FirmwareCampaigns, device_is_told_offered_fetches_all_of_it_and_its_reports_are_shown) {
  const auto key = statement_key();
  hub.json({"firmware", "pin", "1.3.6.1.4.1.311.97.1"});
  FirmwareDevice device(hub, "dev-1", hub.provision("dev-1"));
  ASSERT_TRUE(device.connect());
  ASSERT_TRUE(device.report("hello"));
  auto told = device.next("statement");
  EXPECT_EQ(read(told, key).version, 1u);
  device.self["pins"] = 1;

  const auto file = make(1);
  const auto published = publish(file, "dev-1");
  EXPECT_EQ(published["name"], id);
  EXPECT_EQ(mode_t(std::filesystem::status(hub.data() / "firmware" / (id + ".bundle")).permissions()), 0600u);
  EXPECT_EQ(mode_t(std::filesystem::status(hub.data() / "firmware" / "statement.key").permissions()), 0600u);
  const auto offer = device.next_json("offer");
  ASSERT_EQ(offer["id"], id);
  ASSERT_EQ(offer["size"], bundle.size());
  ASSERT_TRUE(device.report("fetching", {{"id", id}}));
  const auto fetched = device.fetch(id, bundle.size());
  EXPECT_TRUE(fetched == std::string(bundle.begin(), bundle.end())) << fetched.size();
  EXPECT_EQ(device.ask(id, bundle.size(), 1).status, 416);
  EXPECT_EQ(device.ask(id, 0, 4097).status, 400);
  EXPECT_EQ(device.ask(std::string(64, 'f'), 0, 1).status, 404);

  device.self["version"] = "1.1.0";
  device.self["image"] = image_sha;
  ASSERT_TRUE(device.report("confirmed", {{"id", id}}));
  EXPECT_EQ(device.waiting("offer"), 0u);  // which is behind the report in the hub, too
  const auto shown = status();
  EXPECT_EQ(shown["properties"]["progress"]["running"], 1);
  ASSERT_EQ(shown["devices"].size(), 1u);
  EXPECT_EQ(shown["devices"][0]["report"], "confirmed");
  EXPECT_EQ(shown["devices"][0]["runs"], true);
  ASSERT_TRUE(device.report("hello"));
  EXPECT_EQ(device.waiting("offer"), 0u);
  EXPECT_EQ(device.waiting("statement"), 0u);
}

TEST_F(FirmwareCampaigns, percentage_reaches_some_and_raising_it_the_others_and_nobody_twice) {
  const auto file = make(1);
  std::vector<std::unique_ptr<FirmwareDevice>> devices;
  std::string names;
  for (int i = 1; i <= 4; ++i) {
    const auto name = "dev-" + std::to_string(i);
    names += (names.empty() ? "" : ",") + name;
    devices.push_back(std::make_unique<FirmwareDevice>(hub, name, hub.provision(name)));
    ASSERT_TRUE(devices.back()->connect());
    ASSERT_TRUE(devices.back()->report("hello"));
    EXPECT_EQ(devices.back()->waiting("offer"), 0u);
  }
  publish(file, names, "50");
  std::vector<bool> reached;
  for (const auto& device : devices) {
    const auto answer = device->ask(id, 0, 100);
    EXPECT_EQ(device->waiting("offer"), answer.status == 200 ? 1u : 0u);
    EXPECT_TRUE(answer.status == 200 || answer.status == 404) << answer.status;
    reached.push_back(answer.status == 200);
  }
  EXPECT_EQ(status()["properties"]["progress"]["reached"], std::count(reached.begin(), reached.end(), true));
  EXPECT_EQ(hub.cli({"firmware", "raise", "--id", id, "--percent", "49"}).exit_status, 2);
  hub.json({"firmware", "raise", "--id", id.substr(0, 8), "--percent", "100"});
  for (const auto& device : devices) {
    EXPECT_EQ(device->ask(id, 0, 100).status, 200);
    EXPECT_EQ(device->waiting("offer"), 1u);
  }
}

TEST_F(FirmwareCampaigns, withdrawn_bundle_is_given_up_by_who_is_there_and_by_who_comes_later) {
  const auto file = make(1);
  FirmwareDevice here(hub, "dev-1", hub.provision("dev-1"));
  const auto other = hub.provision("dev-2");
  FirmwareDevice away(hub, "dev-2", other);
  for (auto* device : {&here, &away}) {
    ASSERT_TRUE(device->connect());
    ASSERT_TRUE(device->report("hello"));
    EXPECT_EQ(device->waiting("offer"), 0u);
  }
  publish(file, "dev-1,dev-2");
  for (auto* device : {&here, &away}) {
    EXPECT_EQ(device->next_json("offer")["id"], id);
    ASSERT_TRUE(device->report("fetching", {{"id", id}}));
    EXPECT_EQ(device->ask(id, 0, 4096).body, std::string(bundle.begin(), bundle.begin() + 4096));
  }
  away.disconnect();
  hub.json({"firmware", "withdraw", id});
  EXPECT_EQ(here.next_json("withdraw")["id"], id);
  EXPECT_EQ(here.ask(id, 4096, 4096).status, 404);
  EXPECT_FALSE(std::filesystem::exists(hub.data() / "firmware" / (id + ".bundle")));
  FirmwareDevice again(hub, "dev-2", other);
  ASSERT_TRUE(again.connect());
  ASSERT_TRUE(again.report("hello"));
  EXPECT_EQ(again.next_json("withdraw")["id"], id);
  EXPECT_EQ(again.waiting("offer"), 0u);
  EXPECT_EQ(hub.cli({"firmware", "withdraw", id}).exit_status, 4);
}

// The hub process dies in the middle of a bundle; brokers and sessions live on.
TEST_F(FirmwareCampaigns, fetching_goes_on_and_statements_come_after_the_hub_process_was_killed) {
  const auto key = statement_key();
  const auto file = make(1);
  FirmwareDevice device(hub, "dev-1", hub.provision("dev-1"));
  ASSERT_TRUE(device.connect());
  ASSERT_TRUE(device.report("hello"));
  publish(file, "dev-1");
  ASSERT_EQ(device.next_json("offer")["id"], id);
  ASSERT_TRUE(device.report("fetching", {{"id", id}}));
  std::string fetched = device.ask(id, 0, 4096).body;
  ASSERT_EQ(fetched.size(), 4096u);
  hub.kill();
  hub.start();
  while (fetched.size() < bundle.size()) {
    const auto answer = device.ask(id, fetched.size(), 4096);
    if (answer.status == 429 || answer.status == 0) continue;  // a device asks again, too
    ASSERT_EQ(answer.status, 200);
    fetched += answer.body;
  }
  EXPECT_TRUE(fetched == std::string(bundle.begin(), bundle.end()));
  EXPECT_EQ(device.waiting("offer"), 0u);  // it is busy with it
  hub.json({"firmware", "pin", "1.3.6.1.4.1.311.97.1"});
  EXPECT_EQ(read(device.next("statement"), key).version, 1u);
  EXPECT_TRUE(device.connected());
}

TEST_F(FirmwareCampaigns, key_campaigns_and_versions_outlive_a_stop) {
  const auto key = statement_key();
  hub.json({"firmware", "pin", "1.3.6.1.4.1.311.97.1"});
  const auto identity = hub.provision("dev-1");
  publish(make(1), "dev-1");
  hub.stop();
  hub.start();
  EXPECT_EQ(statement_key(), key);
  FirmwareDevice device(hub, "dev-1", identity);
  ASSERT_TRUE(device.connect());
  ASSERT_TRUE(device.report("hello"));
  EXPECT_EQ(read(device.next("statement"), key).version, 1u);
  EXPECT_EQ(device.next_json("offer")["id"], id);
  EXPECT_TRUE(device.fetch(id, bundle.size()) == std::string(bundle.begin(), bundle.end()));
  EXPECT_EQ(hub.json({"firmware", "pin", "1.3.6.1.4.1.311.97.2"})["version"], 2);
  EXPECT_EQ(read(device.next("statement"), key).version, 2u);
}

// A signing certificate of the hub's own service.
class FirmwareRevocation : public FirmwareCampaigns {
 protected:
  FirmwareRevocation() : FirmwareCampaigns(hub_that_signs().more) {}

  void SetUp() override {
    FirmwareCampaigns::SetUp();
    make_profile(hub, "rg", "contoso", "release");
    make_signer(hub, "signer", bench.path("token"));
    sign_something();
  }
  // With which the profile has a certificate.
  void sign_something() {
    const auto endpoints = json::parse(read_text(hub.work() / "endpoints.json"));
    std::string token = read_text(bench.path("token"));
    token.erase(token.find_last_not_of('\n') + 1);
    const auto digest = hub::signing::digest_of(hub::signing::Hash::kSha256, ByteView(std::string_view("firmware")));
    // Python's own TLS trusts what that variable names.
    const auto ran = run({"/usr/bin/env", "SSL_CERT_FILE=" + hub.ca_file(), LATCHKEY_PYTHON, LATCHKEY_CLIENT, "sign",
                          endpoints.at("signing"), token, "contoso", "release", "RS256",
                          hub::text::base64(ByteView(digest)), bench.path("value"), bench.path("collection")},
                         kSigningMs);
    ASSERT_EQ(ran.exit_status, 0) << ran.out << ran.err;
  }
  std::vector<std::string> of_profile(const std::string& verb) const {
    return {"signing", "certificate", verb, "-g", "rg", "--account-name", "contoso", "--profile-name", "release"};
  }
};

TEST_F(FirmwareRevocation, revoked_certificate_is_told_at_once_to_who_is_there_and_at_hello_to_the_others) {
  const auto key = statement_key();
  FirmwareDevice here(hub, "dev-1", hub.provision("dev-1"));
  ASSERT_TRUE(here.connect());
  ASSERT_TRUE(here.report("hello"));
  const auto nothing_revoked = read(here.next("statement"), key);
  EXPECT_EQ(nothing_revoked.kind, agent::StatementKind::kRevocations);
  EXPECT_EQ(nothing_revoked.version, 1u);

  const auto certificates = hub.json(of_profile("list")).at("value");
  ASSERT_EQ(certificates.size(), 1u);
  auto revoke = of_profile("revoke");
  const auto effective_at = hub::text::iso8601((static_cast<UnixMs>(std::time(nullptr)) + 3600) * 1000);
  for (const auto& word : {std::string("--thumbprint"), certificates[0].at("thumbprint").get<std::string>(),
                           std::string("--reason"), std::string("KeyCompromised"), std::string("--effective-at"),
                           effective_at.substr(0, 19) + "Z", std::string("-y")}) {
    revoke.push_back(word);
  }
  const auto ran = hub.cli(revoke);
  ASSERT_EQ(ran.exit_status, 0) << ran.err;

  const auto told = here.next("statement");
  const auto statement = read(told, key);
  EXPECT_EQ(statement.version, 2u);
  EXPECT_TRUE(agent::Revocations::read(statement));
  EXPECT_THAT(hub::text::hex(ByteView(told)), HasSubstr(certificates[0].at("serialNumber").get<std::string>()));
  FirmwareDevice later(hub, "dev-2", hub.provision("dev-2"));
  ASSERT_TRUE(later.connect());
  later.self["revocations"] = 1;
  ASSERT_TRUE(later.report("hello"));
  EXPECT_EQ(later.next("statement"), told);

  // The hub comes again, by itself and with all it knew.
  here.disconnect();
  later.disconnect();
  hub.stop();
  hub.start();
  EXPECT_EQ(statement_key(), key);
  FirmwareDevice anew(hub, "dev-3", hub.provision("dev-3"));
  ASSERT_TRUE(anew.connect());
  ASSERT_TRUE(anew.report("hello"));
  EXPECT_EQ(anew.next("statement"), told);
}

// The real agent takes what the real hub gives out, signed by the hub's own service.
class FirmwareAgent : public FirmwareRevocation {
 protected:
  void client(std::vector<std::string> words) {
    words.insert(words.begin(), {"/usr/bin/env", "SSL_CERT_FILE=" + hub.ca_file(), LATCHKEY_PYTHON, LATCHKEY_CLIENT});
    const auto ran = run(words, kSigningMs);
    ASSERT_EQ(ran.exit_status, 0) << ran.out << ran.err;
  }
  std::string token() {
    std::string text = read_text(bench.path("token"));
    return text.erase(text.find_last_not_of('\n') + 1);
  }
  std::string signing_url() const { return json::parse(read_text(hub.work() / "endpoints.json")).at("signing"); }
  void get_root() {
    client({"get",
            signing_url() + "/codesigningaccounts/contoso/certificateprofiles/release/sign/rootcert"
                            "?api-version=2022-06-15-preview",
            bench.path("root.der"), token()});
    const auto made =
        Workbench::openssl({"x509", "-inform", "DER", "-in", bench.path("root.der"), "-out", bench.path("root.pem")});
    ASSERT_EQ(made.exit_status, 0) << made.err;
  }
  // The path of the last signature: leaf first, without the root.
  std::vector<openssl::X509Ptr> path() {
    Workbench::openssl(
        {"pkcs7", "-inform", "DER", "-in", bench.path("collection"), "-print_certs", "-out", bench.path("chain.pem")});
    std::vector<openssl::X509Ptr> all;
    BIO* file = BIO_new_file(bench.path("chain.pem").c_str(), "r");
    while (X509* one = PEM_read_bio_X509(file, nullptr, nullptr, nullptr)) all.emplace_back(one);
    BIO_free(file);
    const auto issued = [](const openssl::X509Ptr& above, const openssl::X509Ptr& below) {
      return X509_NAME_cmp(X509_get_subject_name(above.get()), X509_get_issuer_name(below.get())) == 0;
    };
    all.erase(std::remove_if(all.begin(), all.end(), [&](const auto& one) { return issued(one, one); }), all.end());
    if (all.size() == 2 && issued(all[0], all[1])) std::swap(all[0], all[1]);
    return all;
  }
  std::string sign(const Bytes& image, agent::Version version) {
    hub::signing::BundleManifest manifest;
    manifest.board = "pump";
    manifest.version = version;
    manifest.size = image.size();
    manifest.sha256 = hub::signing::digest_of(hub::signing::Hash::kSha256, image);
    const auto draft = hub::signing::BundleDraft::make(manifest, hub::signing::Algorithm::kRs256);
    client({"sign", signing_url(), token(), "contoso", "release", "RS256", hub::text::base64(ByteView(draft->digest())),
            bench.path("value"), bench.path("collection")});
    const auto certificates = path();
    std::vector<X509*> plain;
    for (const auto& one : certificates) plain.push_back(one.get());
    const auto envelope = draft->finish(bench.read("value"), plain);
    EXPECT_TRUE(envelope);
    bundle = hub::signing::join_bundle(*envelope, image);
    id = hub::text::hex(ByteView(hub::signing::digest_of(hub::signing::Hash::kSha256, bundle)));
    return bench.put("bundle", bundle);
  }
  Agent::Options agent_options() {
    Agent::Options options;
    options.id = "agent-1";
    options.key_file = (hub.work() / "group.key").string();
    std::ofstream(options.key_file) << hub.group_key() << "\n";
    ::chmod(options.key_file.c_str(), 0600);
    const auto pin = hub.json(of_profile("list")).at("value").at(0).at("enhancedKeyUsage").get<std::string>();
    options.more = {"--firmware-board",
                    "pump",
                    "--firmware-roots",
                    bench.path("root.pem"),
                    "--firmware-timestamp-roots",
                    bench.path("root.pem"),
                    "--firmware-statement-key",
                    bench.path("statement-1.pem"),
                    "--firmware-pins",
                    pin,
                    "--firmware-slot-size",
                    "262144"};
    return options;
  }
  // Settled on that version: connected, and nothing under way.
  static bool wait_runs(const Agent& agent, const std::string& version) {
    return agent.wait([&](const json& now) {
      const auto firmware = now.value("firmware", json::object());
      return firmware.value("version", "") == version && firmware.value("state", "") == "idle" &&
             now.value("connected", false);
    });
  }
  // Until the hub heard that from the only device.
  bool wait_heard(const std::string& report, const std::string& reason = {}) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
    while (std::chrono::steady_clock::now() < end) {
      auto devices = status().value("devices", json::array());
      if (devices.size() == 1 && devices[0]["report"] == report && (reason.empty() || devices[0]["reason"] == reason)) {
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }
};

TEST_F(FirmwareAgent, agent_is_updated_and_goes_back_when_the_certificate_is_revoked_from_before) {
  const auto from =
      hub::text::iso8601(static_cast<UnixMs>(std::time(nullptr)) * 1000);  // there is a certificate by now
  (void)statement_key();                                                   // into statement-1.pem
  ASSERT_NO_FATAL_FAILURE(get_root());
  const auto file = sign(Bytes(100'000, 0x42), {1, 2, 0});
  Agent agent(hub, agent_options());
  agent.start();
  ASSERT_TRUE(agent.wait_connected()) << agent.log();
  publish(file, "agent-1");
  ASSERT_TRUE(wait_runs(agent, "1.2.0")) << agent.log();
  EXPECT_TRUE(wait_heard("confirmed")) << status().dump();
  EXPECT_EQ(status()["properties"]["progress"]["running"], 1);

  const auto certificate = hub.json(of_profile("list")).at("value").at(0);
  auto revoke = of_profile("revoke");
  for (const auto& word :
       {std::string("--thumbprint"), certificate.at("thumbprint").get<std::string>(), std::string("--reason"),
        std::string("KeyCompromised"), std::string("--effective-at"), from.substr(0, 19) + "Z", std::string("-y")}) {
    revoke.push_back(word);
  }
  const auto ran = hub.cli(revoke);
  ASSERT_EQ(ran.exit_status, 0) << ran.err;
  ASSERT_TRUE(wait_runs(agent, "1.0.0")) << agent.log();
  EXPECT_NE(agent.log().find("which runs, is revoked"), std::string::npos) << agent.log();
  // Offered once more with the new statement, and refused by it.
  EXPECT_TRUE(wait_heard("refused", "revoked")) << status().dump();
  EXPECT_EQ(status()["properties"]["progress"]["running"], 0);
}

}  // namespace
}  // namespace latchkey::tests
