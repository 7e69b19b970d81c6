// SPDX-License-Identifier: Apache-2.0
#include "platform/crypto/pem.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "tests/unit/platform/test_certificates.h"

namespace latchkey::crypto {
namespace {

std::string encode(std::string_view label, ByteView der) {
  std::vector<std::uint8_t> out(pem_size(label.size(), der.size()));
  const auto size = pem_encode(label, der, MutableBytes(out.data(), out.size()));
  EXPECT_TRUE(size);
  EXPECT_EQ(size.value_or(0), out.size());
  return {out.begin(), out.end()};
}

Status decode_error(std::string_view text, std::string_view label = "X") {
  std::array<std::uint8_t, 256> out;
  const auto block = pem_decode(text, label, out);
  return block ? Status::kOk : block.error();
}

test::Der certificate() {
  const auto key = test::make_ec_key();
  test::CertificateSpec spec;
  spec.common_names = {"a"};
  spec.subject_key = key.get();
  return test::to_der(test::make_certificate(spec).get());
}

TEST(Pem, reads_back_what_it_wrote_at_every_size) {
  for (std::size_t size = 1; size < 200; ++size) {
    std::vector<std::uint8_t> der(size);
    for (std::size_t i = 0; i < size; ++i) der[i] = static_cast<std::uint8_t>(i * 37 + size);
    const std::string text = encode(kPemCertificate, ByteView(der));
    std::array<std::uint8_t, 256> out;
    const auto block = pem_decode(text, kPemCertificate, out);
    ASSERT_TRUE(block) << size;
    EXPECT_EQ(ByteView(out.data(), block->der_size), ByteView(der));
    EXPECT_EQ(block->consumed, text.size());
  }
}

TEST(Pem, of_ours_is_read_by_openssl) {
  const test::Der der = certificate();
  const std::string text = encode(kPemCertificate, ByteView(der));
  const test::BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  const test::X509Ptr read(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ASSERT_TRUE(read);
  EXPECT_EQ(test::to_der(read.get()), der);
  EXPECT_EQ(test::to_pem(read.get()), text);
}

TEST(Pem, chain_behind_a_header_and_a_key_is_read_block_by_block) {
  const std::vector<std::uint8_t> key = {1, 2, 3}, leaf = {4, 5}, ca = {6};
  const std::string text = "Generation: 7\nnot a PEM line\n" + encode(kPemEcKey, ByteView(key)) +
                           encode(kPemCertificate, ByteView(leaf)) + "\n" + encode(kPemCertificate, ByteView(ca));
  std::array<std::uint8_t, 16> out;
  const auto first = pem_decode(text, kPemCertificate, out);
  ASSERT_TRUE(first);
  EXPECT_EQ(ByteView(out.data(), first->der_size), ByteView(leaf));
  const std::string_view rest = std::string_view(text).substr(first->consumed);
  const auto second = pem_decode(rest, kPemCertificate, out);
  ASSERT_TRUE(second);
  EXPECT_EQ(ByteView(out.data(), second->der_size), ByteView(ca));
  EXPECT_EQ(pem_decode(rest.substr(second->consumed), kPemCertificate, out).error(), Status::kNotFound);
  ASSERT_TRUE(pem_decode(text, kPemEcKey, out));
}

TEST(Pem, accepts_carriage_returns_odd_lines_and_a_missing_last_line_end) {
  EXPECT_EQ(decode_error("-----BEGIN X-----\r\nAQ\r\nID\r\n-----END X-----"), Status::kOk);
}

TEST(Pem, refuses_what_is_no_base64) {
  for (const char* body : {"AQI", "AQ=D\n", "AQI=\nAQID\n", "A QI=\n", "AQJ=\n", "", "\n", "AQI=AQID\n", "AQID:\n"}) {
    EXPECT_EQ(decode_error(std::string("-----BEGIN X-----\n") + body + "-----END X-----\n"), Status::kMalformed)
        << body;
  }
}

TEST(Pem, refuses_a_block_without_its_end) {
  EXPECT_EQ(decode_error("-----BEGIN X-----\nAQID\n"), Status::kMalformed);
  EXPECT_EQ(decode_error("-----BEGIN X-----\nAQID\n-----END Y-----\n"), Status::kMalformed);
  EXPECT_EQ(decode_error("-----BEGIN X-----\nAQID\n-----BEGIN X-----\nAQID\n-----END X-----\n"), Status::kMalformed);
}

TEST(Pem, does_not_take_one_label_for_another) {
  EXPECT_EQ(decode_error("-----BEGIN XY-----\nAQID\n-----END XY-----\n"), Status::kNotFound);
  EXPECT_EQ(decode_error(" -----BEGIN X-----\nAQID\n-----END X-----\n"), Status::kNotFound);
  EXPECT_EQ(decode_error(""), Status::kNotFound);
}

TEST(Pem, says_when_the_buffer_is_too_small) {
  const std::vector<std::uint8_t> der(50, 7);
  const std::string text = encode("X", ByteView(der));
  std::array<std::uint8_t, 50> exact;
  EXPECT_TRUE(pem_decode(text, "X", exact));
  EXPECT_EQ(pem_decode(text, "X", MutableBytes(exact.data(), 49)).error(), Status::kTooLarge);
  std::vector<std::uint8_t> out(text.size() - 1);
  EXPECT_EQ(pem_encode("X", ByteView(der), MutableBytes(out.data(), out.size())).error(), Status::kTooLarge);
}

}  // namespace
}  // namespace latchkey::crypto
