// SPDX-License-Identifier: Apache-2.0
// Management over a real signing service, with an account, a completed validation and a profile that has signed on
// three days: three certificates, of which the last one is current.
#pragma once

#include "hub/app/signing/signing.h"
#include "hub/app/signing/signing_keys.h"
#include "hub/app/signing/signing_revocations.h"
#include "hub/ca/file_key_provider.h"
#include "registry/operations/rows.h"
#include "tests/unit/hub/management/role_support.h"

namespace latchkey::hub::app {

class SetClock final : public ports::Clock {
 public:
  UnixMs now() const override { return at; }
  ports::MonotonicMs monotonic() const override { return 0; }
  UnixMs at = 0;
};

class SigningWorld : public management::RolesTest {
 protected:
  using json = nlohmann::json;
  using Method = management::Method;
  static constexpr UnixMs kHour = 3'600'000;
  static constexpr UnixMs kDay = 24 * kHour;

  void SetUp() override {
    time.at = kFirst;
    reread(registry::roles::Parity::kSeed);
    ASSERT_EQ(put("/resourceGroups/rg", {{"location", "EastUS"}}).status, 201);
    ASSERT_EQ(post("/providers/Microsoft.CodeSigning/register").status, 200);
    ASSERT_EQ(put(kAccount, {{"location", "eastus"}}).status, 201);
    validation = post(kAccount + "/identityValidations", identity()).body.value("name", "");
    for (const char* event : {"emailVerified", "accept"}) {
      ASSERT_EQ(post("/identityValidations/" + validation + "/decide", {{"event", event}}).status, 200);
    }
    make_profile("release");
    for (int day = 0; day < 3; ++day) {
      time.at = kFirst + day * kDay;
      sign();
    }
    certificates = shown();
    ASSERT_EQ(certificates.size(), 3u);
  }
  void TearDown() override { service->close(); }

  // Management as it is run: with the service.
  void reread(registry::roles::Parity parity) {
    if (!service) open_service();
    management::Parts parts{*registry, time, played, played, played, played};
    parts.parity = parity;
    parts.revocations = revocations.get();
    management = std::make_unique<management::Management>(parts);
  }
  void make_profile(const std::string& name) {
    const json body = {{"properties", {{"profileType", "PublicTrust"}, {"identityValidationId", validation}}}};
    ASSERT_EQ(put(kAccount + "/certificateProfiles/" + name, body).status, 201);
  }
  // Whether it was signed. The profile's key is a curve, as an RSA key takes seconds to make.
  bool sign() {
    auto facts = *directory->find("contoso", "release");
    facts.key = signing::KeyKind::kEcP256;
    const signing::Bytes digest(32, 1);
    const auto done = service->signing().sign({"tester", time.at}, facts, signing::Algorithm::kEs256, digest);
    return done && done->status == registry::signing::OperationStatus::kSucceeded;
  }
  json shown() { return get(kProfile).body["properties"]["certificates"]; }
  // A revocation of that certificate as it is asked for.
  static json order(const json& certificate, const std::string& from, const std::string& reason = "KeyCompromised") {
    return {{"serialNumber", certificate["serialNumber"]},
            {"thumbprint", certificate["thumbprint"]},
            {"effectiveAt", from},
            {"reason", reason},
            {"remarks", "stolen"}};
  }
  void expect_untouched() { EXPECT_EQ(shown(), certificates); }

  static constexpr UnixMs kFirst = 1'795'093'338'000;  // 2026-11-19T13:02:18Z
  const std::string kAccount = "/resourceGroups/rg/codeSigningAccounts/contoso";
  const std::string kProfile = kAccount + "/certificateProfiles/release";
  const std::string kFrom = "2026-11-19T18:00:00Z";  // within the validity of the first

  SetClock time;
  std::string validation;
  json certificates;
  std::unique_ptr<ca::FileKeyProvider> files;
  std::unique_ptr<SigningKeys> keys;
  std::unique_ptr<SigningDirectory> directory;
  std::unique_ptr<signing::Service> service;
  std::unique_ptr<SigningRevocations> revocations;

 private:
  static json identity() {
    return {{"properties",
             {{"organizationName", "Contoso Inc"},
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
  void open_service() {
    files = std::move(*ca::FileKeyProvider::open(folder.file("signing-keys")));
    keys = std::make_unique<SigningKeys>(*files);
    directory = std::make_unique<SigningDirectory>(*registry, time);
    signing::Service::Options options;
    options.authorities.ca_key = signing::KeyKind::kEcP256;
    options.authorities.timestamper_key = signing::KeyKind::kEcP256;
    options.signing.workers = 1;
    auto opened = signing::Service::open(rows_of(*registry), *keys, *directory, directory.get(),
                                         [this] { return time.at; }, options, {"tester", time.at});
    ASSERT_TRUE(opened) << opened.error().detail;
    service = std::move(*opened);
    revocations = std::make_unique<SigningRevocations>(*service);
  }
};

}  // namespace latchkey::hub::app
