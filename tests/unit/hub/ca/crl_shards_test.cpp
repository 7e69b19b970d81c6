// SPDX-License-Identifier: Apache-2.0
// Lists in shards, read by `openssl crl`: which certificate is on which, which of them are signed anew and when, and
// what a crash or another number of shards leaves.
#include "hub/ca/crl_shards.h"

#include <gtest/gtest.h>

#include "hub/ca/crl_publisher.h"
#include "tests/unit/hub/ca/world.h"

namespace latchkey::hub::ca::test {
namespace {

TEST(CrlShards, one_is_the_whole_list) {
  const registry::Bytes serial{1, 2, 3, 4, 5};
  EXPECT_TRUE(shard_of(serial, 1).whole());
  EXPECT_EQ(shard_of(serial, 1).index, 0u);
  EXPECT_FALSE(shard_of(serial, 2).whole());
}

TEST(CrlShards, serial_alone_decides_and_short_ones_do_too) {
  EXPECT_EQ(shard_of(registry::Bytes{9, 0, 0, 1, 1}, 256).index, 1u);
  EXPECT_EQ(shard_of(registry::Bytes{7, 0, 0, 1, 1}, 256).index, 1u);
  EXPECT_EQ(shard_of(registry::Bytes{5}, 4).index, 1u);
  EXPECT_EQ(shard_of(registry::Bytes{}, 4).index, 0u);
}

TEST(CrlShards, random_serials_spread_over_all_of_them) {
  std::vector<int> held(8);
  for (int i = 0; i < 8000; ++i) ++held[shard_of(Authority::new_serial(), 8).index];
  for (const int count : held) EXPECT_NEAR(count, 1000, 300);  // ten standard deviations
}

TEST(CrlShards, path_says_the_ca_how_many_there_are_and_which_it_is) {
  Uuid ca;
  ca.bytes.fill(0xab);
  const std::string name = "abababab-abab-abab-abab-abababababab";
  EXPECT_EQ(list_path(ca, {}), name + ".crl");
  EXPECT_EQ(list_path(ca, {8, 3}), name + "/8/3.crl");
  EXPECT_EQ(list_address("http://h/crl", ca, {8, 3}), "http://h/crl/" + name + "/8/3.crl");
  EXPECT_EQ(list_address("http://h/crl/", ca, {}), "http://h/crl/" + name + ".crl");
}

class ShardedLists : public World {
 protected:
  static constexpr const char* kFolder = "http://pki.example/crl";

  void SetUp() override {
    World::SetUp();
    Authority::Options options;
    options.crl_url = kFolder;
    options.crl_shards = 4;
    authority_ = std::make_unique<Authority>(*keys_, options);
  }
  // A fresh one knows only what is on disk.
  std::unique_ptr<CrlPublisher> make(std::vector<CrlSplit> splits = {{4, {kFolder}}}) {
    CrlPublisher::Options options;
    options.folder = folder_ / "crl";
    options.splits = std::move(splits);
    return std::make_unique<CrlPublisher>(
        *registry_, *authority_, [this] { return now_; }, options, nullptr);
  }
  static std::size_t published(CrlPublisher& publisher) {
    const auto written = publisher.publish();
    EXPECT_TRUE(written) << written.error().detail;
    return written.value_or(0);
  }
  registry::Bytes issue(const std::string& device) {
    Issuance issuance(*registry_, *authority_);
    const auto granted = grant(device);
    auto issued = issuance.issue(call_, granted, csr(device));
    EXPECT_TRUE(issued);
    leaf_ = std::move(issued->value.leaf);
    return granted.serial;
  }
  registry::Bytes revoked(const std::string& device) {
    auto serial = issue(device);
    EXPECT_TRUE(registry_->revoke_device(call_, "space", device, false));
    return serial;
  }
  std::filesystem::path file(const registry::CaCertificate& ca, CrlShard shard) {
    return folder_ / ("crl/" + list_path(ca.id, shard));
  }
  // As openssl reads it; empty unless the CA's signature verifies.
  std::string read(const registry::CaCertificate& ca, CrlShard shard) {
    put_certificate(folder_, "ca", ca.der);
    const Ran ran = run(folder_.path(),
                        "openssl crl -inform DER -noout -text -CAfile ca.pem -in '" + file(ca, shard).string() + "'");
    return ran.says("verify OK") ? ran.output : std::string();
  }
  static int entries(const std::string& text) {
    int count = 0;
    for (std::size_t at = 0; (at = text.find("Serial Number: ", at)) != std::string::npos; ++at) ++count;
    return count;
  }
  static bool names(const std::string& text, const registry::Bytes& serial) {
    std::string upper = hex(serial);
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    return text.find("Serial Number: " + upper + "\n") != std::string::npos;
  }
  static int number(const std::string& text) {
    const std::string label = "X509v3 CRL Number: \n";
    const auto at = text.find(label);
    return at == std::string::npos ? 0 : std::stoi(text.substr(at + label.size()));
  }
  std::vector<registry::Bytes> shards(const registry::CaCertificate& ca, unsigned count = 4) {
    std::vector<registry::Bytes> all;
    for (unsigned i = 0; i < count; ++i) all.push_back(get(file(ca, {count, i})));
    return all;
  }

