// SPDX-License-Identifier: Apache-2.0
// Code signing from the command line: what the quickstart prints for `az`, as it is printed there.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/unit/hub/cli/support.h"
#include "tests/unit/hub/management/signing_roots.h"
#include "tests/unit/hub/signing/documents/pictures.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;

class SigningVerbs : public CommandLineTest<ManagementTest> {
 protected:
  void prepare() {
    ASSERT_EQ(run("provider register --namespace Microsoft.CodeSigning"), 0) << err;
    ASSERT_EQ(run("group create --name MyResourceGroup --location EastUS"), 0) << err;
    ASSERT_EQ(run("trustedsigning create -n MyAccount -l eastus -g MyResourceGroup --sku Basic"), 0) << err;
  }
  // The id of a completed validation, or of one that waits for documents.
  std::string make_identity(const std::string& event = "accept") {
    const Words words = {"-o",
                         "json",
                         "signing",
                         "identity",
                         "create",
                         "-g",
                         "MyResourceGroup",
                         "--account-name",
                         "MyAccount",
                         "--accept-terms",
                         "--organization-name",
                         "Contoso Inc",
                         "--website-url",
                         "https://contoso.com",
                         "--primary-email",
                         "legal@contoso.com",
                         "--secondary-email",
                         "ops@contoso.com",
                         "--business-identifier",
                         "4711",
                         "--incorporated-on",
                         "2015-03-31",
                         "--street",
                         "1 Main Street",
                         "--city",
                         "New York",
                         "--state",
                         "New York",
                         "--country",
                         "US",
                         "--postal-code",
                         "10001"};
    EXPECT_EQ(run(words), 0) << err;
    const std::string id = json::parse(out).value("name", "");
    EXPECT_EQ(run("signing identity decide --id " + id + " --event emailVerified"), 0) << err;
    EXPECT_EQ(run("signing identity decide --id " + id + " --event " + event), 0) << err;
    return id;
  }
};

// Rows: S-6-30, S-6-32, S-6-33
TEST_F(SigningVerbs, commands_of_the_quickstart_run_as_printed) {
  EXPECT_EQ(run("provider show --namespace Microsoft.CodeSigning"), 0);
  EXPECT_THAT(out, HasSubstr("NotRegistered"));
  prepare();
  EXPECT_EQ(run("provider show --namespace Microsoft.CodeSigning"), 0);
  EXPECT_THAT(out, testing::Not(HasSubstr("NotRegistered")));
  EXPECT_EQ(run("trustedsigning create -n Premium1 -l eastus -g MyResourceGroup --sku Premium"), 0) << err;
  EXPECT_EQ(run("trustedsigning show -g MyResourceGroup -n MyAccount"), 0) << err;
  EXPECT_THAT(out, HasSubstr("https://eus.codesigning.azure.net/"));
  EXPECT_EQ(run({"trustedsigning", "update", "-n", "MyAccount", "-g", "MyResourceGroup", "--tags",
                 "key1=value1 key2=value2"}),
            0)
      << err;
  EXPECT_EQ(get("/resourceGroups/MyResourceGroup/codeSigningAccounts/MyAccount").body["tags"],
            json({{"key1", "value1"}, {"key2", "value2"}}));
  EXPECT_EQ(run("trustedsigning list -g MyResourceGroup"), 0) << err;
  EXPECT_THAT(out, HasSubstr("Premium1"));

  const auto id = make_identity();
  EXPECT_EQ(run("trustedsigning certificate-profile create -g MyResourceGroup --account-name MyAccount -n MyProfile "
                "--profile-type PublicTrust --identity-validation-id " +
                id + " --include-street true"),
            0)
      << err;
  EXPECT_EQ(run("trustedsigning certificate-profile show -g MyResourceGroup --account-name MyAccount -n  MyProfile"), 0)
      << err;
  EXPECT_THAT(out, HasSubstr("1.3.6.1.4.1.311.97."));
  EXPECT_EQ(run("trustedsigning certificate-profile list -g MyResourceGroup --account-name MyAccount"), 0) << err;
  EXPECT_EQ(run("trustedsigning certificate-profile create -\u2013help"), 0) << err;  // with the quickstart's dash
  EXPECT_THAT(out, HasSubstr("--profile-type"));
  EXPECT_EQ(
      run("trustedsigning certificate-profile delete -g MyResourceGroup --account-name MyAccount -n MyProfile -y"), 0)
      << err;
  EXPECT_EQ(run("trustedsigning delete -n MyAccount -g MyResourceGroup -y"), 0) << err;
  EXPECT_EQ(run("trustedsigning show -g MyResourceGroup -n MyAccount"), 3);
}

