// SPDX-License-Identifier: Apache-2.0
// Timestamps over HTTP: `openssl ts` asks and verifies, osslsigncode stamps a PE file by itself.
#include "hub/signing/authenticode/authenticode.h"
#include "tests/integration/signing/served_signing.h"
#include "tests/unit/hub/signing/authenticode/sample_pe.h"

namespace latchkey::tests {
namespace {

using namespace hub::signing;        // NOLINT: the test is about these rooms
using namespace hub::signing::test;  // NOLINT
using testing::HasSubstr;

class TimestampService : public testing::Test {
 protected:
  void put_root(TrustKind kind, const std::string& name) {
    const auto der = certificate_der(served.service->authorities().root(kind).certificate.get());
    bench.certificates(name, {certificate_from_der(der).get()});
  }
  ServedSigning served{Service::Options{}};  // the timestamper's key as it is in the service: RSA
  Workbench bench;
};

TEST_F(TimestampService, openssl_takes_what_it_asked_for) {
  put_root(TrustKind::kTimestamp, "tsa-root.pem");
  served.now = kStart + 7 * kHour + 250;
  const std::string file = bench.put("file", hub::signing::test::text("firmware 1.2.0"));
  for (const char* hash : {"-sha256", "-sha384", "-sha512"}) {
    ASSERT_EQ(bench.openssl({"ts", "-query", "-data", file, hash, "-cert", "-out", bench.path("query")}).exit_status,
              0);
    const auto ran = run({LATCHKEY_PYTHON, LATCHKEY_CLIENT, "stamp", served.public_url() + "/timestamp",
                          bench.path("query"), bench.path("reply")});
    ASSERT_EQ(ran.exit_status, 0) << ran.out << ran.err;
    const auto verified = bench.openssl({"ts", "-verify", "-queryfile", bench.path("query"), "-in", bench.path("reply"),
                                         "-CAfile", bench.path("tsa-root.pem"), "-attime", seconds(kStart + kDay)});
    EXPECT_EQ(verified.exit_status, 0) << verified.err;
  }
  const auto shown = bench.openssl({"ts", "-reply", "-in", bench.path("reply"), "-text"}).out;
  EXPECT_EQ(printed_time(behind(shown, "Time stamp: ")), served.now.load());
  // Of another file it says no.
  const std::string other = bench.put("other", hub::signing::test::text("firmware 1.2.1"));
  EXPECT_NE(bench
                .openssl({"ts", "-verify", "-data", other, "-in", bench.path("reply"), "-CAfile",
                          bench.path("tsa-root.pem"), "-attime", seconds(kStart + kDay)})
                .exit_status,
            0);
}

// Rows: S-6-128
TEST_F(TimestampService, openssl_takes_old_and_new_tokens_when_another_timestamper_has_taken_over) {
  put_root(TrustKind::kTimestamp, "tsa-root.pem");
  const std::string file = bench.put("file", hub::signing::test::text("firmware 1.2.0"));
  ASSERT_EQ(bench.openssl({"ts", "-query", "-data", file, "-sha256", "-cert", "-out", bench.path("query")}).exit_status,
            0);
  const auto stamp = [&](const std::string& name) {
    const auto ran = run({LATCHKEY_PYTHON, LATCHKEY_CLIENT, "stamp", served.public_url() + "/timestamp",
                          bench.path("query"), bench.path(name)});
    EXPECT_EQ(ran.exit_status, 0) << ran.out << ran.err;
    bench.openssl({"ts", "-reply", "-in", bench.path(name), "-token_out", "-out", bench.path(name + ".token")});
    return bench.openssl({"pkcs7", "-inform", "DER", "-in", bench.path(name + ".token"), "-print_certs"}).out;
  };
  const std::string first = stamp("old");
  served.now = kStart + 6 * 365 * kDay;
  ASSERT_TRUE(served.service->tick());
  EXPECT_NE(stamp("new"), first) << "another certificate";
  for (const char* reply : {"old", "new"}) {
    const auto verified = bench.openssl({"ts", "-verify", "-queryfile", bench.path("query"), "-in", bench.path(reply),
                                         "-CAfile", bench.path("tsa-root.pem"), "-attime", seconds(served.now)});
    EXPECT_EQ(verified.exit_status, 0) << verified.err;
  }
}

TEST_F(TimestampService, osslsigncode_stamps_and_verifies_a_file_that_the_service_signed) {
  put_root(TrustKind::kTimestamp, "tsa-root.pem");
  put_root(TrustKind::kPublic, "root.pem");
  const auto facts = served.profile("release", KeyKind::kRsa3072);
  const Bytes file = sample_pe(PeKind::kPe32Plus);
  const auto draft = draft_authenticode(file, Algorithm::kRs256);
  const Bytes value = served.sign(bench, facts, "RS256", draft->digest());
  const auto leaf = certificate_from_der(served.service->certificates_of(facts)->at(0).der);
  const auto signature =
      draft->finish(value, {leaf.get(), served.service->authorities().issuing(TrustKind::kPublic).certificate.get()});
  ASSERT_TRUE(signature) << signature.error().detail;
  bench.put("signed.exe", *attach_authenticode(file, *signature));

  served.now = kStart + 9 * kHour;
  const auto stamped = bench.osslsigncode(
      {"add", "-ts", served.public_url() + "/", "-in", bench.path("signed.exe"), "-out", bench.path("stamped.exe")});
  ASSERT_EQ(stamped.exit_status, 0) << stamped.out << stamped.err;
  // Without the lists that the certificates name, which it would hold to real time whatever one says.
  const auto verify = [&](const std::string& name, UnixMs at) {
    return bench.osslsigncode({"verify", "-ignore-crl", "-in", bench.path(name), "-CAfile", bench.path("root.pem"),
                               "-TSA-CAfile", bench.path("tsa-root.pem"), "-time", seconds(at)});
  };
  // Long after the certificate has ended: the timestamp alone holds it.
  const auto later = verify("stamped.exe", kStart + 200 * kDay);
  EXPECT_EQ(later.exit_status, 0) << later.out << later.err;
  EXPECT_NE(verify("signed.exe", kStart + 200 * kDay).exit_status, 0);
}

}  // namespace
}  // namespace latchkey::tests
