// SPDX-License-Identifier: Apache-2.0
// The end of a CA whose policy or credential is deleted: its last list, then its key; and what a crash between any two
// steps leaves for the next start.
#include <gmock/gmock.h>

#include <ctime>

#include "hub/ca/crl_publisher.h"
#include "tests/unit/hub/ca/world.h"

namespace latchkey::hub::ca::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LastCrlTest : public World {
 protected:
  // The hub's start and stop: keys that nobody names go first, then the publisher does what is due. A fresh publisher
  // knows only what is on disk.
  void restart() {
    open_registry();
    std::set<std::string> named;
    const auto cas = registry_->list_cas();
    ASSERT_TRUE(cas);
    for (const auto& ca : *cas) named.insert(ca.key_ref);
    ASSERT_TRUE(files_->destroy_unnamed(named));
    auto publisher = make();
    ASSERT_TRUE(publisher->start());
    publisher->stop();
  }
  std::unique_ptr<CrlPublisher> make() {
    CrlPublisher::Options options;
    options.folder = folder_ / "crl";
    options.check_every = std::chrono::hours(1);
    return std::make_unique<CrlPublisher>(
        *registry_, *authority_, [this] { return now_; }, options,
        [this](const registry::Refusal& refusal) { errors_.push_back(refusal.detail); });
  }
  registry::Bytes revoked_leaf(const std::string& device) {
    Issuance issuance(*registry_, *authority_);
    const auto granted = grant(device);
    EXPECT_TRUE(issuance.issue(call_, granted, csr(device)));
    EXPECT_TRUE(registry_->revoke_device(call_, "space", device, false));
    return granted.serial;
  }
  void delete_policy() { ASSERT_TRUE(registry_->delete_policy(call_, "space", "policy")); }

  struct Listed {
    bool verified = false;
    int entries = 0;
    std::string number;
    std::string next_update;
    registry::Bytes der;
  };
  Listed read(const registry::CaCertificate& ca) {
    put_certificate(folder_, "ca", ca.der);
    const std::string crl = "openssl crl -inform DER -in crl/" + std::string(view(to_text(ca.id))) + ".crl -noout ";
    const Ran text = run(folder_.path(), crl + "-text -CAfile ca.pem");
    Listed listed;
    listed.verified = text.says("verify OK");
    for (std::size_t at = 0; (at = text.output.find("Serial Number: ", at)) != std::string::npos; ++at) {
      ++listed.entries;
    }
    listed.number = value_of(run(folder_.path(), crl + "-crlnumber").output);
    listed.next_update = value_of(run(folder_.path(), crl + "-nextupdate").output);
    listed.der = get(crl_path(ca));
    return listed;
  }
  // "nextUpdate=Jun 15 15:06:40 2026 GMT\n"
  static std::string value_of(const std::string& output) {
    const auto at = output.find('=');
    return at == std::string::npos ? output : output.substr(at + 1, output.find('\n') - at - 1);
  }
  std::string end_of(const registry::CaCertificate& ca) {
    put_certificate(folder_, "ca", ca.der);
    return value_of(run(folder_.path(), "openssl x509 -in ca.pem -noout -enddate").output);
  }
  std::filesystem::path crl_path(const registry::CaCertificate& ca) {
    return folder_ / ("crl/" + std::string(view(to_text(ca.id))) + ".crl");
  }
  bool key_exists(const registry::CaCertificate& ca) { return std::filesystem::exists(folder_ / "keys" / ca.key_ref); }
  void expect_ended(const registry::CaCertificate& ca, int entries) {
    const Listed listed = read(ca);
    EXPECT_TRUE(listed.verified);
    EXPECT_EQ(listed.entries, entries);
    EXPECT_EQ(listed.next_update, end_of(ca));
    EXPECT_FALSE(key_exists(ca));
    EXPECT_TRUE(registry_->find_ca(ca.id)->key_ref.empty());
    EXPECT_FALSE(registry_->find_ca(ca.id)->crl_due);
    EXPECT_THAT(errors_, IsEmpty());
  }
  // The last list of a CA as the publisher makes it, put where it puts it.
  registry::Bytes put_last_list(const registry::CaCertificate& ca, UnixMs next_update) {
    const auto orders = registry_->due_crls(now_);
    for (const auto& order : *orders) {
      if (order.ca.id != ca.id) continue;
      const auto der = authority_->sign_crl(order, now_, next_update);
      EXPECT_TRUE(der);
      put(crl_path(ca), *der);
      return *der;
    }
    ADD_FAILURE() << "no list is due";
    return {};
  }

  UnixMs now_ = kNow;
  std::vector<std::string> errors_;
};

TEST_F(LastCrlTest, deleted_policys_ca_leaves_a_complete_list_that_is_valid_to_its_end_and_no_key) {
  restart();
  revoked_leaf("dev-1");
  delete_policy();
  EXPECT_TRUE(key_exists(issuing_));
  ASSERT_TRUE(make()->publish());
  expect_ended(issuing_, 1);
  EXPECT_TRUE(key_exists(root_));
}