  UnixMs now_ = kNow;
  registry::Bytes leaf_;
};

TEST_F(ShardedLists, shard_says_critically_which_it_is_and_the_whole_list_says_nothing_of_shards) {
  published(*make());
  for (unsigned i = 0; i < 4; ++i) {
    const auto text = read(issuing_, {4, i});
    EXPECT_NE(text.find("X509v3 Issuing Distribution Point: critical\n"), std::string::npos) << text;
    EXPECT_NE(text.find("URI:" + list_address(kFolder, issuing_.id, {4, i})), std::string::npos) << text;
    EXPECT_NE(text.find("Only User Certificates"), std::string::npos) << text;
    EXPECT_EQ(entries(text), 0);
  }
  const auto whole = read(issuing_, {});
  EXPECT_NE(whole, "");
  EXPECT_EQ(whole.find("Issuing Distribution Point"), std::string::npos) << whole;
}

TEST_F(ShardedLists, certificate_names_the_shard_that_it_will_be_on) {
  const auto serial = issue("dev-1");
  put_certificate(folder_, "leaf", leaf_);
  const Ran ran = run(folder_.path(), "openssl x509 -in leaf.pem -noout -ext crlDistributionPoints");
  EXPECT_TRUE(ran.says("URI:" + list_address(kFolder, issuing_.id, shard_of(serial, 4)) + "\n")) << ran.output;
}

TEST_F(ShardedLists, issuing_ca_names_the_roots_whole_list_and_the_root_has_no_shards) {
  const auto made = authority_->make_issuing(root_, registry::KeyProfile::kEcP256, kNow);
  ASSERT_TRUE(made);
  put_certificate(folder_, "ica", made->der);
  const Ran ran = run(folder_.path(), "openssl x509 -in ica.pem -noout -ext crlDistributionPoints");
  EXPECT_TRUE(ran.says("URI:" + list_address(kFolder, root_.id, {}) + "\n")) << ran.output;
  published(*make());
  EXPECT_NE(read(root_, {}), "");
  EXPECT_FALSE(std::filesystem::exists(file(root_, {4, 0})));
}

TEST_F(ShardedLists, revocation_signs_its_shard_and_the_whole_list_and_leaves_the_other_shards_alone) {
  const auto publisher = make();
  published(*publisher);
  const auto before = shards(issuing_);
  const auto serial = revoked("dev-1");
  EXPECT_EQ(published(*publisher), 2u);
  const auto own = shard_of(serial, 4).index;
  const auto after = shards(issuing_);
  for (unsigned i = 0; i < 4; ++i) {
    EXPECT_EQ(after[i] == before[i], i != own) << i;
    EXPECT_EQ(names(read(issuing_, {4, i}), serial), i == own) << i;
  }
  EXPECT_TRUE(names(read(issuing_, {}), serial));
  EXPECT_EQ(number(read(issuing_, {4, own})), number(read(issuing_, {}))) << "the number of what was signed with it";
}

TEST_F(ShardedLists, next_start_knows_from_the_files_which_shards_have_not_changed) {
  revoked("dev-1");
  published(*make());
  const auto before = shards(issuing_);
  const auto own = shard_of(revoked("dev-2"), 4).index;
  EXPECT_EQ(published(*make()), 2u);
  const auto after = shards(issuing_);
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(after[i] == before[i], i != own) << i;
}

TEST_F(ShardedLists, shards_together_are_the_whole_list) {
  const auto publisher = make();
  for (int i = 0; i < 12; ++i) revoked("dev-" + std::to_string(i));
  published(*publisher);
  int all = 0;
  for (unsigned i = 0; i < 4; ++i) all += entries(read(issuing_, {4, i}));
  EXPECT_EQ(all, 12);
  EXPECT_EQ(entries(read(issuing_, {})), 12);
}

TEST_F(ShardedLists, former_split_is_kept_up_when_there_is_another) {
  published(*make({{4, {kFolder}}}));
  const auto publisher = make({{4, {kFolder}}, {2, {kFolder}}});
  EXPECT_EQ(published(*publisher), 3u) << "two new shards, and the whole list with their number";
  const auto serial = revoked("dev-1");
  EXPECT_EQ(published(*publisher), 3u) << "one shard of each";
  for (const unsigned count : {4u, 2u}) {
    for (unsigned i = 0; i < count; ++i) {
      EXPECT_EQ(names(read(issuing_, {count, i}), serial), i == shard_of(serial, count).index) << count << " " << i;
    }
  }
}

TEST_F(ShardedLists, shard_names_every_address_that_certificates_have_for_it) {
  published(*make({{2, {kFolder, "http://other.example/crl"}}}));
  const auto text = read(issuing_, {2, 1});
  EXPECT_NE(text.find("URI:" + list_address(kFolder, issuing_.id, {2, 1}) + "\n"), std::string::npos) << text;
  EXPECT_NE(text.find("URI:" + list_address("http://other.example/crl", issuing_.id, {2, 1})), std::string::npos);
}

TEST_F(ShardedLists, lost_or_damaged_shard_is_made_anew_by_the_next_start_above_its_number) {
  const auto serial = revoked("dev-1");
  published(*make());
  const auto own = shard_of(serial, 4);
  const auto other = CrlShard{4, (own.index + 1) % 4};
  std::filesystem::remove(file(issuing_, own));
  put(file(issuing_, other), registry::Bytes{0x30, 0x00});
  const auto before = number(read(issuing_, {}));
  EXPECT_EQ(published(*make()), 3u);
  EXPECT_TRUE(names(read(issuing_, own), serial));
  EXPECT_NE(read(issuing_, other), "");
  EXPECT_GT(number(read(issuing_, own)), before);
}

// A folder where the shard's file should be stands for a full disk.
TEST_F(ShardedLists, what_a_failure_between_the_whole_list_and_a_shard_left_undone_is_still_due) {
  published(*make());
  const auto serial = revoked("dev-1");
  const auto own = shard_of(serial, 4);
  std::filesystem::remove(file(issuing_, own));
  std::filesystem::create_directories(file(issuing_, own) / "in the way");
  EXPECT_FALSE(make()->publish());
  EXPECT_TRUE(names(read(issuing_, {}), serial));
  EXPECT_TRUE(registry_->find_ca(issuing_.id)->crl_due);
  std::filesystem::remove_all(file(issuing_, own));
  published(*make());
  EXPECT_TRUE(names(read(issuing_, own), serial));
  EXPECT_FALSE(registry_->find_ca(issuing_.id)->crl_due);
}

TEST_F(ShardedLists, unchanged_shards_are_renewed_when_half_of_their_time_is_over) {
  const auto publisher = make();
  published(*publisher);
  const auto before = shards(issuing_);
  now_ += 3 * kDayMs;
  EXPECT_EQ(published(*publisher), 0u);
  now_ += kDayMs;
  published(*publisher);
  const auto after = shards(issuing_);
  for (unsigned i = 0; i < 4; ++i) EXPECT_NE(after[i], before[i]) << i;
  EXPECT_EQ(published(*publisher), 0u);
}

TEST_F(ShardedLists, all_shards_are_signed_anew_when_that_is_asked_for) {
  const auto publisher = make();
  published(*publisher);
  const auto before = shards(issuing_);
  publisher->anew();
  EXPECT_EQ(published(*publisher), 6u) << "four shards and two whole lists";
  const auto after = shards(issuing_);
  for (unsigned i = 0; i < 4; ++i) EXPECT_NE(after[i], before[i]) << i;
  EXPECT_EQ(published(*publisher), 0u);
}

TEST_F(ShardedLists, shards_of_a_deleted_policys_ca_are_valid_to_its_end_too) {
  published(*make());
  const auto serial = revoked("dev-1");
  ASSERT_TRUE(registry_->delete_policy(call_, "space", "policy"));
  published(*make());
  put_certificate(folder_, "ca", issuing_.der);
  const auto end = run(folder_.path(), "openssl x509 -in ca.pem -noout -enddate").output.substr(9);
  for (unsigned i = 0; i < 4; ++i) {
    const auto text = read(issuing_, {4, i});
    EXPECT_NE(text.find("Next Update: " + end), std::string::npos) << text;
    EXPECT_EQ(names(text, serial), i == shard_of(serial, 4).index) << i;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "keys" / issuing_.key_ref));
}

}  // namespace
}  // namespace latchkey::hub::ca::test
