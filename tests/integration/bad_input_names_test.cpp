// SPDX-License-Identifier: Apache-2.0
// Names and arguments that break the rules, through the command line: each is refused with an exit status and a code
// that say so, and nothing is created.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/integration/bad_input_world.h"

namespace latchkey::tests {
namespace {

constexpr int kBadInput = 2;
constexpr int kNotFound = 3;

class BadNames : public BadInput {
 protected:
  void SetUp() override {
    BadInput::SetUp();
    allow_audit_outcomes({"invalid name", "invalid validity period", "parent not found", "policy missing",
                          "invalid argument", "malformed request"});
  }
  std::string refused(std::vector<std::string> arguments) {
    const auto finished = world().hub.cli(std::move(arguments));
    EXPECT_FALSE(finished.err.empty()) << "a refusal says why";
    EXPECT_TRUE(finished.out.empty()) << finished.out;
    return std::to_string(finished.exit_status);
  }
  void expect_refused(int status, const std::vector<std::string>& arguments) {
    std::string line;
    for (const auto& argument : arguments) line += argument.substr(0, 40) + " ";
    EXPECT_EQ(refused(arguments), std::to_string(status)) << line;
  }
  std::string file(const std::string& text) {
    const auto path = world().hub.work() / "input.pem";
    std::ofstream(path, std::ios::trunc) << text;
    return path.string();
  }
};

const std::vector<std::string> kBadNames = {
    "",     "a b",  "a/b",  "../up",  "a\nb", "\xc3\xa4\xc3\xb6\xc3\xbc", "#", "+", "a#",
    "-abc", "abc_", "a\tb", "%2e%2e", "a?b",  std::string(300, 'a')};

// Rows: R-1-01
TEST_F(BadNames, of_namespaces) {
  for (const auto& name : kBadNames) expect_refused(kBadInput, {"namespace", "create", "--name=" + name});
  for (const std::string name : {"ab", "Upper", "abc-"}) {
    expect_refused(kBadInput, {"namespace", "create", "--name=" + name});
  }
}

// Rows: R-1-03
TEST_F(BadNames, of_policies) {
  for (const auto& name : kBadNames) expect_refused(kBadInput, {"policy", "create", "--name=" + name});
}

// Rows: R-9-08
TEST_F(BadNames, of_devices) {
  for (const auto& name : kBadNames) expect_refused(kBadInput, {"device", "create", "--name=" + name});
  expect_refused(kBadInput, {"device", "create", "--name=" + std::string(129, 'a')});
}

// Rows: R-10-08
TEST_F(BadNames, of_enrollments) {
  for (const auto& name : kBadNames) {
    expect_refused(kBadInput, {"enrollment", "create", "--id=" + name});
    expect_refused(kBadInput, {"enrollment", "create", "--group", "--id=" + name});
  }
}

TEST_F(BadNames, of_what_is_not_there) {
  expect_refused(kNotFound, {"device", "show", "-n", "nobody-1"});
  expect_refused(kNotFound, {"policy", "create", "-n", "line-a", "--namespace", "nowhere"});
  expect_refused(kNotFound, {"enrollment", "create", "--id", "pump-1", "--policy", "nothing"});
}

// Rows: R-5-05, R-12-02
TEST_F(BadNames, numbers_out_of_their_range) {
  for (const std::string days : {"6", "91", "0", "-1", "thirty", "1e1", "99999999999999999999"}) {
    expect_refused(kBadInput, {"policy", "create", "-n", "line-a", "--validity-days=" + days});
  }
}

TEST_F(BadNames, certificates_that_are_none) {
  const auto certificate = [&](const std::string& text) {
    return std::vector<std::string>{"enrollment",    "create", "--id",          "pump-1",
                                    "--attestation", "x509",   "--certificate", file(text)};
  };
  expect_refused(kBadInput, certificate("junk"));
  expect_refused(kBadInput, certificate(""));
  expect_refused(kBadInput, certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
  expect_refused(kBadInput, certificate(pem_csr(make_key(), "pump-1")));
  expect_refused(kBadInput, {"enrollment", "create", "--id", "pump-1", "--attestation", "x509"});
  expect_refused(kBadInput, {"enrollment", "create", "--id", "pump-1", "--attestation", "tpm"});
}

}  // namespace
}  // namespace latchkey::tests