// Rows: S-6-33
TEST_F(SigningVerbs, option_that_the_quickstart_prints_in_two_words_is_one) {
  prepare();
  const auto id = make_identity();
  EXPECT_EQ(run("trustedsigning certificate-profile create -g MyResourceGroup --a account-name MyAccount -n MyProfile "
                "--profile-type PublicTrust --identity-validation-id " +
                id),
            0)
      << err;
  EXPECT_EQ(run("trustedsigning certificate-profile show -g MyResourceGroup --account-name MyAccount -n MyProfile"), 0);
  // Nothing else is guessed.
  EXPECT_EQ(run("trustedsigning certificate-profile show -g MyResourceGroup --a MyAccount -n MyProfile"), 2);
  EXPECT_EQ(run("trustedsigning certificate-profile show -g MyResourceGroup --a"), 2);
  EXPECT_EQ(run("trustedsigning certificate-profile show -g MyResourceGroup --a account -n MyProfile"), 2);
}

// Rows: S-6-80, S-6-81, S-6-84
TEST_F(SigningVerbs, documents_are_handed_in_as_files) {
  prepare();
  const auto id = make_identity("requireAction");
  const auto submit = [&](const std::string& name, const std::string& bytes) {
    const auto file = folder.file(name);
    std::ofstream(file, std::ios::binary) << bytes;
    return run({"signing", "identity", "submit", "-g", "MyResourceGroup", "--account-name", "MyAccount", "--id", id,
                "--kind", "businessRegistration", "--issued-on", "2026-09-01", "--names", "Contoso Inc", "--address",
                "1 Main Street, 10001 New York", "--document", file});
  };
  EXPECT_EQ(submit("charter.jpg", hub::signing::jpeg({.dpi = 150})), 2);
  EXPECT_THAT(err, HasSubstr("'charter.jpg' has 150 DPI: 200 or more are asked for"));
  EXPECT_EQ(submit("charter.tif", hub::signing::jpeg({})), 2);
  EXPECT_THAT(err, HasSubstr("'charter.tif' is a .jpg by its content"));
  EXPECT_EQ(submit("charter.jpg", hub::signing::jpeg({.data = 6'000'000})), 2);
  EXPECT_THAT(err, HasSubstr("more than 5 MB"));
  EXPECT_EQ(submit("charter.jpg", ""), 2);
  EXPECT_EQ(submit("no/such/folder.jpg", ""), 2);
  EXPECT_THAT(err, HasSubstr("cannot read"));
  EXPECT_EQ(submit("dir\xff.png", hub::signing::jpeg({})), 2);
  EXPECT_THAT(err, HasSubstr("'dir?.png' is a .jpg"));
  EXPECT_EQ(submit("charter.pdf", hub::signing::pdf({.data = 4'900'000})), 0) << err;
  EXPECT_THAT(out, HasSubstr("In Progress"));
}

