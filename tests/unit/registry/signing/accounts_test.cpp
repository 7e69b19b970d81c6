// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/registry/signing/signing_fixture.h"

namespace latchkey::registry::signing {
namespace {

class SigningAccounts : public SigningTest {};
class SigningGround : public SigningTest {};

// Rows: S-6-30, S-6-31
TEST_F(SigningGround, provider_is_not_registered_at_first_and_accounts_wait_for_it) {
  EXPECT_FALSE(must(ground().find_provider(home, "Microsoft.CodeSigning")).registered);
  const auto early = accounts().create(call, {home, "latchkey"}, {"contoso", "EastUS", Sku::kBasic, ""});
  EXPECT_REFUSED(early, Reason::kProviderNotRegistered);
  EXPECT_TRUE(must(ground().register_provider(call, home, "microsoft.codesigning")).registered);
  EXPECT_TRUE(must(ground().find_provider(home, "Microsoft.CodeSigning")).registered);
  EXPECT_TRUE(accounts().create(call, {home, "latchkey"}, {"contoso", "EastUS", Sku::kBasic, ""}));
  EXPECT_REFUSED(ground().register_provider(call, home, "Microsoft.Nothing"), Reason::kNotFound);
  EXPECT_TRUE(must(ground().find_provider(home, "Microsoft.Devices")).registered);
}

TEST_F(SigningGround, home_group_is_there_and_stays) {
  EXPECT_EQ(must(ground().find_group({home, "LATCHKEY"})).name, "latchkey");
  EXPECT_REFUSED(ground().delete_group(call, {home, "latchkey"}), Reason::kNotSupported);
  EXPECT_REFUSED(ground().create_group(call, {home, "Latchkey"}, "local", ""), Reason::kAlreadyExists);
  EXPECT_REFUSED(ground().find_group({home, "rg"}), Reason::kGroupNotFound);
  EXPECT_REFUSED(ground().create_group(call, {home, "a/b"}, "local", ""), Reason::kInvalidName);
  EXPECT_EQ(must(ground().list_groups(home)).size(), 1u);
}

// Rows: S-6-32
TEST_F(SigningGround, group_is_made_found_in_any_case_and_deleted_with_its_accounts) {
  prepare();
  make_account();
  EXPECT_EQ(must(ground().find_group({home, "RG"})).name, "rg");
  ASSERT_TRUE(ground().delete_group(call, where));
  EXPECT_EQ(last_audit().action, "resourceGroup.delete");
  EXPECT_REFUSED(ground().find_group(where), Reason::kGroupNotFound);
  EXPECT_REFUSED(accounts().find(where, "contoso"), Reason::kNotFound);
}

TEST_F(SigningGround, tenant_has_a_name_that_can_be_changed) {
  const auto tenants = must(ground().tenants());
  ASSERT_EQ(tenants.size(), 1u);
  EXPECT_EQ(tenants[0].name, "Latchkey Rehearsal");
  EXPECT_EQ(must(ground().rename_tenant(call, tenants[0].id, "Contoso")).name, "Contoso");
  EXPECT_EQ(must(ground().tenants())[0].name, "Contoso");
  EXPECT_REFUSED(ground().rename_tenant(call, tenants[0].id, ""), Reason::kInvalidArgument);
  EXPECT_REFUSED(ground().rename_tenant(call, home, "x"), Reason::kNotFound);
}

TEST_F(SigningAccounts, account_reads_back_and_each_attempt_is_audited) {
  prepare();
  const auto made = make_account();
  EXPECT_EQ(last_audit().action, "signingAccount.create");
  EXPECT_EQ(last_audit().resource, "codeSigningAccounts/contoso");
  EXPECT_EQ(made.region, "EastUS");
  EXPECT_EQ(must(accounts().find(where, "contoso")).uuid, made.uuid);
  EXPECT_EQ(must(accounts().list({home, ""})).size(), 1u);
  EXPECT_REFUSED(accounts().find({home, "latchkey"}, "contoso"), Reason::kNotFound);
}

TEST_F(SigningAccounts, bad_ones_are_refused_and_audited) {
  prepare();
  EXPECT_REFUSED(accounts().create(call, where, {"1abc", "EastUS", Sku::kBasic, ""}), Reason::kInvalidName);
  EXPECT_EQ(last_audit().outcome, "invalid name");
  EXPECT_REFUSED(accounts().create(call, where, {"contoso", "Mars", Sku::kBasic, ""}), Reason::kRegionNotSupported);
  EXPECT_REFUSED(accounts().create(call, {home, "none"}, {"contoso", "EastUS", Sku::kBasic, ""}),
                 Reason::kGroupNotFound);
  EXPECT_TRUE(must(accounts().list({home, ""})).empty());
}

// Rows: S-6-06, S-6-07
TEST_F(SigningAccounts, name_is_unique_over_all_tenants_and_without_case) {
  prepare();
  make_account("Contoso");
  EXPECT_REFUSED(accounts().create(call, {home, "latchkey"}, {"contoso", "WestUS", Sku::kBasic, ""}),
                 Reason::kAlreadyExists);
  const std::string other = "7a1d6a3e-0000-4000-8000-00000000000a";
  ASSERT_TRUE(ground().add_subscription(call, other, {"7a1d6a3e-0000-4000-8000-00000000000b", "Fabrikam"}));
  ASSERT_TRUE(ground().create_group(call, {other, "theirs"}, "local", ""));
  ASSERT_TRUE(ground().register_provider(call, other, "Microsoft.CodeSigning"));
  EXPECT_REFUSED(accounts().create(call, {other, "theirs"}, {"CONTOSO", "WestUS", Sku::kBasic, ""}),
                 Reason::kAlreadyExists);
  EXPECT_TRUE(accounts().create(call, {other, "theirs"}, {"fabrikam", "WestUS", Sku::kBasic, ""}));
  EXPECT_EQ(must(accounts().check_name("cOnToSo")), NameFault::kTaken);
  EXPECT_EQ(must(accounts().check_name("fabrikam")), NameFault::kTaken);
  EXPECT_EQ(must(accounts().check_name("a--b")), NameFault::kInvalid);
  EXPECT_EQ(must(accounts().check_name("free")), NameFault::kNone);
}

TEST_F(SigningAccounts, sku_goes_down_only_while_no_type_has_more_than_it_allows) {
  prepare();
  make_account("contoso", Sku::kPremium);
  const auto validation = make_completed(organization());
  ASSERT_TRUE(make_profile("first", ProfileType::kPublicTrust, validation));
  const auto second = make_profile("second", ProfileType::kPublicTrust, validation);
  ASSERT_TRUE(second);
  ASSERT_TRUE(accounts().set_status(call, second->uuid, ProfileStatus::kDisabled));  // whatever its status
  EXPECT_REFUSED(accounts().update(call, where, "contoso", {Sku::kBasic, {}}), Reason::kSkuDowngradeBlocked);
  ASSERT_TRUE(accounts().remove_profile(call, where, "contoso", "second"));
  EXPECT_EQ(must(accounts().update(call, where, "contoso", {Sku::kBasic, {}})).sku, Sku::kBasic);
  EXPECT_EQ(must(accounts().update(call, where, "contoso", {{}, "{\"a\":\"b\"}"})).tags, "{\"a\":\"b\"}");
  EXPECT_REFUSED(accounts().update(call, where, "nobody", {Sku::kPremium, {}}), Reason::kNotFound);
}

// Rows: S-6-10, S-6-11, S-6-12
TEST_F(SigningAccounts, deleting_takes_the_profiles_and_leaves_the_validations_to_the_subscription) {
  prepare();
  make_account();
  const auto validation = make_completed(organization());
  ASSERT_TRUE(make_profile("release", ProfileType::kPublicTrust, validation));
  ASSERT_TRUE(accounts().remove(call, where, "contoso"));
  EXPECT_REFUSED(accounts().place_of("contoso", "release"), Reason::kNotFound);
  EXPECT_REFUSED(accounts().remove(call, where, "contoso"), Reason::kNotFound);
  const auto kept = must(validations().find(all(), validation.uuid, call.now));
  EXPECT_FALSE(kept.account);
  EXPECT_EQ(kept.state, ValidationState::kCompleted);
  make_account();  // of the same name: another account
  EXPECT_TRUE(must(validations().list({home, where, "contoso"}, call.now)).empty());
  EXPECT_TRUE(make_profile("release", ProfileType::kPublicTrust, kept));
}

class SigningProfiles : public SigningTest {
 protected:
  void SetUp() override {
    SigningTest::SetUp();
    prepare();
    make_account();
  }
};

// Rows: S-6-22, S-6-23
TEST_F(SigningProfiles, name_is_unique_in_its_account_and_compares_without_case) {
  const auto validation = make_completed(organization());
  const auto made = make_profile("Release", ProfileType::kPublicTrust, validation);
  ASSERT_TRUE(made);
  EXPECT_EQ(must(accounts().find_profile(where, "CONTOSO", "release")).uuid, made->uuid);
  EXPECT_REFUSED(make_profile("RELEASE", ProfileType::kPublicTrustTest, validation), Reason::kAlreadyExists);
  make_account("fabrikam");
  EXPECT_TRUE(accounts().create_profile(call, where, "fabrikam",
                                        profile_form("release", ProfileType::kPublicTrust, validation)));
  EXPECT_REFUSED(make_profile("1abcd", ProfileType::kPublicTrustTest, validation), Reason::kInvalidName);
}

// Rows: S-6-24
TEST_F(SigningProfiles, region_is_the_accounts) {
  ASSERT_TRUE(make_profile("release", ProfileType::kPublicTrust, make_completed(organization())));
  EXPECT_EQ(must(accounts().place_of("contoso", "RELEASE")).account.region, "EastUS");
}

// Rows: S-6-40, S-6-41, S-6-55
TEST_F(SigningProfiles, type_goes_with_the_kind_of_a_completed_validation) {
  ASSERT_TRUE(accounts().update(call, where, "contoso", {Sku::kPremium, {}}));
  const auto open = make_validation(organization());
  const auto of_public = make_completed(organization());
  const auto of_private = make_completed(private_organization());
  int number = 0;
  for (const auto type : kProfileTypes) {
    const bool is_private = type == ProfileType::kPrivateTrust || type == ProfileType::kPrivateTrustCiPolicy;
    const auto name = "profile" + std::to_string(++number);
    EXPECT_REFUSED(make_profile(name, type, is_private ? of_public : of_private), Reason::kInvalidArgument);
    EXPECT_REFUSED(make_profile(name, type, open), Reason::kValidationNotCompleted);
    EXPECT_TRUE(make_profile(name, type, is_private ? of_private : of_public)) << to_string(type);
  }
  Validation nobody;
  nobody.uuid = fresh_uuid();
  EXPECT_REFUSED(make_profile("another", ProfileType::kPublicTrust, nobody), Reason::kInvalidArgument);
}

TEST_F(SigningProfiles, count_of_a_type_is_bounded_by_the_sku) {
  const auto validation = make_completed(organization());
  ASSERT_TRUE(make_profile("first", ProfileType::kPublicTrust, validation));
  EXPECT_REFUSED(make_profile("second", ProfileType::kPublicTrust, validation), Reason::kProfileLimitReached);
  EXPECT_TRUE(make_profile("test1", ProfileType::kPublicTrustTest, validation));
}

// Rows: S-6-13, S-6-25
TEST_F(SigningProfiles, deleted_and_made_again_it_is_another_with_another_eku) {
  const auto validation = make_completed(organization());
  const auto first = must(make_profile("release", ProfileType::kPublicTrust, validation));
  ASSERT_TRUE(accounts().remove_profile(call, where, "contoso", "release"));
  EXPECT_REFUSED(accounts().remove_profile(call, where, "contoso", "release"), Reason::kNotFound);
  EXPECT_REFUSED(accounts().place_of("contoso", "release"), Reason::kNotFound);
  const auto second = must(make_profile("release", ProfileType::kPublicTrust, validation));
  EXPECT_NE(first.uuid, second.uuid);
  EXPECT_NE(first.eku, second.eku);
}

TEST_F(SigningProfiles, suspended_account_takes_neither_profiles_nor_validations) {
  const auto validation = make_completed(organization());
  ASSERT_TRUE(accounts().suspend(call, where, "contoso", true));
  EXPECT_REFUSED(make_profile("release", ProfileType::kPublicTrust, validation), Reason::kAccountSuspended);
  EXPECT_REFUSED(validations().create(call, where, "contoso", organization(), true), Reason::kAccountSuspended);
  ASSERT_TRUE(accounts().suspend(call, where, "contoso", false));
  EXPECT_TRUE(make_profile("release", ProfileType::kPublicTrust, validation));
}

}  // namespace
}  // namespace latchkey::registry::signing
