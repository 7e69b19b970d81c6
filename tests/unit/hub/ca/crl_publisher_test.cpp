// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/crl_publisher.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <ctime>

#include "tests/unit/hub/ca/world.h"

namespace latchkey::hub::ca::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

class CrlPublisherTest : public World {
 protected:
  // Acts on wake() alone unless told otherwise.
  CrlPublisher::Options quiet() const {
    CrlPublisher::Options options;
    options.folder = folder_ / "crl";
    options.coalesce = milliseconds(1);
    options.check_every = hours(1);
    return options;
  }
  std::unique_ptr<CrlPublisher> make(CrlPublisher::Options options) {
    return std::make_unique<CrlPublisher>(
        *registry_, *authority_, [this] { return now_.load(); }, std::move(options),
        [this](const registry::Refusal& refusal) { errors_.push_back(refusal); });
  }
  std::unique_ptr<CrlPublisher> started(CrlPublisher::Options options) {
    auto publisher = make(std::move(options));
    const auto outcome = publisher->start();
    EXPECT_TRUE(outcome) << outcome.error().detail;
    return publisher;
  }
  registry::Bytes issue(const std::string& device) {
    Issuance issuance(*registry_, *authority_);
    const auto granted = grant(device);
    EXPECT_TRUE(issuance.issue(call_, granted, csr(device)));
    return granted.serial;
  }
  void revoke(const std::string& device) {
    const auto revoked = registry_->revoke_device(call_, "space", device, false);
    EXPECT_TRUE(revoked) << revoked.error().detail;
  }

  // What openssl makes of a published list.
  struct Listed {
    bool verified = false;
    int number = 0;
    std::vector<std::string> serials;  // upper-case hex
    std::string text;
    UnixMs next_update = 0;
  };
  Listed read(const registry::CaCertificate& ca) {
    put_certificate(folder_, "ca", ca.der);
    const std::string file = "crl/" + std::string(view(to_text(ca.id))) + ".crl";
    const Ran ran = run(folder_.path(), "openssl crl -inform DER -noout -text -CAfile ca.pem -in " + file);
    Listed listed{ran.says("verify OK"), 0, {}, ran.output, 0};
    const std::string next = "Next Update: ";
    if (const auto at = ran.output.find(next); at != std::string::npos) {
      std::tm parts{};
      ::strptime(ran.output.c_str() + at + next.size(), "%b %d %H:%M:%S %Y", &parts);
      listed.next_update = static_cast<UnixMs>(::timegm(&parts)) * 1000;
    }
    const std::string number = "X509v3 CRL Number: \n";
    if (const auto at = ran.output.find(number); at != std::string::npos) {
      listed.number = std::stoi(ran.output.substr(at + number.size()));
    }
    const std::string serial = "Serial Number: ";
    for (std::size_t at = 0; (at = ran.output.find(serial, at)) != std::string::npos;) {
      at += serial.size();
      listed.serials.push_back(ran.output.substr(at, ran.output.find('\n', at) - at));
    }
    return listed;
  }
  static std::string upper(const registry::Bytes& serial) {
    std::string text = hex(serial);
    for (char& c : text) c = static_cast<char>(std::toupper(c));
    return text;
  }
  registry::Bytes file(const registry::CaCertificate& ca) {
    return get(folder_ / ("crl/" + std::string(view(to_text(ca.id))) + ".crl"));
  }

  std::atomic<UnixMs> now_{kNow};
  std::vector<registry::Refusal> errors_;
};

