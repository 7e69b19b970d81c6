// SPDX-License-Identifier: Apache-2.0
// A registry in a folder of its own, with the ground prepared: group "rg", the provider registered.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "platform/openssl/digest.h"
#include "registry/signing/accounts.h"
#include "registry/signing/ground.h"
#include "registry/signing/identity_form.h"
#include "registry/signing/validations.h"
#include "tests/unit/registry/store/store_under_test.h"

namespace latchkey::registry::signing {

inline constexpr UnixMs kNow = 1'900'000'000'000;  // 2030-03-17
inline constexpr UnixMs kDay = 24LL * 60 * 60 * 1000;

// It is a refusal, for that reason, and says something.
#define EXPECT_REFUSED(expression, expected)                                   \
  do {                                                                         \
    const auto& refused_outcome = (expression);                                \
    ASSERT_FALSE(refused_outcome) << "not refused";                            \
    EXPECT_EQ(to_string(refused_outcome.error().reason), to_string(expected)); \
    EXPECT_FALSE(refused_outcome.error().detail.empty());                      \
  } while (false)

template <class T>
T must(Outcome<T> outcome) {
  EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().detail);
  return outcome ? std::move(*outcome) : T{};
}

inline Identity organization() {
  Identity one;
  one[Field::kOrganizationName] = "Contoso Inc";
  one[Field::kWebsite] = "https://www.contoso.com/about";
  one[Field::kPrimaryEmail] = "legal@contoso.com";
  one[Field::kSecondaryEmail] = "ops@contoso.com";
  one[Field::kBusinessIdentifier] = "HRB 4711";
  one[Field::kStreet] = "1 Main Street";
  one[Field::kCity] = "New York";
  one[Field::kState] = "New York";
  one[Field::kCountry] = "US";
  one[Field::kPostalCode] = "10001";
  one.incorporated = "2015-03-31";
  return one;
}

inline Identity private_organization() {
  auto one = organization();
  one.kind = IdentityKind::kPrivate;
  one[Field::kOrganizationName] = "";
  one[Field::kOrganizationalUnit] = "Devices";
  return one;
}

inline Identity individual() {
  Identity one;
  one.subject = IdentitySubject::kIndividual;
  one[Field::kFirstName] = "Ada";
  one[Field::kLastName] = "Lovelace";
  one[Field::kPrimaryEmail] = "ada@example.org";
  one[Field::kStreet] = "2 Side Street";
  one[Field::kCity] = "London";
  one[Field::kState] = "London";
  one[Field::kCountry] = "GB";
  one[Field::kPostalCode] = "N1";
  return one;
}

inline Document business_document() {
  return {"businessRegistration",
          "2030-01-10",
          "",
          "Contoso Inc",
          "1 Main Street, 10001 New York",
          "",
          false,
          false,
          false};
}
inline Document passport() {
  return {"passport", "2022-01-10", "2032-01-09", "Ada Lovelace", "", "", false, false, false};
}

class SigningTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Registry::open({path, 256, false, nullptr, {}}, openssl::host_digest());
    ASSERT_TRUE(opened) << opened.error().detail;
    registry = std::move(*opened);
    home = **registry->setting(std::string(kSubscriptionSetting));
    where = {home, "rg"};
  }
  // The group "rg", with the provider registered.
  void prepare() {
    ASSERT_TRUE(ground().create_group(call, where, "local", ""));
    ASSERT_TRUE(ground().register_provider(call, home, "Microsoft.CodeSigning"));
  }
  Account make_account(const std::string& name = "contoso", Sku sku = Sku::kBasic) {
    return must(accounts().create(call, where, {name, "EastUS", sku, ""}));
  }
  Validation make_validation(const Identity& identity) {
    return must(validations().create(call, where, "contoso", identity, true));
  }
  Validation decide(const Validation& one, ValidationEvent event) {
    return must(validations().decide(call, all(), one.uuid, event, ""));
  }
  Validation make_completed(const Identity& identity) {
    const auto made = make_validation(identity);
    decide(made, ValidationEvent::kEmailVerified);
    return decide(made, ValidationEvent::kAccepted);
  }
  NewProfile profile_form(const std::string& name, ProfileType type, const Validation& validation) {
    return {name, type, validation.uuid, 0, "1.3.6.1.4.1.311.97.7." + std::to_string(++ekus_)};
  }
  Outcome<Profile> make_profile(const std::string& name, ProfileType type, const Validation& validation) {
    return accounts().create_profile(call, where, "contoso", profile_form(name, type, validation));
  }
  ValidationState state_of(const Validation& one) { return must(validations().find(all(), one.uuid, call.now)).state; }

  Validations::Wanted all() const { return {home, {}, {}}; }
  Ground ground() { return Ground(rows_of(*registry)); }
  Accounts accounts() { return Accounts(rows_of(*registry)); }
  Validations validations() { return Validations(rows_of(*registry)); }
  AuditRecord last_audit() { return registry->list_audit(0, 1)->front(); }
  std::vector<Mail> mails() { return must(validations().waiting_mails(1000)); }

  tests::MemoryFolder folder;
  std::string path = store_in(folder);
  std::unique_ptr<Registry> registry;
  std::string home;
  Where where;
  Call call{"tester", kNow};

 private:
  int ekus_ = 0;
};

}  // namespace latchkey::registry::signing