TEST_F(LastCrlTest, former_issuing_cas_of_a_deleted_policy_end_with_it) {
  restart();
  revoked_leaf("dev-1");
  const auto made = authority_->make_issuing(root_, registry::KeyProfile::kEcP384, kNow + 40 * kDayMs);
  ASSERT_TRUE(made);
  ASSERT_TRUE(registry_->revoke_policy(call_, "space", "policy", *made));
  const auto second = *registry_->find_ca(made->id);
  delete_policy();
  ASSERT_TRUE(make()->publish());
  expect_ended(issuing_, 1);
  expect_ended(second, 0);
  EXPECT_NE(end_of(issuing_), end_of(second));
  EXPECT_EQ(read(root_).entries, 1) << "the revoked one stays on the root's list";
}

TEST_F(LastCrlTest, deleted_credentials_root_leaves_a_list_that_is_valid_to_its_end_and_no_key) {
  restart();
  ASSERT_TRUE(registry_->revoke_policy(call_, "space", "policy",
                                       *authority_->make_issuing(root_, registry::KeyProfile::kEcP256, kNow)));
  delete_policy();
  ASSERT_TRUE(registry_->delete_credential(call_, "space"));
  ASSERT_TRUE(make()->publish());
  expect_ended(root_, 1);
  expect_ended(issuing_, 0);
}

TEST_F(LastCrlTest, last_list_stays_as_it_is) {
  restart();
  delete_policy();
  const auto publisher = make();
  ASSERT_TRUE(publisher->publish());
  const auto before = read(issuing_).der;
  now_ = kNow + 200 * kDayMs;
  ASSERT_TRUE(publisher->publish());
  restart();
  EXPECT_EQ(read(issuing_).der, before);
}

TEST_F(LastCrlTest, ca_that_ends_within_a_week_gets_no_shorter_list_than_usual) {
  restart();
  now_ = issuing_.not_after - kDayMs;
  delete_policy();
  ASSERT_TRUE(make()->publish());
  const Listed listed = read(issuing_);
  EXPECT_TRUE(listed.verified);
  EXPECT_NE(listed.next_update, end_of(issuing_));
  EXPECT_FALSE(key_exists(issuing_));
}

TEST_F(LastCrlTest, list_of_a_ca_in_use_ends_before_the_ca) {
  restart();
  EXPECT_NE(read(issuing_).next_update, end_of(issuing_));
  EXPECT_NE(read(root_).next_update, end_of(root_));
  EXPECT_TRUE(key_exists(issuing_));
}

TEST_F(LastCrlTest, crash_before_the_list_is_written_is_made_good) {
  restart();
  revoked_leaf("dev-1");
  delete_policy();
  restart();
  expect_ended(issuing_, 1);
}

TEST_F(LastCrlTest, crash_between_list_and_record_is_made_good_without_another_signature) {
  restart();
  revoked_leaf("dev-1");
  delete_policy();
  const auto list = put_last_list(issuing_, issuing_.not_after);
  restart();
  expect_ended(issuing_, 1);
  EXPECT_EQ(read(issuing_).der, list);
}

TEST_F(LastCrlTest, crash_between_record_and_destruction_is_made_good) {
  restart();
  delete_policy();
  put_last_list(issuing_, issuing_.not_after);
  const auto orders = registry_->due_crls(now_);
  for (const auto& order : *orders) ASSERT_TRUE(registry_->ca_ended(order.ca.id, order.number));
  ASSERT_TRUE(key_exists(issuing_));
  restart();
  expect_ended(issuing_, 0);
}

TEST_F(LastCrlTest, list_of_that_number_that_is_not_valid_to_the_end_is_signed_again_with_a_higher_one) {
  restart();
  delete_policy();
  put_last_list(issuing_, kNow + 7 * kDayMs);
  const std::string number = read(issuing_).number;
  restart();
  expect_ended(issuing_, 0);
  EXPECT_NE(read(issuing_).number, number);
}

TEST_F(LastCrlTest, number_on_disk_above_the_registrys_is_gone_beyond) {
  restart();
  delete_policy();
  const auto above = authority_->sign_crl({issuing_, 0x1000, {}}, kNow, issuing_.not_after);
  ASSERT_TRUE(above);
  put(crl_path(issuing_), *above);
  restart();
  expect_ended(issuing_, 0);
  EXPECT_GT(std::stoul(read(issuing_).number, nullptr, 16), 0x1000U);
}

TEST_F(LastCrlTest, key_stays_while_the_list_cannot_be_written) {
  restart();
  delete_policy();
  std::filesystem::remove(crl_path(issuing_));
  std::filesystem::create_directories(crl_path(issuing_) / "in the way");
  EXPECT_FALSE(make()->publish());
  EXPECT_TRUE(key_exists(issuing_));
  EXPECT_FALSE(registry_->find_ca(issuing_.id)->key_ref.empty());
  std::filesystem::remove_all(crl_path(issuing_));
  restart();
  expect_ended(issuing_, 0);
}

}  // namespace
}  // namespace latchkey::hub::ca::test
