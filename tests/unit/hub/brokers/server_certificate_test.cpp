// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/server_certificate.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "platform/openssl/certificate_builder.h"
#include "platform/openssl/openssl_ptr.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::hub::brokers {
namespace {

using registry::Reason;

class ServerCertificateTest : public ::testing::Test {
 protected:
  std::filesystem::path folder() const { return base_ / "tls"; }
  ServerCertificateFiles ensure(const ServerNames& names = {{"localhost"}, {"127.0.0.1", "127.0.0.2"}}) {
    const auto files = ensure_server_certificate(folder(), names);
    EXPECT_TRUE(files) << files.error().detail;
    return *files;
  }
  static std::string content(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static unsigned mode(const std::filesystem::path& path) {
    struct stat found {};
    EXPECT_EQ(::stat(path.c_str(), &found), 0) << path;
    return found.st_mode & 0777;
  }
  bool openssl(const std::string& arguments) const {
    return ::system(("cd '" + folder().string() + "' && openssl " + arguments + " > /dev/null 2>&1").c_str()) == 0;
  }

  const tests::TemporaryFolder base_;
};

TEST_F(ServerCertificateTest, openssl_verifies_names_and_addresses_over_all_rehearsed_times) {
  ensure();
  for (const std::string time : {"1577836801", "1750000000", "2524607999"}) {
    const std::string verify = "verify -x509_strict -purpose sslserver -CAfile server-ca.pem -attime " + time;
    EXPECT_TRUE(openssl(verify + " -verify_hostname localhost server.pem")) << time;
    EXPECT_TRUE(openssl(verify + " -verify_ip 127.0.0.1 server.pem")) << time;
    EXPECT_TRUE(openssl(verify + " -verify_ip 127.0.0.2 server.pem")) << time;
    EXPECT_FALSE(openssl(verify + " -verify_ip 127.0.0.3 server.pem")) << time;
    EXPECT_FALSE(openssl(verify + " -verify_hostname example.org server.pem")) << time;
  }
}

TEST_F(ServerCertificateTest, keys_are_0600_and_certificates_0644_whatever_the_umask) {
  const mode_t before = ::umask(0);
  const auto files = ensure();
  ::umask(before);
  EXPECT_EQ(mode(folder()), 0700U);
  EXPECT_EQ(mode(files.key), 0600U);
  EXPECT_EQ(mode(folder() / "server-ca.key"), 0600U);
  EXPECT_EQ(mode(files.certificate), 0644U);
  EXPECT_EQ(mode(files.ca_certificate), 0644U);
}

TEST_F(ServerCertificateTest, key_and_certificate_belong_together) {
  ensure();
  EXPECT_TRUE(
      openssl("x509 -in server.pem -noout -pubkey -out a && openssl pkey -in server.key -pubout -out b && cmp a b"));
}

TEST_F(ServerCertificateTest, made_once_and_kept) {
  const auto files = ensure();
  const std::string certificate = content(files.certificate);
  const std::string key = content(files.key);
  ensure();
  ensure({{}, {"127.0.0.2"}});  // covered
  EXPECT_EQ(content(files.certificate), certificate);
  EXPECT_EQ(content(files.key), key);
}

TEST_F(ServerCertificateTest, other_names_get_a_new_certificate_below_the_same_ca) {
  const auto files = ensure();
  const std::string ca = content(files.ca_certificate);
  const std::string certificate = content(files.certificate);
  ensure({{"hub.example"}, {"::1"}});
  EXPECT_EQ(content(files.ca_certificate), ca);
  EXPECT_NE(content(files.certificate), certificate);
  EXPECT_TRUE(openssl("verify -CAfile server-ca.pem -verify_hostname hub.example server.pem"));
  EXPECT_TRUE(openssl("verify -CAfile server-ca.pem -verify_ip ::1 server.pem"));
}

TEST_F(ServerCertificateTest, whatever_a_crash_left_out_is_made) {
  for (const char* missing : {"server.pem", "server.key", "server-ca.pem", "server-ca.key"}) {
    ensure();
    std::filesystem::remove(folder() / missing);
    ensure();
    EXPECT_TRUE(openssl("verify -CAfile server-ca.pem -verify_hostname localhost server.pem")) << missing;
  }
}

TEST_F(ServerCertificateTest, files_that_do_not_belong_together_are_refused_not_replaced) {
  const auto files = ensure();
  ASSERT_TRUE(openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out server.key"));
  const std::string foreign = content(files.key);
  const auto again = ensure_server_certificate(folder(), {{"localhost"}, {}});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, Reason::kStorage);
  EXPECT_EQ(content(files.key), foreign);
}

TEST_F(ServerCertificateTest, nodes_with_one_authority_are_all_trusted_by_its_certificate) {
  ensure();  // before it was one of several
  const std::shared_ptr<EVP_PKEY> key(openssl::make_ec_key("P-256"));
  const ServerAuthority shared{make_server_authority(key.get()), key};
  ASSERT_FALSE(shared.certificate_pem.empty());
  for (const char* node : {"node-1", "node-2"}) {
    const auto files = ensure_server_certificate(folder(), {{node}, {}}, node, &shared);
    ASSERT_TRUE(files) << files.error().detail;
    EXPECT_EQ(content(files->ca_certificate), shared.certificate_pem);
    EXPECT_TRUE(openssl(std::string("verify -CAfile server-ca.pem -verify_hostname ") + node + " " + node + ".pem"));
  }
  EXPECT_FALSE(std::filesystem::exists(folder() / "server-ca.key")) << "the key is where nodes keep keys";
  ensure();  // alone again
  EXPECT_NE(content(folder() / "server-ca.pem"), shared.certificate_pem);
  EXPECT_TRUE(openssl("verify -CAfile server-ca.pem -verify_hostname localhost server.pem"));
}

TEST_F(ServerCertificateTest, authority_with_another_key_is_refused_before_anything_is_made) {
  const std::shared_ptr<EVP_PKEY> key(openssl::make_ec_key("P-256"));
  const std::shared_ptr<EVP_PKEY> other(openssl::make_ec_key("P-256"));
  for (const ServerAuthority& wrong :
       {ServerAuthority{make_server_authority(key.get()), other}, ServerAuthority{"no certificate", key},
        ServerAuthority{make_server_authority(key.get()), nullptr}}) {
    const auto files = ensure_server_certificate(folder(), {{"localhost"}, {}}, "server", &wrong);
    ASSERT_FALSE(files);
    EXPECT_EQ(files.error().reason, Reason::kStorage);
    EXPECT_FALSE(std::filesystem::exists(folder() / "server.pem"));
  }
}

TEST_F(ServerCertificateTest, no_name_bad_address_and_bad_name_are_refused_before_anything_is_made) {
  for (const ServerNames& names : {ServerNames{}, ServerNames{{"localhost"}, {"127.0.0"}}, ServerNames{{""}, {}},
                                   ServerNames{{"a b"}, {}}, ServerNames{{"*.example"}, {}}}) {
    const auto files = ensure_server_certificate(folder(), names);
    ASSERT_FALSE(files);
    EXPECT_EQ(files.error().reason, Reason::kInvalidArgument);
  }
  EXPECT_FALSE(std::filesystem::exists(folder()));
}

}  // namespace
}  // namespace latchkey::hub::brokers
