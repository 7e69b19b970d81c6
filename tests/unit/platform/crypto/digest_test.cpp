// SPDX-License-Identifier: Apache-2.0
#include "platform/crypto/digest.h"

#include <gtest/gtest.h>

#include <string>

#include "platform/crypto/key.h"

namespace latchkey::crypto {
namespace {

std::string hex(const Sha256& digest) {
  std::array<std::uint8_t, 64> text;
  EXPECT_TRUE(hex_encode(ByteView(digest), text));
  return {text.begin(), text.end()};
}

class Digest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(init()); }
  Sha256 out_{};
};

// FIPS 180-2 appendix B.
TEST_F(Digest, sha256_gives_the_published_values) {
  ASSERT_TRUE(sha256(ByteView(std::string("abc")), out_));
  EXPECT_EQ(hex(out_), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  ASSERT_TRUE(sha256({}, out_));
  EXPECT_EQ(hex(out_), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// RFC 4231 sections 4.2, 4.3 and 4.7 (a key longer than a block).
TEST_F(Digest, hmac_gives_the_published_values) {
  ASSERT_TRUE(hmac_sha256(ByteView(std::string(20, '\x0b')), ByteView(std::string("Hi There")), out_));
  EXPECT_EQ(hex(out_), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  ASSERT_TRUE(hmac_sha256(ByteView(std::string("Jefe")), ByteView(std::string("what do ya want for nothing?")), out_));
  EXPECT_EQ(hex(out_), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  ASSERT_TRUE(hmac_sha256(ByteView(std::string(131, '\xaa')),
                          ByteView(std::string("Test Using Larger Than Block-Size Key - Hash Key First")), out_));
  EXPECT_EQ(hex(out_), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_F(Digest, hmac_without_a_key_is_refused) {
  EXPECT_EQ(hmac_sha256({}, ByteView(std::string("data")), out_).error(), Status::kInvalidArgument);
}

TEST_F(Digest, hmac_of_nothing_is_possible) { EXPECT_TRUE(hmac_sha256(ByteView(std::string("key")), {}, out_)); }

// A key slot that is not given back would show long before.
TEST_F(Digest, hmac_gives_its_key_slot_back) {
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(hmac_sha256(ByteView(std::string("key")), {}, out_)) << i;
}

}  // namespace
}  // namespace latchkey::crypto
