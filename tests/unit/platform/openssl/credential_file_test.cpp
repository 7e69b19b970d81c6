// SPDX-License-Identifier: Apache-2.0
#include "platform/openssl/credential_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <string>

#include "platform/openssl/certificate_builder.h"

namespace latchkey::openssl {
namespace {

class CredentialFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "latchkey-file-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  unsigned mode(const std::string& name) const {
    struct stat found {};
    EXPECT_EQ(::stat((folder_ / name).c_str(), &found), 0);
    return found.st_mode & 0777;
  }

  std::filesystem::path folder_;
};

TEST_F(CredentialFileTest, content_comes_back_and_mode_is_as_asked_under_any_umask) {
  const std::string content = "content";
  for (const mode_t umask : {mode_t{0}, mode_t{077}}) {
    const mode_t before = ::umask(umask);
    EXPECT_TRUE(write_file(folder_ / "secret", content, kSecretFile));
    EXPECT_TRUE(write_file(folder_ / "public", content, kPublicFile));
    ::umask(before);
    EXPECT_EQ(mode("secret"), 0600U);
    EXPECT_EQ(mode("public"), 0644U);
  }
  const auto read = read_file(folder_ / "secret", 100);
  ASSERT_TRUE(read);
  EXPECT_EQ(ByteView(*read).text(), content);
}

TEST_F(CredentialFileTest, replacing_leaves_no_temporary_file_and_takes_over_a_crashs) {
  ASSERT_TRUE(write_file(folder_ / "file", std::string("old"), kPublicFile));
  ASSERT_TRUE(write_file(folder_ / "file.tmp", std::string("half a ne"), kPublicFile));
  ASSERT_TRUE(write_file(folder_ / "file", std::string("new"), kSecretFile));
  EXPECT_EQ(ByteView(*read_file(folder_ / "file", 100)).text(), "new");
  EXPECT_EQ(mode("file"), 0600U);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "file.tmp"));
}

TEST_F(CredentialFileTest, link_under_the_temporary_name_is_not_followed) {
  ASSERT_TRUE(write_file(folder_ / "target", std::string("untouched"), kPublicFile));
  std::filesystem::create_symlink(folder_ / "target", folder_ / "file.tmp");
  ASSERT_TRUE(write_file(folder_ / "file", std::string("new"), kSecretFile));
  EXPECT_EQ(ByteView(*read_file(folder_ / "target", 100)).text(), "untouched");
}

TEST_F(CredentialFileTest, missing_and_too_large_files_have_their_statuses) {
  EXPECT_EQ(read_file(folder_ / "none", 100).error(), Status::kNotFound);
  ASSERT_TRUE(write_file(folder_ / "file", std::string(101, 'x'), kPublicFile));
  EXPECT_EQ(read_file(folder_ / "file", 100).error(), Status::kTooLarge);
  EXPECT_TRUE(read_file(folder_ / "file", 101));
}

TEST_F(CredentialFileTest, removing_what_is_not_there_is_success_but_not_without_its_folder) {
  EXPECT_TRUE(remove_file(folder_ / "none"));
  EXPECT_FALSE(remove_file(folder_ / "no-folder" / "none"));
  EXPECT_FALSE(write_file(folder_ / "no-folder" / "file", std::string("x"), kPublicFile));
}

TEST_F(CredentialFileTest, secret_folder_is_ours_and_closed_or_refused) {
  EXPECT_TRUE(secret_folder(folder_ / "new"));
  EXPECT_EQ(mode("new"), 0700U);
  EXPECT_TRUE(secret_folder(folder_ / "new"));
  ASSERT_EQ(::chmod((folder_ / "new").c_str(), 0701), 0);
  EXPECT_EQ(secret_folder(folder_ / "new").error(), Status::kRefused);
  ASSERT_TRUE(write_file(folder_ / "file", std::string("x"), kSecretFile));
  EXPECT_EQ(secret_folder(folder_ / "file").error(), Status::kRefused);
}

TEST_F(CredentialFileTest, keys_survive_pem_and_junk_is_none) {
  const PkeyPtr key = make_ec_key("P-384");
  ASSERT_TRUE(key);
  const PkeyPtr again = key_from_pem(key_to_pem(key.get()));
  ASSERT_TRUE(again);
  EXPECT_EQ(EVP_PKEY_eq(key.get(), again.get()), 1);
  EXPECT_FALSE(key_from_pem(std::string("junk")));
  EXPECT_FALSE(certificate_from_pem(std::string("junk")));
  EXPECT_FALSE(make_ec_key("P-000"));
}

TEST(CertificateBuilderTest, failed_step_yields_no_certificate) {
  const PkeyPtr key = make_ec_key("P-256");
  const std::vector<std::uint8_t> serial{1};
  const auto complete = [&](CertificateBuilder& builder) {
    return builder.serial(serial).subject("x").issuer_is_subject().validity(0, 1000).public_key(key.get()).sign(
        key.get());
  };
  CertificateBuilder good;
  EXPECT_TRUE(complete(good));
  CertificateBuilder bad_address;
  EXPECT_FALSE(complete(bad_address.alternative_names({}, {"no address"})));
  CertificateBuilder bad_oid;
  EXPECT_FALSE(complete(bad_oid.extension("not an oid", Critical::kNo, serial)));
  CertificateBuilder backwards;
  EXPECT_FALSE(complete(backwards.validity(1000, 0)));
  CertificateBuilder nameless;
  EXPECT_FALSE(complete(nameless.subject("")));
}

}  // namespace
}  // namespace latchkey::openssl
