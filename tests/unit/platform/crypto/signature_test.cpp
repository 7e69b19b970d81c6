// SPDX-License-Identifier: Apache-2.0
// Signatures and certificates by OpenSSL, judged by us.
#include "platform/crypto/signature.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "platform/crypto/der.h"
#include "platform/crypto/key.h"

namespace latchkey::crypto {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Pkey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Pkey ec_key(const char* curve) { return {EVP_EC_gen(curve), EVP_PKEY_free}; }

Bytes spki_of(EVP_PKEY* key) {
  Bytes der(static_cast<std::size_t>(i2d_PUBKEY(key, nullptr)));
  std::uint8_t* end = der.data();
  i2d_PUBKEY(key, &end);
  return der;
}

Bytes sign(EVP_PKEY* key, const EVP_MD* hash, ByteView digest, int padding = 0) {
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(EVP_PKEY_CTX_new(key, nullptr),
                                                                            EVP_PKEY_CTX_free);
  EXPECT_EQ(EVP_PKEY_sign_init(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_CTX_set_signature_md(context.get(), hash), 1);
  if (padding != 0) {
    EXPECT_EQ(EVP_PKEY_CTX_set_rsa_padding(context.get(), padding), 1);
  }
  if (padding == RSA_PKCS1_PSS_PADDING) {
    EXPECT_EQ(EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST), 1);
  }
  std::size_t size = 0;
  EXPECT_EQ(EVP_PKEY_sign(context.get(), nullptr, &size, digest.data(), digest.size()), 1);
  Bytes signature(size);
  EXPECT_EQ(EVP_PKEY_sign(context.get(), signature.data(), &size, digest.data(), digest.size()), 1);
  signature.resize(size);
  return signature;
}

class SignatureTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(init()); }
  static Status status(const Bytes& spki, SignatureKind kind, ByteView over, ByteView signature) {
    const auto verified = verify_digest(spki, kind, over, signature);
    return verified ? Status::kOk : verified.error();
  }
  Bytes digest = Bytes(32, 0x5A);
};

TEST_F(SignatureTest, ecdsa_of_every_curve_is_verified_on_that_curve_alone) {
  const struct {
    const char* name;
    KeyCurve curve;
  } curves[] = {{"P-256", KeyCurve::kP256},
                {"P-384", KeyCurve::kP384},
                {"P-521", KeyCurve::kP521},
                {"secp256k1", KeyCurve::kSecp256k1}};
  for (const auto& one : curves) {
    const Pkey key = ec_key(one.name);
    const Bytes spki = spki_of(key.get());
    std::array<std::uint8_t, kMaxEcdsaSize> room;
    const auto raw = ecdsa_raw_from_der(sign(key.get(), EVP_sha256(), digest), ecdsa_number_size(spki), room);
    ASSERT_TRUE(raw) << one.name;
    for (const auto& other : curves) {
      const SignatureKind kind{Scheme::kEcdsa, Hash::kSha256, other.curve};
      EXPECT_EQ(status(spki, kind, digest, *raw), one.curve == other.curve ? Status::kOk : Status::kMismatch);
    }
    EXPECT_EQ(status(spki, {}, digest, *raw), Status::kOk);  // any curve
    room[5] ^= 1;
    EXPECT_EQ(status(spki, {}, digest, *raw), Status::kMismatch);
  }
}

TEST_F(SignatureTest, rsa_is_verified_by_its_own_padding_alone) {
  const Pkey key(EVP_RSA_gen(3072), EVP_PKEY_free);
  const Bytes spki = spki_of(key.get());
  const SignatureKind pkcs1{Scheme::kPkcs1, Hash::kSha256, KeyCurve::kAny};
  const SignatureKind pss{Scheme::kPss, Hash::kSha256, KeyCurve::kAny};
  const Bytes by_pkcs1 = sign(key.get(), EVP_sha256(), digest, RSA_PKCS1_PADDING);
  const Bytes by_pss = sign(key.get(), EVP_sha256(), digest, RSA_PKCS1_PSS_PADDING);
  EXPECT_EQ(status(spki, pkcs1, digest, by_pkcs1), Status::kOk);
  EXPECT_EQ(status(spki, pss, digest, by_pss), Status::kOk);
  EXPECT_EQ(status(spki, pss, digest, by_pkcs1), Status::kMismatch);
  EXPECT_EQ(status(spki, pkcs1, digest, by_pss), Status::kMismatch);
  EXPECT_EQ(status(spki, {}, digest, by_pkcs1), Status::kMismatch);  // ECDSA with an RSA key
  EXPECT_EQ(ecdsa_number_size(spki), 0U);
  EXPECT_EQ(status(spki, pkcs1, Bytes(32, 1), by_pkcs1), Status::kMismatch);
  EXPECT_EQ(status(spki, pkcs1, Bytes(31, 0x5A), by_pkcs1), Status::kMismatch);
}

