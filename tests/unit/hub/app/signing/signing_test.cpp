// SPDX-License-Identifier: Apache-2.0
// What the signing service is told of the control plane.
#include "hub/app/signing/signing.h"

#include "hub/app/signing/signing_watch.h"
#include "tests/unit/registry/signing/signing_fixture.h"

namespace latchkey::hub::app {
namespace {

using registry::Reason;
using registry::signing::kDay;
using registry::signing::ProfileStatus;
using registry::signing::ProfileType;

class SetClock final : public ports::Clock {
 public:
  UnixMs now() const override { return at; }
  ports::MonotonicMs monotonic() const override { return 0; }
  UnixMs at = registry::signing::kNow;
};

class SigningDirectoryTest : public registry::signing::SigningTest {
 protected:
  void SetUp() override {
    SigningTest::SetUp();
    prepare();
    make_account();
    validation = make_completed(registry::signing::organization());
    ASSERT_TRUE(make_profile("release", ProfileType::kPublicTrust, validation));
    directory = std::make_unique<SigningDirectory>(*registry, clock);
  }

  SetClock clock;
  registry::signing::Validation validation;
  std::unique_ptr<SigningDirectory> directory;
};

TEST_F(SigningDirectoryTest, profile_is_found_with_all_that_a_certificate_needs) {
  const auto facts = directory->find("CONTOSO", "Release");
  ASSERT_TRUE(facts) << facts.error().detail;
  EXPECT_EQ(facts->region, "EastUS");
  EXPECT_EQ(facts->type, signing::ProfileType::kPublicTrust);
  EXPECT_EQ(signing::subject_text(facts->subject), "CN=Contoso Inc, O=Contoso Inc, L=New York, S=New York, C=US");
  EXPECT_TRUE(signing::check_subject(facts->subject));
  EXPECT_EQ(facts->validation, signing::ValidationStanding::kCompleted);
  EXPECT_EQ(facts->resource(), "codeSigningAccounts/contoso/certificateProfiles/release");
  EXPECT_REFUSED(directory->find("contoso", "other"), Reason::kNotFound);
  EXPECT_EQ(directory->active()->size(), 1u);
}

// Rows: S-6-11, S-6-13
TEST_F(SigningDirectoryTest, what_ends_on_the_control_plane_ends_here) {
  clock.at = validation.expires;
  EXPECT_EQ(directory->find("contoso", "release")->validation, signing::ValidationStanding::kLapsed);
  clock.at = registry::signing::kNow;
  ASSERT_TRUE(accounts().suspend(call, where, "contoso", true));
  EXPECT_EQ(directory->find("contoso", "release")->account_standing, signing::Standing::kSuspended);
  ASSERT_TRUE(validations().remove(call, all(), validation.uuid));
  EXPECT_EQ(directory->find("contoso", "release")->validation, signing::ValidationStanding::kLapsed);
  ASSERT_TRUE(accounts().remove_profile(call, where, "contoso", "release"));
  EXPECT_REFUSED(directory->find("contoso", "release"), Reason::kNotFound);
  EXPECT_TRUE(directory->active()->empty());
}

TEST_F(SigningDirectoryTest, revocation_disables_the_profile_and_tells_the_addresses) {
  const auto facts = *directory->find("contoso", "release");
  ASSERT_TRUE(directory->disable(call, facts));
  ASSERT_TRUE(directory->disable(call, facts));  // once more is no harm
  EXPECT_EQ(directory->find("contoso", "release")->profile_standing, signing::Standing::kDisabled);
  const auto before = mails().size();
  registry::signing::Certificate certificate;
  certificate.serial = {0x12, 0xAB};
  certificate.revocation.effective_at = registry::signing::kNow;
  directory->revoked(facts, certificate);
  const auto written = mails();
  ASSERT_EQ(written.size(), before + 2);
  EXPECT_EQ(written.back().recipient, "ops@contoso.com");
  EXPECT_THAT(written.back().body, testing::HasSubstr("Serial number: 12ab\nFrom: 2030-03-17T"));
}

TEST_F(SigningDirectoryTest, role_decides_at_the_profile_and_who_may_not_learns_no_names) {
  SigningGatekeeper gatekeeper(*registry, clock, registry::roles::Parity::kSeed);
  const auto give = [&](const std::string& name, const std::string& role, std::uint8_t number) {
    registry::NewPrincipal wanted;
    wanted.name = name;
    wanted.digest[0] = number;
    wanted.expires = clock.at + kDay;
    const auto made = registry->create_principal(call, wanted);
    EXPECT_TRUE(made);
    Uuid id;
    id.bytes[0] = number;
    const auto scope = "/subscriptions/" + home + "/resourceGroups/rg";
    EXPECT_TRUE(registry->create_role_assignment(call, {id, name, role, scope}));
    return signing::Gatekeeper::Caller{"principal:" + name, made->value.id};
  };
  using signing::Right;
  const auto signer = give("signer", "Artifact Signing Certificate Profile Signer", 1);
  const auto owner = give("owner", "Owner", 2);
  const auto reader = give("reader", "Reader", 3);
  EXPECT_TRUE(gatekeeper.authorize(signer, Right::kSign, "contoso", "release"));
  EXPECT_TRUE(gatekeeper.authorize(signer, Right::kHistory, "contoso", "release"));
  EXPECT_TRUE(gatekeeper.authorize(owner, Right::kHistory, "contoso", "release"));
  EXPECT_TRUE(gatekeeper.authorize(reader, Right::kRead, "contoso", "release"));
  EXPECT_REFUSED(gatekeeper.authorize(owner, Right::kSign, "contoso", "release"), Reason::kUnauthorized);
  EXPECT_REFUSED(gatekeeper.authorize(reader, Right::kHistory, "contoso", "release"), Reason::kUnauthorized);
  const auto none = gatekeeper.authorize(signer, Right::kSign, "contoso", "nothing");
  EXPECT_REFUSED(none, Reason::kUnauthorized);
  const auto not_his = gatekeeper.authorize(reader, Right::kSign, "contoso", "release");
  std::string detail = none.error().detail;
  EXPECT_EQ(detail.replace(detail.find("signer"), 6, "reader"), not_his.error().detail);
}

TEST_F(SigningDirectoryTest, watch_does_what_time_asks_for_and_writes_the_letters) {
  SigningWatch watch(*registry, folder.file("outbox"), [this] { return clock.at; }, {});
  EXPECT_GT(*watch.look(), 0u);
  EXPECT_EQ(*watch.look(), 0u);
  clock.at = validation.expires;
  EXPECT_EQ(*watch.look(), 2u);
  EXPECT_EQ(must(validations().find(all(), validation.uuid, clock.at)).state,
            registry::signing::ValidationState::kExpired);
  EXPECT_TRUE(mails().empty());
}

TEST_F(SigningDirectoryTest, watch_of_a_node_that_is_not_on_duty_leaves_all_to_the_one_that_is) {
  bool on_duty = false;
  SigningWatch watch(*registry, folder.file("outbox"), [this] { return clock.at; }, {}, {},
                     {[&on_duty] { return on_duty; }, [] { return std::string("a 1"); }});
  const auto waiting = mails().size();
  ASSERT_GT(waiting, 0u);
  clock.at = validation.expires;
  EXPECT_EQ(*watch.look(), 0u);
  EXPECT_EQ(mails().size(), waiting) << "nothing was told, and nothing settled";
  on_duty = true;
  EXPECT_EQ(*watch.look(), waiting + 2);
  EXPECT_TRUE(mails().empty());
}

}  // namespace
}  // namespace latchkey::hub::app
