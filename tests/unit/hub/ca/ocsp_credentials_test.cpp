// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/ocsp_credentials.h"

#include <sys/stat.h>

#include "tests/unit/hub/ca/ocsp_world.h"

namespace latchkey::hub::ca::test {
namespace {

using registry::Reason;

class OcspCredentialsTest : public OcspWorld {
 protected:
  OcspCredentials::Credential of(const registry::CaCertificate& ca) {
    auto found = credentials_->of(ca, now_);
    EXPECT_TRUE(found) << found.error().detail;
    return found ? *found : nullptr;
  }
  registry::CaCertificate without_key(registry::CaCertificate ca) {
    EXPECT_TRUE(keys_->destroy(ca.key_ref));
    ca.key_ref.clear();
    return ca;
  }
  std::filesystem::path last_file(const registry::CaCertificate& ca) const {
    return folder_ / "ocsp" / (std::string(view(to_text(ca.id))) + ".pem");
  }
  bool folder_empty() const { return std::filesystem::is_empty(folder_ / "ocsp"); }
};

TEST_F(OcspCredentialsTest, certificate_is_a_delegate_of_its_ca_that_nobody_checks_for_revocation) {
  const auto credential = of(issuing_);
  put_certificate(folder_, "delegate", openssl::to_der(i2d_X509, credential->certificate.get()));
  const Ran shown = run(folder_.path(), "openssl x509 -in delegate.pem -noout -text");
  EXPECT_TRUE(shown.says("OCSP Signing")) << shown.output;
  EXPECT_TRUE(shown.says("OCSP No Check")) << shown.output;
  EXPECT_TRUE(shown.says("CA:FALSE")) << shown.output;
  put_certificate(folder_, "root", root_.der);
  put_certificate(folder_, "ica", issuing_.der);
  const std::string at = std::to_string(kNow / 1000);
  const Ran checked = run(folder_.path(), "openssl verify -purpose ocsphelper -attime " + at +
                                              " -CAfile root.pem -untrusted ica.pem delegate.pem");
  EXPECT_EQ(checked.status, 0) << checked.output;
}

TEST_F(OcspCredentialsTest, credential_is_used_again_until_half_of_its_life_and_then_made_anew) {
  const auto first = of(issuing_);
  EXPECT_EQ(first->not_after, kNow + 7 * kDayMs);
  now_ = kNow + 3 * kDayMs;
  EXPECT_EQ(of(issuing_), first);
  now_ = kNow + 4 * kDayMs;
  const auto second = of(issuing_);
  EXPECT_NE(second, first);
  EXPECT_EQ(second->not_after, now_ + 7 * kDayMs);
  now_ = kNow;  // the rehearsal's clock goes back
  EXPECT_NE(of(issuing_), second) << "not valid yet";
}

TEST_F(OcspCredentialsTest, each_ca_has_its_own) { EXPECT_NE(of(issuing_), of(root_)); }

TEST_F(OcspCredentialsTest, ordinary_credentials_are_not_written_down) {
  (void)of(issuing_);
  EXPECT_TRUE(folder_empty());
}

TEST_F(OcspCredentialsTest, life_ends_with_the_cas) {
  now_ = issuing_.not_after - kDayMs;
  EXPECT_EQ(of(issuing_)->not_after, issuing_.not_after);
}

TEST_F(OcspCredentialsTest, ca_outside_its_own_validity_has_none) {
  for (const UnixMs at : {issuing_.not_before - 1000, issuing_.not_after}) {
    const auto refused = credentials_->of(issuing_, at);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::kPreconditionFailed);
  }
}

TEST_F(OcspCredentialsTest, ca_without_a_key_has_none) {
  (void)of(issuing_);
  const auto refused = credentials_->of(without_key(issuing_), now_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::kNotFound);
}

TEST_F(OcspCredentialsTest, last_one_outlives_the_key_and_this_process_to_the_cas_end) {
  ASSERT_TRUE(credentials_->make_last(issuing_, now_));
  const auto ca = without_key(issuing_);
  open_credentials();
  EXPECT_EQ(of(ca)->not_after, issuing_.not_after);
  now_ = issuing_.not_after - 1000;
  EXPECT_TRUE(of(ca));
}

TEST_F(OcspCredentialsTest, row_that_is_older_than_the_end_of_its_key_finds_the_last_one) {
  ASSERT_TRUE(credentials_->make_last(issuing_, now_));
  (void)without_key(issuing_);
  EXPECT_TRUE(of(issuing_)) << "the row still names the key";
}

TEST_F(OcspCredentialsTest, last_one_is_for_its_owner_alone_and_made_once) {
  ASSERT_TRUE(credentials_->make_last(issuing_, now_));
  struct stat status {};
  ASSERT_EQ(::stat(last_file(issuing_).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  const auto before = get(last_file(issuing_));
  ASSERT_TRUE(credentials_->make_last(issuing_, now_ + 1000));
  EXPECT_EQ(get(last_file(issuing_)), before);
}

TEST_F(OcspCredentialsTest, damaged_last_one_is_made_anew_while_there_is_a_key) {
  put(last_file(issuing_), ByteView(std::string_view("rubbish")));
  ASSERT_TRUE(credentials_->make_last(issuing_, now_));
  EXPECT_TRUE(of(without_key(issuing_)));
}

TEST_F(OcspCredentialsTest, last_one_cannot_be_made_without_the_key) {
  (void)without_key(issuing_);
  const auto refused = credentials_->make_last(issuing_, now_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::kNotFound);
  EXPECT_TRUE(folder_empty());
}

TEST_F(OcspCredentialsTest, expired_ca_needs_no_last_one) {
  EXPECT_TRUE(credentials_->make_last(issuing_, issuing_.not_after));
  EXPECT_TRUE(folder_empty());
}

TEST_F(OcspCredentialsTest, last_one_of_another_ca_is_not_taken) {
  ASSERT_TRUE(credentials_->make_last(root_, now_));
  std::filesystem::rename(last_file(root_), last_file(issuing_));
  EXPECT_FALSE(credentials_->of(without_key(issuing_), now_));
}

TEST_F(OcspCredentialsTest, damaged_last_one_is_as_good_as_none) {
  ASSERT_TRUE(credentials_->make_last(issuing_, now_));
  auto text = get(last_file(issuing_));
  text.resize(text.size() / 2);
  put(last_file(issuing_), text);
  EXPECT_FALSE(credentials_->of(without_key(issuing_), now_));
}

TEST_F(OcspCredentialsTest, folder_that_others_may_enter_is_refused) {
  ASSERT_EQ(::chmod((folder_ / "ocsp").c_str(), 0755), 0);
  const auto refused = OcspCredentials::open(*keys_, {folder_ / "ocsp", kDayMs});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::kUnauthorized);
}

// Two nodes: folders of their own, one registry, and one place of keys.
class SharedOcspCredentials : public OcspCredentialsTest {
 protected:
  void SetUp() override {
    OcspCredentialsTest::SetUp();
    auto shared = FileKeyProvider::open(folder_ / "shared");
    ASSERT_TRUE(shared);
    shared_ = *std::move(shared);
    a_ = node("a");
    b_ = node("b");
  }
  std::unique_ptr<OcspCredentials> node(const std::string& name) {
    OcspCredentials::Options options;
    options.folder = folder_ / name;
    options.shared_keys = shared_.get();
    options.registry = registry_.get();
    auto opened = OcspCredentials::open(*keys_, options);
    EXPECT_TRUE(opened);
    return opened ? *std::move(opened) : nullptr;
  }
  static std::string setting_of(const registry::CaCertificate& ca) {
    return "ocsp of " + std::string(view(to_text(ca.id)));
  }
  std::string kept(const registry::CaCertificate& ca) {
    const auto setting = registry_->setting(setting_of(ca));
    return setting ? setting->value_or("") : "";
  }
  std::size_t keys() const {
    const std::filesystem::directory_iterator all(folder_ / "shared");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  void expect_none(OcspCredentials& node, const registry::CaCertificate& ca) {
    const auto refused = node.of(ca, now_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::kNotFound);
  }

  std::unique_ptr<FileKeyProvider> shared_;
  std::unique_ptr<OcspCredentials> a_;
  std::unique_ptr<OcspCredentials> b_;
};

TEST_F(SharedOcspCredentials, last_one_of_one_node_answers_at_the_other_and_lies_in_no_folder_of_theirs) {
  ASSERT_TRUE(a_->make_last(issuing_, now_));
  const auto ended = without_key(issuing_);
  const auto here = a_->of(ended, now_);
  const auto there = b_->of(ended, now_);
  ASSERT_TRUE(here);
  ASSERT_TRUE(there);
  EXPECT_EQ(X509_cmp((*here)->certificate.get(), (*there)->certificate.get()), 0);
  EXPECT_EQ(EVP_PKEY_eq((*here)->key.get(), (*there)->key.get()), 1);
  EXPECT_EQ((*there)->not_after, issuing_.not_after);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "a"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "b"));
  EXPECT_EQ(kept(issuing_).find("PRIVATE KEY"), std::string::npos) << "the registry has no key in the clear";
}

TEST_F(SharedOcspCredentials, it_is_made_once_whichever_node_is_asked) {
  ASSERT_TRUE(a_->make_last(issuing_, now_));
  const auto first = kept(issuing_);
  ASSERT_TRUE(b_->make_last(issuing_, now_ + 1000));
  EXPECT_EQ(kept(issuing_), first);
  EXPECT_EQ(keys(), 1u);
}

TEST_F(SharedOcspCredentials, one_of_another_ca_is_not_taken) {
  ASSERT_TRUE(a_->make_last(root_, now_));
  ASSERT_TRUE(registry_->set_setting(setting_of(issuing_), kept(root_)));
  expect_none(*b_, without_key(issuing_));
}

TEST_F(SharedOcspCredentials, what_is_damaged_is_as_good_as_none_and_made_anew_while_there_is_a_key) {
  ASSERT_TRUE(a_->make_last(issuing_, now_));
  const auto whole = kept(issuing_);
  for (const auto& damaged :
       {std::string("rubbish"), whole.substr(0, whole.size() / 2), whole.substr(whole.find('\n') + 1)}) {
    ASSERT_TRUE(registry_->set_setting(setting_of(issuing_), damaged));
    auto named = issuing_;
    named.key_ref.clear();  // which it still has
    EXPECT_FALSE(b_->of(named, now_)) << damaged;
  }
  ASSERT_TRUE(registry_->set_setting(setting_of(issuing_), "rubbish"));
  ASSERT_TRUE(b_->make_last(issuing_, now_));
  EXPECT_TRUE(a_->of(without_key(issuing_), now_));
}

TEST_F(SharedOcspCredentials, certificate_without_its_key_is_as_good_as_none) {
  ASSERT_TRUE(a_->make_last(issuing_, now_));
  const auto setting = kept(issuing_);
  ASSERT_TRUE(shared_->destroy(setting.substr(0, setting.find('\n'))));
  expect_none(*node("c"), without_key(issuing_));
}

TEST_F(SharedOcspCredentials, it_cannot_be_made_without_the_cas_key_and_leaves_no_key_behind) {
  (void)without_key(issuing_);
  const auto refused = a_->make_last(issuing_, now_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::kNotFound);
  EXPECT_EQ(keys(), 0u);
}

TEST_F(SharedOcspCredentials, file_that_was_made_before_keys_were_shared_is_read_where_it_is) {
  ASSERT_TRUE(credentials_->make_last(issuing_, now_));
  std::filesystem::copy(last_file(issuing_), folder_ / "a");
  const auto ended = without_key(issuing_);
  EXPECT_TRUE(a_->of(ended, now_));
  expect_none(*b_, ended);
}

}  // namespace
}  // namespace latchkey::hub::ca::test
