// SPDX-License-Identifier: Apache-2.0
// osslsigncode and our Authenticode room: each verifies what the other signs.
#include <gmock/gmock.h>

#include "hub/signing/authenticode/authenticode.h"
#include "tests/integration/signing/workbench.h"
#include "tests/unit/hub/signing/authenticode/sample_pe.h"

namespace latchkey::tests {
namespace {

using namespace hub::signing;        // NOLINT: the test is about these rooms
using namespace hub::signing::test;  // NOLINT
using testing::HasSubstr;

constexpr UnixMs kYearLater = kStart + 300 * kDay;  // the authority's certificate is still valid

class Osslsigncode : public testing::TestWithParam<PeKind> {
 protected:
  void SetUp() override {
    bench.certificates("root.pem", {world.root.x509()});
    bench.certificates("tsa-root.pem", {world.timestamp_root.x509()});
  }
  Bytes sign(const Certified& who, ByteView content, std::optional<UnixMs> stamped = std::nullopt) {
    const Algorithm algorithm = *algorithm_for(who.key.get(), Hash::kSha256);
    const auto draft = draft_authenticode(content, algorithm);
    Bytes signature =
        *draft->finish(*sign_digest(who.key.get(), algorithm, draft->digest()), {who.x509(), world.issuing.x509()});
    if (stamped) {
      signature = *stamp_authenticode(signature, world.token(read_signed_data(signature)->evidence.stamped, *stamped));
    }
    return *attach_authenticode(content, signature);
  }
  Finished theirs(ByteView given, UnixMs at, std::vector<std::string> more = {}) {
    std::vector<std::string> command = {"verify",
                                        "-in",
                                        bench.put("signed.exe", given),
                                        "-CAfile",
                                        bench.path("root.pem"),
                                        "-TSA-CAfile",
                                        bench.path("tsa-root.pem"),
                                        "-time",
                                        seconds(at)};
    command.insert(command.end(), more.begin(), more.end());
    return bench.osslsigncode(command);
  }
  Verdict ours(ByteView given, UnixMs at) {
    const RevocationLists lists = world.lists();
    const auto evidence = read_authenticode(given);
    return evidence ? judge(*evidence, world.trust(lists), at) : unreadable(evidence.error());
  }
  // Both say the same.
  void expect_both(bool valid, ByteView given, UnixMs at) {
    const auto ran = theirs(given, at);
    EXPECT_EQ(ran.exit_status == 0, valid) << ran.out << ran.err;
    EXPECT_EQ(ours(given, at).valid, valid) << sentence(ours(given, at));
  }
  World world;
  Workbench bench;
  Certified leaf = world.leaf();
  Bytes file = sample_pe(GetParam());
};

TEST_P(Osslsigncode, accepts_a_signed_file) {
  const Bytes good = sign(leaf, file);
  expect_both(true, good, kStart + kHour);
  EXPECT_THAT(theirs(good, kStart + kHour).out, HasSubstr("Signature verification: ok"));
}

TEST_P(Osslsigncode, accepts_rsa_3072_the_services_key) {
  expect_both(true, sign(world.leaf(ProfileType::kPublicTrust, kStart, rsa_key()), file), kStart + kHour);
}

TEST_P(Osslsigncode, accepts_a_timestamped_file_long_after_its_certificate) {
  expect_both(true, sign(leaf, file, kStart + kHour), kYearLater);
}

TEST_P(Osslsigncode, refuses_a_file_without_timestamp_after_its_certificate) {
  expect_both(false, sign(leaf, file), kStart + 73 * kHour);
}

TEST_P(Osslsigncode, refuses_a_timestamp_outside_the_certificates_validity) {
  expect_both(false, sign(leaf, file, kStart + 73 * kHour), kYearLater);
}

TEST_P(Osslsigncode, refuses_a_changed_file) {
  Bytes changed = sign(leaf, file, kStart + kHour);
  changed[0x300] ^= 1;
  expect_both(false, changed, kYearLater);
  EXPECT_EQ(ours(changed, kYearLater).reason, Reason::kContentChanged);
}

TEST_P(Osslsigncode, refuses_a_foreign_root_with_the_same_names) {
  World other;
  const Certified theirs_leaf = other.leaf();
  const auto draft = draft_authenticode(file, Algorithm::kEs256);
  const Bytes signature = *draft->finish(*sign_digest(theirs_leaf.key.get(), Algorithm::kEs256, draft->digest()),
                                         {theirs_leaf.x509(), other.issuing.x509()});
  expect_both(false, *attach_authenticode(file, signature), kStart + kHour);
}

TEST_P(Osslsigncode, computes_the_same_checksum_and_digest_for_every_size) {
  for (std::size_t tail = 0; tail < 8; ++tail) {
    const Bytes odd = sample_pe(GetParam(), tail);
    const auto ran = theirs(sign(leaf, odd), kStart + kHour, {"-verbose"});
    EXPECT_EQ(ran.exit_status, 0) << tail << ran.out << ran.err;
    const std::string all = ran.out + ran.err;
    EXPECT_EQ(all.find("invalid PE checksum"), std::string::npos) << tail;  // as version 2.9 has it
    EXPECT_EQ(all.find("MISMATCH"), std::string::npos) << tail;             // as version 2.5 has it
    EXPECT_THAT(ran.out, HasSubstr("PE checksum"));
    const std::string current = behind(ran.out, "Current message digest    :");
    EXPECT_GT(current.size(), 64U) << ran.out;
    EXPECT_EQ(current, behind(ran.out, "Calculated message digest :")) << tail;
  }
}

TEST_P(Osslsigncode, signs_what_we_take) {
  const auto ran =
      bench.osslsigncode({"sign", "-certs", bench.certificates("chain.pem", {leaf.x509(), world.issuing.x509()}),
                          "-key", bench.key("key.pem", leaf.key.get()), "-h", "sha256", "-in",
                          bench.put("file.exe", file), "-out", bench.path("theirs.exe")});
  ASSERT_EQ(ran.exit_status, 0) << ran.out << ran.err;
  const Bytes theirs_file = bench.read("theirs.exe");
  EXPECT_TRUE(ours(theirs_file, kStart + kHour).valid) << sentence(ours(theirs_file, kStart + kHour));
  EXPECT_FALSE(ours(theirs_file, kStart + 73 * kHour).valid);
  Bytes changed = theirs_file;
  changed[0x300] ^= 1;
  EXPECT_EQ(ours(changed, kStart + kHour).reason, Reason::kContentChanged);
}

// It extracts and attaches as we do: our signature, attached by it, is the file that we make.
TEST_P(Osslsigncode, extracts_the_signature_that_we_attached) {
  const Bytes good = sign(leaf, file, kStart + kHour);
  const auto ran = bench.osslsigncode(
      {"extract-signature", "-in", bench.put("signed.exe", good), "-out", bench.path("signature.p7")});
  ASSERT_EQ(ran.exit_status, 0) << ran.out << ran.err;
  const Bytes extracted = bench.read("signature.p7");
  const Bytes made = *pe_signature(good, *read_pe(good));
  // Version 2.5 leaves the table's header before it, both its padding behind.
  const std::size_t begin = extracted.size() > 8 && extracted[0] != 0x30 ? 8 : 0;
  EXPECT_EQ(ByteView(extracted).subview(begin, made.size()), ByteView(made));
  EXPECT_LT(extracted.size(), begin + made.size() + 8);
}

INSTANTIATE_TEST_SUITE_P(, Osslsigncode, testing::Values(PeKind::kPe32, PeKind::kPe32Plus),
                         [](const auto& tested) { return tested.param == PeKind::kPe32 ? "Pe32" : "Pe32Plus"; });

}  // namespace
}  // namespace latchkey::tests
