// SPDX-License-Identifier: Apache-2.0
// OpenSSL's command line as the second judge of a detached signature. It knows no effective date: who is on a list is
// revoked, whenever that was. So it is asked what it can say - is the signature right, was the certificate valid at
// that time, is the token good, which date stands on the list - and the truth table (docs/signing.md) is applied to
// that.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "tests/integration/signing/workbench.h"

namespace latchkey::tests {

// Paths; certificates and the list of the leaf's issuer are PEM.
struct JudgedFiles {
  std::string content, signature;
  std::string root, issuing, leaf;
  std::string list;
  std::string timestamp_root;
};

class SecondJudge {
 public:
  // `scratch`: names of files there begin with "judge-".
  SecondJudge(Workbench& scratch, JudgedFiles files) : bench_(scratch), files_(std::move(files)) {
    not_after_ = printed_time(x509({"-enddate"}, "notAfter="));
    EXPECT_GT(not_after_, 0);
  }

  // `accuracy_ms`: of the timestamp, if it is to have one.
  bool valid(bool is_stamped, int accuracy_ms, UnixMs now) {
    const std::optional<UnixMs> stamped = is_stamped ? token_time() : std::nullopt;
    if (is_stamped && !stamped) return false;
    const UnixMs proven = stamped ? *stamped : now;
    if (!good_at(proven)) return false;
    const std::optional<UnixMs> revoked = date_on_list();
    if (revoked && proven + (stamped ? accuracy_ms : 0) >= *revoked) return false;
    return !says_lifetime() || in_validity_at(now);
  }

  // Whoever is on the list, and no other, is revoked for OpenSSL. `at`: both certificate and list are in force.
  bool on_list_by_crl_check(UnixMs at) {
    const auto ran = Workbench::openssl({"verify", "-attime", seconds(at), "-crl_check", "-CRLfile", files_.list,
                                         "-CAfile", files_.root, "-untrusted", files_.issuing, files_.leaf});
    const bool revoked = ran.err.find("certificate revoked") != std::string::npos;
    EXPECT_NE(ran.exit_status == 0, revoked) << ran.err;
    return revoked;
  }

  // The time in the token, if the authority's certificate verifies at it.
  std::optional<UnixMs> token_time() {
    const auto read = hub::signing::read_signed_data(signature());
    if (!read) return std::nullopt;
    bench_.put("judge-token", read->evidence.token);
    bench_.put("judge-stamped", read->evidence.stamped);
    const auto shown = Workbench::openssl({"ts", "-reply", "-token_in", "-in", bench_.path("judge-token"), "-text"});
    const UnixMs at = printed_time(behind(shown.out, "Time stamp: "));
    const auto verified =
        Workbench::openssl({"ts", "-verify", "-data", bench_.path("judge-stamped"), "-token_in", "-in",
                            bench_.path("judge-token"), "-CAfile", files_.timestamp_root, "-attime", seconds(at)});
    EXPECT_EQ(verified.exit_status, 0) << verified.err;
    return verified.exit_status == 0 && at > 0 ? std::optional(at) : std::nullopt;
  }

 private:
  Bytes signature() const {
    const std::string text = read_text(files_.signature);
    return {text.begin(), text.end()};
  }
  std::string x509(std::vector<std::string> more, const std::string& label) const {
    more.insert(more.begin(), {"x509", "-in", files_.leaf, "-noout"});
    return behind(Workbench::openssl(more).out, label);
  }
  // notAfter itself counts as expired for OpenSSL; RFC 5280 includes it.
  std::string within(UnixMs at) const { return seconds(at == not_after_ ? at - 1000 : at); }
  bool good_at(UnixMs at) {
    return Workbench::openssl({"cms", "-verify", "-binary", "-inform", "DER", "-in", files_.signature, "-content",
                               files_.content, "-CAfile", files_.root, "-purpose", "any", "-attime", within(at), "-out",
                               bench_.path("judge-out")})
               .exit_status == 0;
  }
  bool in_validity_at(UnixMs at) {
    return Workbench::openssl(
               {"verify", "-attime", within(at), "-CAfile", files_.root, "-untrusted", files_.issuing, files_.leaf})
               .exit_status == 0;
  }
  std::optional<UnixMs> date_on_list() {
    const std::string shown = Workbench::openssl({"crl", "-in", files_.list, "-noout", "-text"}).out;
    const auto entry = shown.find("Serial Number: " + x509({"-serial"}, "serial=") + "\n");
    if (entry == std::string::npos) return std::nullopt;
    return printed_time(behind(shown.substr(entry), "Revocation Date: "));
  }
  bool says_lifetime() {
    const auto shown = Workbench::openssl({"x509", "-in", files_.leaf, "-noout", "-ext", "extendedKeyUsage"});
    return shown.out.find("1.3.6.1.4.1.311.10.3.13") != std::string::npos;
  }

  Workbench& bench_;
  const JudgedFiles files_;
  UnixMs not_after_ = 0;
};

}  // namespace latchkey::tests
