// SPDX-License-Identifier: Apache-2.0
// The truth table over real files, and OpenSSL's command line as the second judge. OpenSSL knows no effective date: who
// is on a list is revoked, whenever that was. So it is asked what it can say - is the signature right, was the
// certificate valid at that time, is the token good, which date stands on the list - and the table is applied to that.
#include "tests/unit/hub/signing/truth_table.h"

#include <gtest/gtest.h>

#include "tests/integration/signing/workbench.h"

namespace latchkey::tests {
namespace {

using namespace hub::signing;        // NOLINT: the test is about that room
using namespace hub::signing::test;  // NOLINT

const ByteView kFile = text("firmware 1.2.0");

class SecondJudge {
 public:
  SecondJudge(World& world, const Case& one) : world_(world), one_(one) {
    bench_.put("file", kFile);
    bench_.put("signature", one.signature);
    bench_.certificates("root", {world.root.x509()});
    bench_.certificates("issuing", {world.issuing.x509()});
    bench_.certificates("leaf", {one.leaf.x509()});
    bench_.certificates("tsa-root", {world.timestamp_root.x509()});
    bench_.list("list", world.list_of(world.issuing, one.entries.leaves));
  }

  bool valid(const Row& row) {
    const std::optional<UnixMs> stamped = row.stamped ? token_time() : std::nullopt;
    if (row.stamped && !stamped) return false;
    const UnixMs proven = stamped ? *stamped : moment(row.now);
    if (!good_at(proven)) return false;
    const std::optional<UnixMs> revoked = date_on_list();
    if (revoked && proven + (stamped ? row.accuracy_ms : 0) >= *revoked) return false;
    return !says_lifetime() || in_validity_at(moment(row.now));
  }

  // Whoever is on the list, and no other, is revoked for OpenSSL.
  bool on_list_by_crl_check() {
    const auto ran =
        bench_.openssl({"verify", "-attime", seconds(kStart + kHour), "-crl_check", "-CRLfile", bench_.path("list"),
                        "-CAfile", bench_.path("root"), "-untrusted", bench_.path("issuing"), bench_.path("leaf")});
    const bool revoked = ran.err.find("certificate revoked") != std::string::npos;
    EXPECT_NE(ran.exit_status == 0, revoked) << ran.err;
    return revoked;
  }

 private:
  // notAfter itself counts as expired for OpenSSL; RFC 5280 includes it.
  std::string within(UnixMs at) const {
    const UnixMs end = window_of(one_.leaf.x509()).not_after;
    return seconds(at == end ? at - 1000 : at);
  }
  bool good_at(UnixMs at) {
    return bench_
               .openssl({"cms", "-verify", "-binary", "-inform", "DER", "-in", bench_.path("signature"), "-content",
                         bench_.path("file"), "-CAfile", bench_.path("root"), "-purpose", "any", "-attime", within(at),
                         "-out", bench_.path("out")})
               .exit_status == 0;
  }
  bool in_validity_at(UnixMs at) {
    return bench_
               .openssl({"verify", "-attime", within(at), "-CAfile", bench_.path("root"), "-untrusted",
                         bench_.path("issuing"), bench_.path("leaf")})
               .exit_status == 0;
  }
  std::optional<UnixMs> token_time() {
    const auto read = read_signed_data(one_.signature);
    bench_.put("token", read->evidence.token);
    bench_.put("stamped", read->evidence.stamped);
    const auto shown = bench_.openssl({"ts", "-reply", "-token_in", "-in", bench_.path("token"), "-text"});
    const UnixMs at = printed_time(behind(shown.out, "Time stamp: "));
    const auto verified =
        bench_.openssl({"ts", "-verify", "-data", bench_.path("stamped"), "-token_in", "-in", bench_.path("token"),
                        "-CAfile", bench_.path("tsa-root"), "-attime", seconds(at)});
    EXPECT_EQ(verified.exit_status, 0) << verified.err;
    return verified.exit_status == 0 && at > 0 ? std::optional(at) : std::nullopt;
  }
  std::optional<UnixMs> date_on_list() {
    const auto shown = bench_.openssl({"crl", "-in", bench_.path("list"), "-noout", "-text"});
    const std::string date = behind(shown.out, "Revocation Date: ");
    return date.empty() ? std::nullopt : std::optional(printed_time(date));
  }
  bool says_lifetime() {
    const auto shown = bench_.openssl({"x509", "-in", bench_.path("leaf"), "-noout", "-ext", "extendedKeyUsage"});
    return shown.out.find("1.3.6.1.4.1.311.10.3.13") != std::string::npos;
  }

  World& world_;
  const Case& one_;
  Workbench bench_;
};

class TruthTable : public testing::TestWithParam<Row> {};

// Rows: S-6-117
TEST_P(TruthTable, both_judges_say_what_the_row_says) {
  const Row& row = GetParam();
  World world;
  const Case one = make_case(world, row, kFile);
  const RevocationLists lists = world.lists(one.entries);
  const Verdict verdict = judge_detached(one.signature, kFile, world.trust(lists), moment(row.now));
  EXPECT_EQ(verdict.valid, row.valid) << sentence(verdict);
  SecondJudge judge(world, one);
  EXPECT_EQ(judge.valid(row), row.valid);
  EXPECT_EQ(judge.on_list_by_crl_check(), row.revoked.has_value());
}

INSTANTIATE_TEST_SUITE_P(, TruthTable, testing::ValuesIn(truth_table()),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace latchkey::tests
