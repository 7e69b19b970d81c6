// SPDX-License-Identifier: Apache-2.0
// `openssl ts`, `openssl cms` and `openssl verify` against our rooms: they accept what they should and refuse what they
// should, and what they make is taken by us.
#include <gmock/gmock.h>

#include "tests/integration/signing/workbench.h"

namespace latchkey::tests {
namespace {

using namespace hub::signing;        // NOLINT: the test is about these rooms
using namespace hub::signing::test;  // NOLINT
using testing::HasSubstr;

const ByteView kFile = text("firmware 1.2.0");

class OpensslTs : public testing::Test {
 protected:
  // `openssl ts -query` with further options; the request's DER.
  Bytes query(std::vector<std::string> options) {
    std::vector<std::string> command = {"ts", "-query", "-data", bench.put("file", kFile), "-out", bench.path("query")};
    command.insert(command.end(), options.begin(), options.end());
    const auto ran = bench.openssl(command);
    EXPECT_EQ(ran.exit_status, 0) << ran.err;
    return bench.read("query");
  }
  std::string reply_text(ByteView response) {
    return bench.openssl({"ts", "-reply", "-in", bench.put("response", response), "-text"}).out;
  }
  int verify(ByteView response, ByteView file, X509* root, UnixMs at) {
    return bench
        .openssl({"ts", "-verify", "-data", bench.put("verified", file), "-in", bench.put("response", response),
                  "-CAfile", bench.certificates("tsa-root", {root}), "-attime", seconds(at)})
        .exit_status;
  }
  World world;
  Workbench bench;
};

TEST_F(OpensslTs, accepts_our_response_to_its_query) {
  for (const char* hash : {"-sha256", "-sha384", "-sha512"}) {
    const Bytes response = world.authority(world.tsa, 1500).answer(query({hash, "-cert"}));
    EXPECT_EQ(verify(response, kFile, world.timestamp_root.x509(), kStart), 0) << hash;
    // The nonce, too, when it has its own query to hold it against.
    EXPECT_EQ(bench
                  .openssl({"ts", "-verify", "-queryfile", bench.path("query"), "-in", bench.path("response"),
                            "-CAfile", bench.path("tsa-root"), "-attime", seconds(kStart)})
                  .exit_status,
              0);
  }
}

TEST_F(OpensslTs, reads_time_accuracy_and_policy_as_we_meant_them) {
  world.clock = kStart + 123;
  const std::string shown = reply_text(world.authority(world.tsa, 1500).answer(query({"-sha256", "-cert"})));
  EXPECT_THAT(shown, HasSubstr("Status: Granted."));
  EXPECT_EQ(printed_time(behind(shown, "Time stamp: ")), kStart + 123);
  EXPECT_THAT(shown, HasSubstr("Accuracy: 0x01 seconds, 0x01F4 millis"));
  EXPECT_THAT(shown, HasSubstr("Policy OID: " + std::string(kTimestampPolicy)));
}

TEST_F(OpensslTs, names_our_refusals) {
  const TimestampAuthority authority = world.authority(world.tsa);
  EXPECT_THAT(reply_text(authority.answer(query({"-sha1"}))), HasSubstr("unrecognized or unsupported algorithm"));
  EXPECT_THAT(reply_text(authority.answer(query({"-sha256", "-tspolicy", "1.2.3"}))),
              HasSubstr("the requested TSA policy is not supported by the TSA"));
  EXPECT_THAT(reply_text(authority.answer(text("garbage"))), HasSubstr("the data submitted has the wrong format"));
  world.clock = std::nullopt;
  EXPECT_THAT(reply_text(authority.answer(query({"-sha256"}))), HasSubstr("the TSA's time source is not available"));
}

TEST_F(OpensslTs, refuses_another_file_another_root_and_another_time) {
  World other;
  const Bytes response = world.authority(world.tsa).answer(query({"-sha256", "-cert"}));
  EXPECT_EQ(verify(response, kFile, world.timestamp_root.x509(), kStart), 0);
  EXPECT_NE(verify(response, text("another"), world.timestamp_root.x509(), kStart), 0);
  EXPECT_NE(verify(response, kFile, other.timestamp_root.x509(), kStart), 0);
  EXPECT_NE(verify(response, kFile, world.timestamp_root.x509(), kStart + 400 * kDay), 0);
}

// An authority that is not ours: `openssl ts -reply` with a certificate below our root.
TEST_F(OpensslTs, an_authority_of_its_own_below_our_root_is_taken) {
  bench.put("serial", text("01\n"));
  bench.put("ts.conf", text("[tsa]\ndefault_tsa=one\n[one]\nserial=" + bench.path("serial") +
                            "\ncrypto_device=builtin\ndigests=sha256\ndefault_policy=1.2.3.4\n"
                            "signer_digest=sha256\n"));
  // Its clock is the real one.
  const UnixMs now = static_cast<UnixMs>(std::time(nullptr)) * 1000;
  const Certified real = world.timestamper({kStart - kDay, kStart + 3000 * kDay});
  query({"-sha256", "-cert"});
  const auto ran = bench.openssl({"ts", "-reply", "-config", bench.path("ts.conf"), "-queryfile", bench.path("query"),
                                  "-signer", bench.certificates("signer", {real.x509()}), "-inkey",
                                  bench.key("key", real.key.get()), "-out", bench.path("response")});
  ASSERT_EQ(ran.exit_status, 0) << ran.err;
  const auto token = token_of_response(bench.read("response"));
  ASSERT_TRUE(token) << token.error().detail;
  const RevocationLists lists = world.lists();
  const auto stamp =
      check_timestamp(*token, kFile, {{world.timestamp_root.x509()}, &lists, UnknownRevocation::kRefuse}, now + kHour);
  ASSERT_TRUE(stamp) << stamp.error().detail;
  EXPECT_EQ(stamp->policy, "1.2.3.4");
  EXPECT_GE(stamp->at, now - 1000);
}

class OpensslCms : public testing::Test {
 protected:
  int verify(ByteView signature, ByteView file, X509* root, UnixMs at) {
    return bench
        .openssl({"cms", "-verify", "-binary", "-inform", "DER", "-in", bench.put("signature", signature), "-content",
                  bench.put("file", file), "-CAfile", bench.certificates("root", {root}), "-purpose", "any", "-attime",
                  seconds(at), "-out", bench.path("out")})
        .exit_status;
  }
  bool ours(ByteView signature, ByteView file, const Trust& trust, UnixMs at) {
    return judge_detached(signature, file, trust, at).valid;
  }
  World world;
  RevocationLists lists = world.lists();
  Workbench bench;
};

TEST_F(OpensslCms, agrees_on_rsa_3072_the_services_key) {
  const Certified leaf = world.leaf(ProfileType::kPublicTrust, kStart, rsa_key());
  for (const Algorithm algorithm : {Algorithm::kRs256, Algorithm::kRs384, Algorithm::kRs512, Algorithm::kPs256}) {
    const Bytes signature = world.sign(leaf, kFile, algorithm);
    EXPECT_EQ(verify(signature, kFile, world.root.x509(), kStart + kHour), 0) << facts_of(algorithm).name;
    EXPECT_TRUE(ours(signature, kFile, world.trust(lists), kStart + kHour));
  }
}

TEST_F(OpensslCms, agrees_on_refusals) {
  World other;
  const Certified leaf = world.leaf();
  const Bytes signature = world.sign(leaf, kFile);
  EXPECT_EQ(verify(signature, kFile, world.root.x509(), kStart + kHour), 0);
  EXPECT_NE(verify(signature, text("another"), world.root.x509(), kStart + kHour), 0);
  EXPECT_NE(verify(signature, kFile, other.root.x509(), kStart + kHour), 0);  // same names
  EXPECT_NE(verify(signature, kFile, world.root.x509(), kStart + 73 * kHour), 0);
  Trust foreign = world.trust(lists);
  foreign.signing_roots = {other.root.x509()};
  EXPECT_TRUE(ours(signature, kFile, world.trust(lists), kStart + kHour));
  EXPECT_FALSE(ours(signature, text("another"), world.trust(lists), kStart + kHour));
  EXPECT_FALSE(ours(signature, kFile, foreign, kStart + kHour));
  EXPECT_FALSE(ours(signature, kFile, world.trust(lists), kStart + 73 * kHour));
}

TEST_F(OpensslCms, signs_what_we_take) {
  const Certified leaf = world.leaf();
  const auto ran = bench.openssl(
      {"cms", "-sign", "-binary", "-outform", "DER", "-in", bench.put("file", kFile), "-signer",
       bench.certificates("leaf", {leaf.x509()}), "-inkey", bench.key("key", leaf.key.get()), "-certfile",
       bench.certificates("issuing", {world.issuing.x509()}), "-md", "sha256", "-out", bench.path("signature")});
  ASSERT_EQ(ran.exit_status, 0) << ran.err;
  const Bytes signature = bench.read("signature");
  EXPECT_TRUE(ours(signature, kFile, world.trust(lists), kStart + kHour));
  EXPECT_TRUE(ours(world.stamp(signature, kStart), kFile, world.trust(lists), kStart + 365 * kDay));
  EXPECT_FALSE(ours(signature, text("another"), world.trust(lists), kStart + kHour));
}

TEST_F(OpensslCms, verifies_every_type_of_profile_up_to_its_root) {
  for (int i = 0; i < 5; ++i) {
    const Certified leaf = world.leaf(static_cast<ProfileType>(i));
    EXPECT_EQ(
        bench
            .openssl({"verify", "-x509_strict", "-attime", seconds(kStart + kHour), "-CAfile",
                      bench.certificates("root", {world.root.x509()}), "-untrusted",
                      bench.certificates("issuing", {world.issuing.x509()}), bench.certificates("leaf", {leaf.x509()})})
            .exit_status,
        0)
        << i;
  }
}

}  // namespace
}  // namespace latchkey::tests