TEST_F(CrlPublisherTest, every_ca_has_an_empty_list_from_the_start) {
  const auto publisher = started(quiet());
  for (const auto& ca : {root_, issuing_}) {
    const Listed listed = read(ca);
    EXPECT_TRUE(listed.verified) << listed.text;
    EXPECT_THAT(listed.serials, IsEmpty());
    EXPECT_GT(listed.number, 0);
    EXPECT_FALSE(registry_->find_ca(ca.id)->crl_due);
  }
  struct stat found {};
  ASSERT_EQ(::stat(publisher->file_of(root_.id).c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0644U);
}

TEST_F(CrlPublisherTest, wake_puts_every_serial_of_a_revoked_device_on_its_issuers_list_and_no_other) {
  const std::vector<std::string> serials{upper(issue("dev-1")), upper(issue("dev-1")), upper(issue("dev-1"))};
  issue("dev-2");
  const auto publisher = started(quiet());
  const int before = keys_->count(issuing_.key_ref);
  const int number = read(issuing_).number;
  revoke("dev-1");
  publisher->wake();
  ASSERT_TRUE(keys_->wait_for(issuing_.key_ref, before + 1));
  publisher->stop();  // after the list at hand
  const Listed listed = read(issuing_);
  EXPECT_TRUE(listed.verified);
  EXPECT_GT(listed.number, number);
  EXPECT_THAT(listed.serials, UnorderedElementsAreArray(serials));
  EXPECT_THAT(read(root_).serials, IsEmpty());
}

TEST_F(CrlPublisherTest, commit_listener_may_wake_it) {
  const auto serial = upper(issue("dev-1"));
  const auto publisher = started(quiet());
  registry_->set_commit_listener([&](registry::Sequence) { publisher->wake(); });
  const int before = keys_->count(issuing_.key_ref);
  revoke("dev-1");
  ASSERT_TRUE(keys_->wait_for(issuing_.key_ref, before + 1));
  registry_->set_commit_listener({});
  publisher->stop();
  EXPECT_THAT(read(issuing_).serials, ::testing::ElementsAre(serial));
}

TEST_F(CrlPublisherTest, revoked_issuing_ca_is_on_the_roots_list_and_goes_on_signing_its_own) {
  const auto publisher = started(quiet());
  const auto replacement = authority_->make_issuing(root_, registry::KeyProfile::kEcP256, kNow);
  ASSERT_TRUE(replacement);
  ASSERT_TRUE(registry_->revoke_policy(call_, "space", "policy", *replacement));
  ASSERT_TRUE(publisher->publish());
  EXPECT_THAT(read(root_).serials, ::testing::ElementsAre(upper(issuing_.serial)));
  EXPECT_TRUE(read(issuing_).verified);
  const Listed of_new = read(*registry_->find_ca(replacement->id));
  EXPECT_TRUE(of_new.verified) << of_new.text;
  EXPECT_THAT(of_new.serials, IsEmpty());
}

TEST_F(CrlPublisherTest, revoked_issuing_ca_renews_its_list_until_it_expires_and_no_longer) {
  issue("dev-1");
  const auto publisher = started(quiet());
  ASSERT_TRUE(registry_->revoke_policy(call_, "space", "policy",
                                       *authority_->make_issuing(root_, registry::KeyProfile::kEcP256, kNow)));
  ASSERT_TRUE(publisher->publish());
  for (UnixMs at = kNow; at < issuing_.not_after; at += 50 * kDayMs) {
    now_ = at;
    ASSERT_TRUE(publisher->publish());
    const Listed listed = read(issuing_);
    EXPECT_TRUE(listed.verified);
    EXPECT_GT(listed.next_update, at);
  }
  now_ = issuing_.not_after;
  const auto before = file(issuing_);
  ASSERT_TRUE(publisher->publish());
  EXPECT_EQ(file(issuing_), before);
}

TEST_F(CrlPublisherTest, revocations_close_together_share_one_signature) {
  auto options = quiet();
  options.coalesce = hours(1);
  std::vector<std::string> serials;
  for (int i = 0; i < 5; ++i) serials.push_back(upper(issue("dev-" + std::to_string(i))));
  const auto publisher = started(options);
  const int before = keys_->count(issuing_.key_ref);
  for (int i = 0; i < 5; ++i) {
    revoke("dev-" + std::to_string(i));
    publisher->wake();
  }
  EXPECT_EQ(keys_->count(issuing_.key_ref), before);
  publisher->stop();  // does not wait for the hour to pass
  auto next = make(options);
  EXPECT_TRUE(next->publish());
  EXPECT_EQ(keys_->count(issuing_.key_ref), before + 1);
  EXPECT_THAT(read(issuing_).serials, UnorderedElementsAreArray(serials));
}

TEST_F(CrlPublisherTest, nothing_due_signs_nothing) {
  const auto publisher = started(quiet());
  const int before = keys_->count(issuing_.key_ref);
  const auto written = publisher->publish();
  ASSERT_TRUE(written);
  EXPECT_EQ(*written, 0U);
  EXPECT_EQ(keys_->count(issuing_.key_ref), before);
}

TEST_F(CrlPublisherTest, numbers_rise_across_restarts) {
  issue("dev-1");
  started(quiet())->stop();
  const int first = read(issuing_).number;
  revoke("dev-1");
  open_registry();
  started(quiet())->stop();
  const int second = read(issuing_).number;
  issue("dev-1");
  revoke("dev-1");
  started(quiet())->stop();
  EXPECT_GT(second, first);
  EXPECT_GT(read(issuing_).number, second);
}

TEST_F(CrlPublisherTest, restart_without_changes_leaves_the_files_alone) {
  started(quiet())->stop();
  const auto before = file(issuing_);
  started(quiet())->stop();
  EXPECT_EQ(file(issuing_), before);
}

TEST_F(CrlPublisherTest, list_written_but_not_recorded_before_a_crash_is_recorded_not_signed_again) {
  started(quiet())->stop();
  issue("dev-1");
  revoke("dev-1");
  const auto orders = registry_->due_crls(kNow);
  ASSERT_TRUE(orders);
  ASSERT_EQ(orders->size(), 1U);
  const auto crl = authority_->sign_crl(orders->front(), kNow, kNow + 7 * kDayMs);
  ASSERT_TRUE(crl);
  put(folder_ / ("crl/" + std::string(view(to_text(issuing_.id))) + ".crl"), *crl);
  started(quiet())->stop();  // "after the crash"
  EXPECT_EQ(file(issuing_), *crl);
  EXPECT_FALSE(registry_->find_ca(issuing_.id)->crl_due);
}

TEST_F(CrlPublisherTest, number_on_disk_above_the_registrys_is_never_used_again) {
  started(quiet())->stop();
  const auto serial = upper(issue("dev-1"));
  const auto from_the_future = authority_->sign_crl({issuing_, 1000, {}}, kNow, kNow + 7 * kDayMs);
  ASSERT_TRUE(from_the_future);
  put(folder_ / ("crl/" + std::string(view(to_text(issuing_.id))) + ".crl"), *from_the_future);
  revoke("dev-1");
  started(quiet())->stop();
  EXPECT_GT(read(issuing_).number, 1000);
  EXPECT_THAT(read(issuing_).serials, ::testing::ElementsAre(serial));
  EXPECT_FALSE(registry_->find_ca(issuing_.id)->crl_due);
}

TEST_F(CrlPublisherTest, lost_or_damaged_file_is_made_again_at_the_next_start) {
  started(quiet())->stop();
  std::filesystem::remove(folder_ / ("crl/" + std::string(view(to_text(root_.id))) + ".crl"));
  put(folder_ / ("crl/" + std::string(view(to_text(issuing_.id))) + ".crl"), std::string("junk"));
  started(quiet())->stop();
  EXPECT_TRUE(read(root_).verified);
  EXPECT_TRUE(read(issuing_).verified);
}

TEST_F(CrlPublisherTest, unchanged_list_is_renewed_before_it_runs_out) {
  auto options = quiet();
  options.check_every = milliseconds(2);
  const auto publisher = started(options);
  const int before = keys_->count(root_.key_ref);
  const int number = read(root_).number;
  now_ = kNow + 4 * kDayMs;
  ASSERT_TRUE(keys_->wait_for(root_.key_ref, before + 1));
  publisher->stop();
  const Listed listed = read(root_);
  EXPECT_TRUE(listed.verified);
  EXPECT_GT(listed.number, number);
  EXPECT_NE(listed.text.find("Next Update: Jun 26 15:06:40 2025 GMT"), std::string::npos) << listed.text;
}

TEST_F(CrlPublisherTest, list_is_not_renewed_in_the_first_half_of_its_validity) {
  const auto publisher = started(quiet());
  const auto before = file(root_);
  now_ = kNow + 3 * kDayMs;
  ASSERT_TRUE(publisher->publish());
  EXPECT_EQ(file(root_), before);
}

TEST_F(CrlPublisherTest, clock_set_back_gets_lists_that_are_valid_then) {
  const auto publisher = started(quiet());
  now_ = kNow - 30 * kDayMs;
  ASSERT_TRUE(publisher->publish());
  EXPECT_NE(read(root_).text.find("Last Update: May 16 15:06:40 2025 GMT"), std::string::npos) << read(root_).text;
}

TEST_F(CrlPublisherTest, expired_serials_leave_the_list) {
  const auto publisher = started(quiet());
  issue("dev-1");
  revoke("dev-1");
  ASSERT_TRUE(publisher->publish());
  EXPECT_EQ(read(issuing_).serials.size(), 1U);
  now_ = kNow + 31 * kDayMs;
  ASSERT_TRUE(publisher->publish());
  EXPECT_THAT(read(issuing_).serials, IsEmpty());
}

TEST_F(CrlPublisherTest, lost_key_of_one_ca_is_reported_once_and_holds_up_no_other) {
  const auto serial = upper(issue("dev-1"));
  ASSERT_TRUE(files_->destroy(root_.key_ref));
  auto options = quiet();
  options.check_every = milliseconds(1);
  const auto publisher = started(options);
  revoke("dev-1");
  const int before = keys_->count(root_.key_ref);
  ASSERT_TRUE(keys_->wait_for(root_.key_ref, before + 3));
  publisher->stop();
  ASSERT_EQ(errors_.size(), 1U);
  EXPECT_EQ(errors_[0].reason, registry::Reason::kNotFound);
  EXPECT_THAT(read(issuing_).serials, ::testing::ElementsAre(serial));
  EXPECT_TRUE(registry_->find_ca(root_.id)->crl_due);
}

TEST_F(CrlPublisherTest, folder_that_cannot_be_made_is_refused) {
  put(folder_ / "crl", std::string("a file"));
  auto publisher = make(quiet());
  const auto outcome = publisher->start();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, registry::Reason::kStorage);
}

TEST_F(CrlPublisherTest, stop_twice_and_without_start_is_harmless) {
  auto never = make(quiet());
  never->stop();
  const auto publisher = started(quiet());
  publisher->stop();
  publisher->stop();
}

}  // namespace
}  // namespace latchkey::hub::ca::test