TEST_F(SigningVerbs, refusals_have_their_exit_status) {
  EXPECT_EQ(run("trustedsigning create -n MyAccount -l eastus"), 4);
  EXPECT_THAT(err, HasSubstr("latchkey provider register --namespace Microsoft.CodeSigning"));
  prepare();
  EXPECT_EQ(run("trustedsigning create -n one1 -l eastus"), 2);
  EXPECT_EQ(run("trustedsigning create -n MyAccount2 -l mars"), 2);
  EXPECT_EQ(run("trustedsigning update -n MyAccount -g MyResourceGroup --tags nonsense"), 2);
  EXPECT_EQ(run("trustedsigning create -n MyAccount2 -l eastus --sku Gold"), 2);
  EXPECT_EQ(run("group delete -n latchkey -y"), 4);
  EXPECT_EQ(run("group delete -n MyResourceGroup"), 2);  // nobody to ask
  EXPECT_EQ(run("signing identity create --account-name MyAccount -g MyResourceGroup"), 2);
}

TEST_F(SigningVerbs, wait_ends_when_it_is_there_or_gone) {
  prepare();
  EXPECT_EQ(run("trustedsigning wait -n MyAccount -g MyResourceGroup --created"), 0) << err;
  EXPECT_EQ(run("trustedsigning wait -n Nobody -g MyResourceGroup --deleted"), 0) << err;
  EXPECT_EQ(run("trustedsigning wait -n Nobody -g MyResourceGroup --timeout 1"), 5);
}

// Rows: S-6-07, S-6-28, S-6-58
TEST_F(SigningVerbs, name_is_asked_after_and_subjects_are_previewed) {
  prepare();
  EXPECT_EQ(run("trustedsigning check-name-availability --name myaccount"), 0);
  EXPECT_THAT(out, HasSubstr("AlreadyExists"));
  const auto id = make_identity();
  EXPECT_EQ(run("trustedsigning certificate-profile preview -g MyResourceGroup --account-name MyAccount --profile-type "
                "PublicTrust --identity-validation-id " +
                id),
            0)
      << err;
  EXPECT_THAT(out, HasSubstr("CN=Contoso Inc, O=Contoso Inc, L=New York, S=New York, C=US"));
  EXPECT_EQ(run("signing identity list"), 0);
  EXPECT_THAT(out, HasSubstr("Completed"));
  EXPECT_EQ(run("signing identity renew -g MyResourceGroup --account-name MyAccount --id " + id), 4);
  EXPECT_EQ(run("signing identity delete --id " + id + " -y"), 0) << err;
  EXPECT_EQ(run("signing identity show --id " + id), 3);
}

TEST_F(SigningVerbs, roots_are_listed_and_one_is_printed_or_written_to_a_new_file) {
  test::plant_signing_roots(registry::rows_of(*registry));
  ASSERT_EQ(run("signing root list"), 0) << err;
  for (const auto* name : {"PublicTrust", "PublicTrustTest", "PrivateTrust", "Timestamp"}) {
    EXPECT_THAT(out, HasSubstr(name));
  }
  const std::string pem = get("/signingRoots/Timestamp").body["certificate"];
  ASSERT_EQ(run("signing root show -n Timestamp"), 0) << err;
  EXPECT_EQ(out, pem);
  const auto file = folder.file("root.pem");
  ASSERT_EQ(run({"signing", "root", "show", "--name", "Timestamp", "--out", file}), 0) << err;
  std::ifstream in(file);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), pem);
  ASSERT_EQ(run("-o json signing root show -n Timestamp"), 0) << err;
  EXPECT_EQ(json::parse(out)["certificate"], pem);
}

TEST_F(SigningVerbs, root_is_refused_that_is_not_there_or_would_be_written_over_a_file) {
  EXPECT_EQ(run("signing root show -n PublicTrust"), 3);
  EXPECT_THAT(err, HasSubstr("--signing-listen"));
  EXPECT_EQ(run("signing root show"), 2);
  EXPECT_EQ(run("signing root show -n VBSEnclave"), 2);
  test::plant_signing_roots(registry::rows_of(*registry));
  const auto file = folder.file("root.pem");
  std::ofstream(file) << "mine";
  EXPECT_EQ(run({"signing", "root", "show", "-n", "PublicTrust", "--out", file}), 2);
  std::ifstream in(file);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "mine");
}

}  // namespace
}  // namespace latchkey::hub::management
