// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/registry/signing/signing_fixture.h"

namespace latchkey::registry::signing {
namespace {

using testing::HasSubstr;

// Every state and every event: what stands here was written from the rules, not from the table.
// Rows: S-6-42, S-6-43, S-6-44, S-6-45, S-6-46
TEST(ValidationMachine, every_state_and_event_has_its_step) {
  using enum ValidationState;
  using enum ValidationEvent;
  struct Known {
    ValidationState from;
    ValidationEvent event;
    ValidationState to;
  };
  const Known moves[] = {{kInProgress, kEmailVerified, kInProgress},
                         {kActionRequired, kEmailVerified, kActionRequired},
                         {kRenewing, kEmailVerified, kRenewing},
                         {kInProgress, kEmailFailed, kFailed},
                         {kActionRequired, kEmailFailed, kFailed},
                         {kRenewing, kEmailFailed, kCompleted},
                         {kInProgress, kLinkLapsed, kFailed},
                         {kActionRequired, kLinkLapsed, kFailed},
                         {kRenewing, kLinkLapsed, kCompleted},
                         {kInProgress, kMoreNeeded, kActionRequired},
                         {kActionRequired, kDocumentsSupplied, kInProgress},
                         {kActionRequired, kProofPresented, kCompleted},
                         {kInProgress, kAccepted, kCompleted},
                         {kActionRequired, kAccepted, kCompleted},
                         {kRenewing, kAccepted, kCompleted},
                         {kInProgress, kRefused, kFailed},
                         {kActionRequired, kRefused, kFailed},
                         {kRenewing, kRefused, kCompleted},
                         {kCompleted, kRenewalAsked, kRenewing},
                         {kCompleted, kValidityOver, kExpired},
                         {kRenewing, kValidityOver, kExpired}};
  for (const auto state : kValidationStates) {
    for (std::size_t i = 0; i < kValidationEvents; ++i) {
      const auto event = static_cast<ValidationEvent>(i);
      const auto next = step(state, event);
      const auto what = std::string(to_string(state)) + ", " + std::string(to_string(event));
      const Known* known = nullptr;
      for (const auto& one : moves) {
        if (one.from == state && one.event == event) known = &one;
      }
      if (known != nullptr) {
        EXPECT_EQ(next.move, Move::kTo) << what;
        EXPECT_EQ(next.state, known->to) << what;
      } else if (event == kDelete) {
        EXPECT_EQ(next.move, state == kInProgress ? Move::kNo : Move::kGone) << what;
      } else {
        EXPECT_TRUE(next.move == Move::kNo || next.move == Move::kCannot) << what;
        EXPECT_EQ(next.move == Move::kCannot, event == kLinkLapsed || event == kValidityOver) << what;
      }
    }
  }
}

class IdentityForm : public testing::Test {
 protected:
  Outcome<Identity> check(const Identity& one, bool terms = true) {
    return checked_identity(one, terms, "Tenant", kNow);
  }
  void expect_refused(Identity one, Field field, const std::string& value, const std::string& member) {
    one[field] = value;
    const auto refused = check(one);
    ASSERT_FALSE(refused) << member << " " << value;
    EXPECT_EQ(refused.error().reason, Reason::kInvalidArgument);
    EXPECT_THAT(refused.error().detail, HasSubstr("'" + member + "'"));
  }
};

// Rows: S-6-50, S-6-54
TEST_F(IdentityForm, organization_gives_all_but_seller_id_and_unit) {
  EXPECT_TRUE(check(organization()));
  for (const auto& rule : field_rules()) {
    const auto need = rule.need(IdentityKind::kPublic, IdentitySubject::kOrganization);
    if (need == Need::kRequired) expect_refused(organization(), rule.field, "", std::string(rule.name));
    if (need == Need::kNone) expect_refused(organization(), rule.field, "US", std::string(rule.name));
    expect_refused(organization(), rule.field, std::string(300, 'A'), std::string(rule.name));
    expect_refused(organization(), rule.field, "a\nb", std::string(rule.name));
  }
  auto store = organization();
  store[Field::kSellerId] = "12345";
  EXPECT_TRUE(check(store));
}

// Rows: S-6-51, S-6-52
TEST_F(IdentityForm, unit_is_for_private_and_the_tenants_name_is_the_private_default) {
  expect_refused(organization(), Field::kOrganizationalUnit, "Devices", "organizationalUnit");
  const auto taken = check(private_organization());
  ASSERT_TRUE(taken);
  EXPECT_EQ((*taken)[Field::kOrganizationName], "Tenant");
  auto named = private_organization();
  named[Field::kOrganizationName] = "Own Name";
  EXPECT_EQ((*check(named))[Field::kOrganizationName], "Own Name");
}

// Rows: S-6-53
TEST_F(IdentityForm, secondary_email_is_another_of_the_same_domain) {
  expect_refused(organization(), Field::kSecondaryEmail, "LEGAL@Contoso.com", "secondaryEmail");
  expect_refused(organization(), Field::kSecondaryEmail, "ops@contoso.org", "secondaryEmail");
  expect_refused(organization(), Field::kPrimaryEmail, "nobody", "primaryEmail");
  auto cased = organization();
  cased[Field::kSecondaryEmail] = "ops@CONTOSO.com";
  EXPECT_TRUE(check(cased));
}

// Rows: S-6-47
TEST_F(IdentityForm, organization_is_three_years_old) {
  auto one = organization();
  for (const auto* day : {"2027-03-17", "2000-01-01", "1899-12-31"}) {  // today is 2030-03-17
    one.incorporated = day;
    EXPECT_TRUE(check(one)) << day;
  }
  for (const auto* day : {"2027-03-18", "2029-01-01", "2031-01-01", "", "2015-02-29", "15-01-01", "2015-1-1"}) {
    one.incorporated = day;
    EXPECT_FALSE(check(one)) << day;
  }
}

// Rows: S-6-48
TEST_F(IdentityForm, terms_come_first) {
  const auto refused = check(organization(), false);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr("termsAccepted"));
}

// Rows: S-6-49, S-6-56
TEST_F(IdentityForm, individual_is_public_and_has_neither_second_email_nor_website_nor_business_id) {
  EXPECT_TRUE(check(individual()));
  auto hidden = individual();
  hidden.kind = IdentityKind::kPrivate;
  EXPECT_FALSE(check(hidden));
  expect_refused(individual(), Field::kSecondaryEmail, "other@example.org", "secondaryEmail");
  expect_refused(individual(), Field::kWebsite, "https://example.org", "websiteUrl");
  expect_refused(individual(), Field::kBusinessIdentifier, "1", "businessIdentifier");
  for (const auto field : {Field::kFirstName, Field::kLastName, Field::kPrimaryEmail, Field::kStreet, Field::kCity,
                           Field::kState, Field::kCountry, Field::kPostalCode}) {
    auto without = individual();
    without[field] = "";
    EXPECT_FALSE(check(without)) << static_cast<int>(field);
  }
}

// Rows: S-6-26, S-6-57, S-6-58
TEST_F(IdentityForm, subject_has_name_and_place_and_never_email_or_street_unless_asked) {
  auto parts = subject_of(organization(), ProfileType::kPublicTrust, 0);
  EXPECT_EQ(parts.common_name, "Contoso Inc");
  EXPECT_EQ(parts.organization, "Contoso Inc");
  EXPECT_EQ(parts.city + parts.state + parts.country, "New YorkNew YorkUS");
  EXPECT_EQ(parts.street + parts.postal_code + parts.organizational_unit, "");
  parts = subject_of(organization(), ProfileType::kPublicTrust, kIncludeStreet | kIncludePostalCode);
  EXPECT_EQ(parts.street, "1 Main Street");
  EXPECT_EQ(parts.postal_code, "10001");
  parts = subject_of(individual(), ProfileType::kPublicTrust, 0);
  EXPECT_EQ(parts.common_name, "Ada Lovelace");
  EXPECT_EQ(parts.city, "London");
  parts = subject_of(private_organization(), ProfileType::kPrivateTrust, 0);
  EXPECT_EQ(parts.city + parts.state + parts.country, "");
  EXPECT_EQ(parts.organizational_unit, "Devices");
  parts = subject_of(private_organization(), ProfileType::kPrivateTrust, kIncludeCountry);
  EXPECT_EQ(parts.country, "US");
}

class SigningValidations : public SigningTest {
 protected:
  void SetUp() override {
    SigningTest::SetUp();
    prepare();
    make_account();
  }
  void later(UnixMs by) { call.now += by; }
};

// Rows: S-6-42, S-6-59, S-6-65, S-6-66
TEST_F(SigningValidations, organization_goes_from_request_over_documents_to_completed_with_a_mail_each_time) {
  const auto made = make_validation(organization());
  EXPECT_EQ(made.state, ValidationState::kInProgress);
  EXPECT_EQ(mails().size(), 3u);  // the link, and the news to both addresses
  EXPECT_EQ(mails()[0].recipient, "legal@contoso.com");
  decide(made, ValidationEvent::kEmailVerified);
  later(7 * kDay);  // of processing: it is as long as the verifier takes
  EXPECT_EQ(state_of(made), ValidationState::kInProgress);
  decide(made, ValidationEvent::kMoreNeeded);
  EXPECT_EQ(state_of(made), ValidationState::kActionRequired);
  EXPECT_THAT(mails().back().subject, HasSubstr("Action Required"));
  EXPECT_EQ(must(validations().submit(call, all(), made.uuid, {business_document()})).state,
            ValidationState::kInProgress);
  const auto done = decide(made, ValidationEvent::kAccepted);
  EXPECT_EQ(done.state, ValidationState::kCompleted);
  EXPECT_EQ(done.expires, call.now + kValidationLivesMs);
  EXPECT_EQ(mails().size(), 9u);
  EXPECT_EQ(mails().back().recipient, "ops@contoso.com");
  EXPECT_THAT(mails().back().subject, HasSubstr("Completed"));
}

// Rows: S-6-44, S-6-60
TEST_F(SigningValidations, individual_presents_proof_with_exactly_the_primary_email) {
  const auto made = make_validation(individual());
  EXPECT_REFUSED(validations().present(call, all(), made.uuid, {"ada@example.org", passport()}),
                 Reason::kValidationState);
  decide(made, ValidationEvent::kMoreNeeded);
  for (const auto* other : {"Ada@example.org", "ada@example.com", ""}) {
    EXPECT_REFUSED(validations().present(call, all(), made.uuid, {other, passport()}), Reason::kInvalidArgument);
  }
  EXPECT_REFUSED(validations().submit(call, all(), made.uuid, {passport()}), Reason::kInvalidArgument);
  const auto done = must(validations().present(call, all(), made.uuid, {"ada@example.org", passport()}));
  EXPECT_EQ(done.state, ValidationState::kCompleted);
  EXPECT_EQ(mails().back().recipient, "ada@example.org");
}

// Rows: S-6-61, S-6-45
TEST_F(SigningValidations, link_dies_seven_days_after_it_was_sent) {
  const auto made = make_validation(organization());
  later(7 * kDay - 1);
  EXPECT_EQ(state_of(made), ValidationState::kInProgress);
  later(1);
  EXPECT_EQ(state_of(made), ValidationState::kFailed);
  EXPECT_REFUSED(validations().decide(call, all(), made.uuid, ValidationEvent::kEmailVerified, ""),
                 Reason::kValidationState);
  EXPECT_THAT(mails().back().body, HasSubstr("Make a new request"));
  const auto another = make_validation(organization());
  later(7 * kDay - 1);
  decide(another, ValidationEvent::kEmailVerified);
  later(30 * kDay);
  EXPECT_EQ(state_of(another), ValidationState::kInProgress);
}

TEST_F(SigningValidations, failed_is_the_end_of_a_request) {
  const auto made = make_validation(organization());
  decide(made, ValidationEvent::kEmailFailed);
  for (const auto event : {ValidationEvent::kEmailVerified, ValidationEvent::kAccepted, ValidationEvent::kMoreNeeded}) {
    EXPECT_REFUSED(validations().decide(call, all(), made.uuid, event, ""), Reason::kValidationState);
  }
  const auto refused = make_validation(organization());
  EXPECT_EQ(must(validations().decide(call, all(), refused.uuid, ValidationEvent::kRefused, "no records")).reason,
            "no records");
}

TEST_F(SigningValidations, is_accepted_only_with_a_verified_address) {
  const auto made = make_validation(organization());
  EXPECT_REFUSED(validations().decide(call, all(), made.uuid, ValidationEvent::kAccepted, ""),
                 Reason::kValidationState);
  decide(made, ValidationEvent::kEmailVerified);
  EXPECT_REFUSED(validations().decide(call, all(), made.uuid, ValidationEvent::kEmailVerified, ""),
                 Reason::kValidationState);
  EXPECT_REFUSED(validations().decide(call, all(), made.uuid, ValidationEvent::kValidityOver, ""),
                 Reason::kInvalidArgument);
  EXPECT_EQ(decide(made, ValidationEvent::kAccepted).state, ValidationState::kCompleted);
}

// Rows: S-6-86
TEST_F(SigningValidations, documents_are_submitted_three_times_at_the_most) {
  const auto made = make_validation(organization());
  decide(made, ValidationEvent::kEmailVerified);
  for (int i = 0; i < 3; ++i) {
    decide(made, ValidationEvent::kMoreNeeded);
    ASSERT_TRUE(validations().submit(call, all(), made.uuid, {business_document()}));
  }
  decide(made, ValidationEvent::kMoreNeeded);
  EXPECT_REFUSED(validations().submit(call, all(), made.uuid, {business_document()}), Reason::kValidationState);
}

TEST_F(SigningValidations, is_renewed_from_sixty_days_before_its_end_and_expires_otherwise) {
  const auto made = make_completed(organization());
  call.now = made.expires - 60 * kDay - 1;
  EXPECT_REFUSED(validations().renew(call, all(), made.uuid), Reason::kValidationState);
  later(1);
  EXPECT_EQ(must(validations().settle(call)), 1u);
  EXPECT_THAT(mails().back().subject, HasSubstr("ends soon"));
  EXPECT_EQ(must(validations().settle(call)), 0u);  // one reminder
  const auto renewing = must(validations().renew(call, all(), made.uuid));
  EXPECT_TRUE(renewing.completed());
  EXPECT_EQ(to_string(renewing.state), "Completed");
  decide(made, ValidationEvent::kEmailVerified);
  EXPECT_EQ(decide(made, ValidationEvent::kAccepted).expires, made.expires + kValidationLivesMs);
  call.now = made.expires + kValidationLivesMs - 1;
  EXPECT_EQ(state_of(made), ValidationState::kCompleted);
  later(1);
  EXPECT_EQ(state_of(made), ValidationState::kExpired);
  EXPECT_REFUSED(make_profile("release", ProfileType::kPublicTrust, made), Reason::kValidationNotCompleted);
  EXPECT_REFUSED(validations().renew(call, all(), made.uuid), Reason::kValidationState);
}

TEST_F(SigningValidations, renewal_that_comes_to_nothing_leaves_it_good_until_its_end) {
  const auto made = make_completed(organization());
  call.now = made.expires - 30 * kDay;
  ASSERT_TRUE(validations().renew(call, all(), made.uuid));
  later(7 * kDay);  // nobody followed the link
  EXPECT_EQ(state_of(made), ValidationState::kCompleted);
  EXPECT_EQ(must(validations().find(all(), made.uuid, call.now)).expires, made.expires);
}

TEST_F(SigningValidations, is_deleted_for_good_but_not_while_in_progress) {
  const auto open = make_validation(organization());
  EXPECT_REFUSED(validations().remove(call, all(), open.uuid), Reason::kValidationState);
  const auto made = make_completed(organization());
  ASSERT_TRUE(make_profile("release", ProfileType::kPublicTrust, made));
  ASSERT_TRUE(validations().remove(call, all(), made.uuid));
  EXPECT_REFUSED(validations().find(all(), made.uuid, call.now), Reason::kNotFound);
  EXPECT_FALSE(must(accounts().place_of("contoso", "release")).validation);
}

// Rows: S-6-62
TEST_F(SigningValidations, belongs_to_the_subscription_and_is_seen_in_the_account_that_made_it) {
  const auto made = make_completed(organization());
  make_account("fabrikam");
  EXPECT_TRUE(validations().find({home, where, "contoso"}, made.uuid, call.now));
  EXPECT_REFUSED(validations().find({home, where, "fabrikam"}, made.uuid, call.now), Reason::kNotFound);
  EXPECT_TRUE(
      accounts().create_profile(call, where, "fabrikam", profile_form("release", ProfileType::kPublicTrust, made)));
  EXPECT_REFUSED(validations().find({"7a1d6a3e-0000-4000-8000-00000000000a", {}, {}}, made.uuid, call.now),
                 Reason::kNotFound);
}

class SigningDocuments : public testing::Test {
 protected:
  void expect(Document document, const Identity& identity, bool good) {
    EXPECT_EQ(check_document(document, identity, kNow).has_value(), good)
        << document.kind << " " << document.issued_on << " " << document.expires_on;
  }
};

// Rows: S-6-63
TEST_F(SigningDocuments, are_of_the_last_12_months_or_good_for_two_more) {
  auto one = business_document();
  const std::tuple<const char*, const char*, bool> cases[] = {
      {"2029-03-17", "", true},           {"2029-03-16", "", false},
      {"2020-01-01", "2030-05-17", true}, {"2020-01-01", "2030-05-16", false},
      {"", "2031-01-01", true},           {"", "", false},
      {"2030-03-18", "", false},          {"yesterday", "2031-01-01", false},
      {"2029-06-01", "soon", false}};
  for (const auto& [issued, expires, good] : cases) {
    one.issued_on = issued;
    one.expires_on = expires;
    expect(one, organization(), good);
  }
}

// Rows: S-6-64
TEST_F(SigningDocuments, name_what_the_request_names) {
  auto one = business_document();
  one.names = "CONTOSO INC";
  expect(one, organization(), true);
  one.names = "Fabrikam";
  expect(one, organization(), false);
  one = business_document();
  one.address = "2 Main Street, 10001 New York";
  expect(one, organization(), false);
  Document domain = {"domainInvoice", "2030-01-01", "", "Contoso Inc", "", "contoso.com", false, false, false};
  expect(domain, organization(), true);
  domain.domain = "contoso.org";
  expect(domain, organization(), false);
}

// Rows: S-6-67, S-6-68, S-6-69
TEST_F(SigningDocuments, of_individuals_are_a_governments_and_bills_of_three_months) {
  for (const auto* kind : {"passport", "drivingLicence", "idCard", "socialSecurityCard"}) {
    auto one = passport();
    one.kind = kind;
    expect(one, individual(), true);
    expect(one, organization(), false);
  }
  for (const auto* kind : {"libraryCard", "schoolId", "clubCard", "ticket"}) {
    auto one = passport();
    one.kind = kind;
    expect(one, individual(), false);
  }
  for (const auto* kind : {"electricityBill", "waterBill", "gasBill", "telephoneBill", "bankStatement"}) {
    Document bill = {kind, "2029-12-17", "", "Ada Lovelace", "2 Side Street, London N1", "", false, false, false};
    expect(bill, individual(), true);
    bill.issued_on = "2029-12-16";
    expect(bill, individual(), false);
  }
  for (const auto flag : {&Document::edited, &Document::cropped, &Document::handwritten}) {
    auto one = passport();
    one.*flag = true;
    expect(one, individual(), false);
  }
}

}  // namespace
}  // namespace latchkey::registry::signing
