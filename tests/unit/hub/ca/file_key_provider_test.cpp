// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/file_key_provider.h"

#include <openssl/evp.h>
#include <sys/stat.h>

#include "tests/unit/hub/ca/support.h"

namespace latchkey::hub::ca::test {
namespace {

using registry::KeyProfile;
using registry::Reason;

unsigned mode_of(const std::filesystem::path& path) {
  struct stat found {};
  EXPECT_EQ(::stat(path.c_str(), &found), 0) << path;
  return found.st_mode & 07777;
}

class FileKeyProviderTest : public ::testing::Test {
 protected:
  std::unique_ptr<FileKeyProvider> open() {
    auto opened = FileKeyProvider::open(keys());
    EXPECT_TRUE(opened) << opened.error().detail;
    return *std::move(opened);
  }
  std::filesystem::path keys() const { return folder_ / "keys"; }

  tests::MemoryFolder folder_;
};

TEST_F(FileKeyProviderTest, folder_is_0700_and_key_files_are_0600_whatever_the_umask) {
  const mode_t before = ::umask(0);
  auto provider = open();
  const auto key = provider->generate(KeyProfile::kEcP256);
  ::umask(before);
  ASSERT_TRUE(key);
  EXPECT_EQ(mode_of(keys()), 0700U);
  EXPECT_EQ(mode_of(keys() / key->key_ref), 0600U);
}

TEST_F(FileKeyProviderTest, folder_that_others_may_enter_is_refused) {
  std::filesystem::create_directory(keys());
  ASSERT_EQ(::chmod(keys().c_str(), 0750), 0);
  const auto opened = FileKeyProvider::open(keys());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, Reason::kUnauthorized);
}

TEST_F(FileKeyProviderTest, link_in_place_of_the_folder_is_refused) {
  std::filesystem::create_directory(folder_ / "elsewhere");
  std::filesystem::create_directory_symlink(folder_ / "elsewhere", keys());
  EXPECT_FALSE(FileKeyProvider::open(keys()));
}

TEST_F(FileKeyProviderTest, openssl_reads_the_key_on_the_profile_s_curve) {
  auto provider = open();
  const auto p256 = provider->generate(KeyProfile::kEcP256);
  const auto p384 = provider->generate(KeyProfile::kEcP384);
  ASSERT_TRUE(p256 && p384);
  EXPECT_TRUE(run(keys(), "openssl pkey -noout -text -in " + p256->key_ref).says("NIST CURVE: P-256"));
  EXPECT_TRUE(run(keys(), "openssl pkey -noout -text -in " + p384->key_ref).says("NIST CURVE: P-384"));
  EXPECT_TRUE(run(keys(), "head -1 " + p256->key_ref).says("-----BEGIN PRIVATE KEY-----"));
}

TEST_F(FileKeyProviderTest, key_is_the_same_after_a_restart_and_parsed_once) {
  const auto made = open()->generate(KeyProfile::kEcP256);
  ASSERT_TRUE(made);
  auto provider = open();
  const auto first = provider->load(made->key_ref);
  const auto second = provider->load(made->key_ref);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(EVP_PKEY_eq(first->get(), made->key.get()), 1);
  EXPECT_EQ(first->get(), second->get());
}

TEST_F(FileKeyProviderTest, rsa_key_of_the_signing_service_is_kept_like_any_other) {
  const auto made = open()->generate(KeyAlgorithm::kRsa3072);
  ASSERT_TRUE(made);
  EXPECT_EQ(EVP_PKEY_get_bits(made->key.get()), 3072);
  EXPECT_EQ(mode_of(keys() / made->key_ref), 0600U);
  const auto loaded = open()->load(made->key_ref);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(EVP_PKEY_eq(loaded->get(), made->key.get()), 1);
}

TEST_F(FileKeyProviderTest, destroyed_key_is_gone_from_disk_and_memory_and_again_is_success) {
  auto provider = open();
  const auto made = provider->generate(KeyProfile::kEcP256);
  ASSERT_TRUE(made);
  EXPECT_TRUE(provider->destroy(made->key_ref));
  EXPECT_TRUE(std::filesystem::is_empty(keys()));
  const auto loaded = provider->load(made->key_ref);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().reason, Reason::kNotFound);
  EXPECT_TRUE(provider->destroy(made->key_ref));
}

TEST_F(FileKeyProviderTest, references_that_leave_the_folder_are_refused) {
  auto provider = open();
  put(folder_ / "outside.pem", std::string("-"));
  for (const std::string ref : {"../outside.pem", "", "/etc/passwd", ".", "keys/x.pem", "outside.pem",
                                "0123456789abcdef0123456789abcdef.pem/../x", "0123456789ABCDEF0123456789ABCDEF.pem"}) {
    const auto loaded = provider->load(ref);
    const auto destroyed = provider->destroy(ref);
    ASSERT_FALSE(loaded) << ref;
    ASSERT_FALSE(destroyed) << ref;
    EXPECT_EQ(loaded.error().reason, Reason::kInvalidArgument) << ref;
    EXPECT_EQ(destroyed.error().reason, Reason::kInvalidArgument) << ref;
  }
  EXPECT_TRUE(std::filesystem::exists(folder_ / "outside.pem"));
}

TEST_F(FileKeyProviderTest, damaged_key_file_is_a_storage_refusal) {
  auto provider = open();
  const std::string ref = "0123456789abcdef0123456789abcdef.pem";
  put(keys() / ref, std::string("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
  const auto loaded = provider->load(ref);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().reason, Reason::kStorage);
}

TEST_F(FileKeyProviderTest, sweep_removes_what_a_crash_left_and_nothing_else) {
  auto provider = open();
  const auto named = provider->generate(KeyProfile::kEcP256);
  const auto orphan = provider->generate(KeyProfile::kEcP256);
  ASSERT_TRUE(named && orphan);
  put(keys() / "fedcba9876543210fedcba9876543210.pem.tmp", std::string("half a key"));
  put(keys() / "README", std::string("not ours"));

  const auto destroyed = provider->destroy_unnamed({named->key_ref});
  ASSERT_TRUE(destroyed);
  EXPECT_EQ(*destroyed, 2U);
  EXPECT_TRUE(provider->load(named->key_ref));
  EXPECT_FALSE(provider->load(orphan->key_ref));
  EXPECT_FALSE(std::filesystem::exists(keys() / "fedcba9876543210fedcba9876543210.pem.tmp"));
  EXPECT_TRUE(std::filesystem::exists(keys() / "README"));
}

TEST_F(FileKeyProviderTest, generation_that_cannot_be_stored_is_refused) {
  auto provider = open();
  std::filesystem::remove_all(keys());
  const auto made = provider->generate(KeyProfile::kEcP256);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().reason, Reason::kStorage);
}

}  // namespace
}  // namespace latchkey::hub::ca::test