TEST_F(SignatureTest, what_is_no_key_is_malformed) {
  Bytes spki = spki_of(ec_key("P-256").get());
  EXPECT_EQ(status({}, {}, digest, Bytes(64)), Status::kMalformed);
  for (std::size_t size = 1; size < spki.size(); ++size) {
    EXPECT_NE(status(Bytes(spki.begin(), spki.begin() + static_cast<std::ptrdiff_t>(size)), {}, digest, Bytes(64)),
              Status::kOk);
  }
  spki.push_back(0);
  EXPECT_EQ(status(spki, {}, digest, Bytes(64)), Status::kMalformed);
  EXPECT_EQ(
      status(spki_of(Pkey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free).get()), {}, digest, Bytes(64)),
      Status::kUnsupported);
}

TEST_F(SignatureTest, ecdsas_two_numbers_are_read_strictly) {
  const auto raw = [](Bytes der) {
    std::array<std::uint8_t, 64> room;
    const auto read = ecdsa_raw_from_der(der, 32, room);
    return read ? read->size() : 0;
  };
  EXPECT_EQ(raw({0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x02}), 64U);
  EXPECT_EQ(raw({0x30, 0x06, 0x02, 0x01, 0x81, 0x02, 0x01, 0x02}), 0U);        // negative
  EXPECT_EQ(raw({0x30, 0x07, 0x02, 0x02, 0x00, 0x01, 0x02, 0x01, 0x02}), 0U);  // a zero too many
  EXPECT_EQ(raw({0x30, 0x03, 0x02, 0x01, 0x01}), 0U);
  EXPECT_EQ(raw({0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x02, 0x00}), 0U);
  Bytes longer = {0x30, 0x26, 0x02, 0x21};
  longer.insert(longer.end(), 33, 0x11);
  longer.insert(longer.end(), {0x02, 0x01, 0x01});
  EXPECT_EQ(raw(longer), 0U);  // more than the curve has
}

// FIPS 180-2, "abc".
TEST_F(SignatureTest, hashes_in_pieces_are_hashes_of_the_whole) {
  const std::pair<Hash, std::string> known[] = {
      {Hash::kSha256, "ba7816bf8f01cfea"}, {Hash::kSha384, "cb00753f45a35e8b"}, {Hash::kSha512, "ddaf35a193617aba"}};
  for (const auto& [hash, begin] : known) {
    HashStream stream;
    HashValue value;
    EXPECT_FALSE(stream.add(Bytes{1}));  // not started
    ASSERT_TRUE(stream.start(hash));
    for (const char c : std::string("abc")) EXPECT_TRUE(stream.add(Bytes{static_cast<std::uint8_t>(c)}));
    ASSERT_TRUE(stream.finish(value));
    EXPECT_EQ(value.size, digest_size(hash));
    std::array<std::uint8_t, 16> text;
    EXPECT_TRUE(hex_encode(value.view().subview(0, 8), text));
    EXPECT_EQ(ByteView(text).text(), begin);
    EXPECT_FALSE(stream.finish(value));  // once
  }
}

TEST(DerReaderTest, takes_definite_lengths_in_their_shortest_form_alone) {
  const auto reads = [](const Bytes& text) { return DerReader(text).next().has_value(); };
  EXPECT_TRUE(reads({0x04, 0x00}));
  EXPECT_TRUE(reads({0x04, 0x01, 0xFF}));
  for (const Bytes& wrong :
       {Bytes{}, Bytes{0x04}, Bytes{0x04, 0x01}, Bytes{0x04, 0x80}, Bytes{0x04, 0x81, 0x01, 0xFF},
        Bytes{0x04, 0x82, 0x00, 0x01, 0xFF}, Bytes{0x1F, 0x01, 0xFF}, Bytes{0x04, 0x85, 0x01, 0x00, 0x00, 0x00, 0x00},
        Bytes{0x04, 0x84, 0xFF, 0xFF, 0xFF, 0xFF}}) {
    EXPECT_FALSE(reads(wrong));
  }
  Bytes long_form = {0x04, 0x81, 0x80};
  long_form.resize(3 + 128);
  EXPECT_TRUE(reads(long_form));
}

TEST(DerReaderTest, numbers_have_one_form_and_a_bound) {
  const auto number = [](const Bytes& text) { return DerReader(text).next_number(kDerInteger, 1000); };
  EXPECT_EQ(*number({0x02, 0x01, 0x00}), 0U);
  EXPECT_EQ(*number({0x02, 0x02, 0x03, 0xE8}), 1000U);
  EXPECT_EQ(*number({0x02, 0x02, 0x00, 0x80}), 128U);
  EXPECT_FALSE(number({0x02, 0x02, 0x03, 0xE9}));
  EXPECT_FALSE(number({0x02, 0x02, 0x00, 0x7F}));
  EXPECT_FALSE(number({0x02, 0x01, 0x80}));
  EXPECT_FALSE(number({0x02, 0x00}));
  EXPECT_FALSE(number({0x04, 0x01, 0x01}));
}

}  // namespace
}  // namespace latchkey::crypto
