// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/sealing.h"

#include "tests/unit/hub/ca/support.h"

namespace latchkey::hub::ca::test {
namespace {

using registry::Bytes;
using registry::Reason;

class SealingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"one", "other"}) {
      auto made = NodeKey::make(folder_ / name);
      ASSERT_TRUE(made);
      keys_.push_back(*made);
    }
    auto sealed = seal(*keys_[0], name_, KeyAlgorithm::kEcP384, ByteView(secret_));
    ASSERT_TRUE(sealed) << sealed.error().detail;
    sealed_ = *sealed;
  }
  Reason refusal(const Bytes& sealed) {
    const auto opened = unseal({keys_[0]}, name_, sealed);
    return opened ? Reason::kNone : opened.error().reason;
  }

  tests::MemoryFolder folder_;
  NodeKeys keys_;
  const std::string key_ref_ = "0123456789abcdef0123456789abcdef.ca.sealed";
  const SealName name_{key_ref_, "ca"};
  const std::string_view secret_ = "-----BEGIN PRIVATE KEY-----";
  Bytes sealed_;
};

TEST_F(SealingTest, opens_to_what_was_sealed) {
  const auto opened = unseal({keys_[1], keys_[0]}, name_, sealed_);
  ASSERT_TRUE(opened) << opened.error().detail;
  EXPECT_EQ(opened->key.view(), ByteView(secret_));
  EXPECT_EQ(opened->algorithm, KeyAlgorithm::kEcP384);
  EXPECT_EQ(sealed_under(sealed_), keys_[0]->id());
}

TEST_F(SealingTest, secret_is_not_in_it_and_no_two_seals_are_alike) {
  const auto again = seal(*keys_[0], name_, KeyAlgorithm::kEcP384, ByteView(secret_));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->size(), sealed_.size());
  EXPECT_NE(Bytes(again->begin() + 18, again->begin() + 30), Bytes(sealed_.begin() + 18, sealed_.begin() + 30))
      << "the nonce";
  EXPECT_NE(Bytes(again->begin() + 30, again->end()), Bytes(sealed_.begin() + 30, sealed_.end()));
  EXPECT_EQ(ByteView(sealed_).text().find("PRIVATE"), std::string::npos);
}

// Magic, version, algorithm, node key id, nonce, ciphertext, tag.
TEST_F(SealingTest, every_flipped_bit_is_refused) {
  for (std::size_t at = 0; at < sealed_.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes flipped = sealed_;
      flipped[at] = static_cast<std::uint8_t>(flipped[at] ^ (1 << bit));
      const bool another_version_or_node_key = at == 8 || (at >= 10 && at < 18);
      EXPECT_EQ(refusal(flipped), another_version_or_node_key ? Reason::kPreconditionFailed : Reason::kStorage)
          << "octet " << at << " bit " << bit;
    }
  }
}

TEST_F(SealingTest, octets_that_are_missing_or_too_many_are_refused) {
  for (std::size_t size = 0; size < sealed_.size(); ++size) {
    const Bytes cut(sealed_.begin(), sealed_.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(refusal(cut), Reason::kStorage) << size;
  }
  Bytes longer = sealed_;
  longer.push_back(0);
  EXPECT_EQ(refusal(longer), Reason::kStorage);
  longer.resize(70'000);
  EXPECT_EQ(refusal(longer), Reason::kStorage);
}

TEST_F(SealingTest, opens_under_no_other_name_and_for_no_other_purpose) {
  const std::string other = "1123456789abcdef0123456789abcdef.ca.sealed";
  const std::string longer = key_ref_ + "c";
  const std::string shorter = key_ref_.substr(1);
  for (const SealName name : {SealName{other, "ca"}, SealName{key_ref_, "signing"}, SealName{"", ""},
                              SealName{longer, "a"}, SealName{shorter, "ca0"}}) {
    const auto opened = unseal({keys_[0]}, name, sealed_);
    ASSERT_FALSE(opened) << name.key_ref << " " << name.purpose;
    EXPECT_EQ(opened.error().reason, Reason::kStorage);
  }
}

TEST_F(SealingTest, another_node_key_is_a_clear_error_that_names_both) {
  const auto opened = unseal({keys_[1]}, name_, sealed_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, Reason::kPreconditionFailed);
  for (const auto& part :
       {key_ref_, "sealed under node key " + to_text(keys_[0]->id()), "this node has " + to_text(keys_[1]->id())}) {
    EXPECT_NE(opened.error().detail.find(part), std::string::npos) << opened.error().detail;
  }
}

// With the id of a node key that it was not sealed under: the id alone opens nothing.
TEST_F(SealingTest, claimed_node_key_is_not_believed) {
  Bytes claimed = sealed_;
  std::copy(keys_[1]->id().begin(), keys_[1]->id().end(), claimed.begin() + 10);
  const auto opened = unseal(keys_, name_, claimed);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, Reason::kStorage);
}

}  // namespace
}  // namespace latchkey::hub::ca::test
