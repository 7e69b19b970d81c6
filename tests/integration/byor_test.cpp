// SPDX-License-Identifier: Apache-2.0
// A policy with a root of its own, whose CA is `openssl ca`: from the CSR to deletion, with everything that such a CA
// can get wrong handed in first. docs/byor.md is the same as commands.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/integration/customer_ca.h"
#include "tests/integration/hub_cohort.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr double kDayS = 86'400;

// One policy of this kind on a hub, and the group whose devices get its certificates.
class OwnRootPolicy {
 public:
  OwnRootPolicy(Hub& hub, std::string name) : hub_(hub), name_(std::move(name)) {
    operate(hub_, {"policy", "create", "-n", name_, "--enable-byor"});
    operate(hub_, {"enrollment", "create", "--id", name_, "--group", "--policy", name_});
    key_ = enrollment_key(hub_, name_, true);
  }
  json shown() const { return hub_.json({"policy", "show", "-n", name_}); }
  json own_root() const {
    return shown().at("properties").at("certificate").at("certificateAuthorityConfiguration").at("bringYourOwnRoot");
  }
  std::string status() const { return own_root().at("status"); }
  // The request that waits, in a file of that name.
  std::filesystem::path request(const std::string& file) const {
    auto path = hub_.work() / file;
    operate(hub_, {"policy", "csr", "show", "-n", name_, "--out", path.string()});
    return path;
  }
  Finished activate(const std::string& chain) const {
    const auto file = hub_.work() / "chain.pem";
    std::ofstream(file) << chain;
    return hub_.cli({"policy", "activate-byor", "-n", name_, "--certificate-chain-file", file.string()});
  }
  testing::AssertionResult activates(const std::string& chain) const {
    const auto done = activate(chain);
    if (done.exit_status == 0) return testing::AssertionSuccess();
    return testing::AssertionFailure() << done.err;
  }
  void sync() const { operate(hub_, {"credential", "sync"}); }
  std::string device(const std::string& suffix) const { return name_ + "-" + suffix; }
  Identity provision(const std::string& id) { return hub_.provision(id, key_); }
  json try_provision(const std::string& id) {
    return hub_.try_provision(id, hub_.token(id, key_), make_key()).at("body");
  }
  Finished remove(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command{"policy", "delete", "-n", name_, "-y"};
    command.insert(command.end(), more.begin(), more.end());
    return hub_.cli(command);
  }

 private:
  Hub& hub_;
  const std::string name_;
  std::string key_;
};

// Refused with the hub's words; the exit status says "refused".
void expect_refused(const Finished& finished, const std::string& words) {
  EXPECT_EQ(finished.exit_status, 4) << words;
  EXPECT_THAT(finished.err, HasSubstr(words));
}

class Byor : public HubTest<Byor> {};

// Rows: R-3-17, R-6-01, R-6-02, R-6-03, R-6-04, R-6-05, R-6-06, R-6-07, R-6-08, R-6-09, R-6-10, R-6-11, R-6-14
TEST_F(Byor, every_wrong_chain_is_refused_and_changes_nothing) {
  OwnRootPolicy policy(hub(), "wrong");
  const CustomerCa ca(hub().work() / "wrong-ca", "Wrong Plant");
  const CustomerCa narrow(hub().work() / "narrow-ca", "Narrow Plant", 0);
  const CustomerCa namesake(hub().work() / "namesake-ca", "Wrong Plant");
  const auto request = policy.request("wrong.csr");
  const auto before = policy.shown();
  ASSERT_EQ(policy.status(), "PendingActivation");
  const std::string root = ca.root();
  const std::string key = "$OPENSSL genpkey -algorithm ";
  const std::string pub = " | $OPENSSL pkey -pubout";
  const auto md = [&](const std::string& name) { return ca.sign(request, "ica", "-md " + name); };

  const std::pair<std::string, std::string> wrong[] = {
      {ca.sign_for_key(request, key + "EC -pkeyopt ec_paramgen_curve:P-256" + pub) + root, "rule 1: "},
      {ca.sign(request, "ica", "-subj /CN=somebody") + root, "rule 2: "},
      {ca.sign_for_key(request, key + "RSA" + pub) + root, "rule 3: the key is rsaEncryption"},
      {ca.sign_for_key(request, "$OPENSSL req -in '" + request.string() +
                                    "' -noout -pubkey | $OPENSSL ec -pubin -param_enc explicit -pubout") +
           root,
       "rule 3: the key has explicit curve parameters"},
      {md("sha1") + root, "rule 4: "},
      {ca.sign(request, "no_constraints") + root, "rule 5: basicConstraints are missing"},
      {ca.sign(request, "no_usage") + root, "rule 6: keyUsage is missing"},
      {ca.sign(request, "no_crl_sign") + root, "rule 6: keyUsage lacks cRLSign"},
      {ca.sign(request, "server_only") + root, "rule 7: "},
      {ca.sign(request, "no_key_id") + root, "rule 8: "},
      {ca.sign(request, "ica", "-startdate " + days_from_now(-800) + " -enddate " + days_from_now(-1)) + root,
       "rule 9: it has expired"},
      {ca.sign(request, "ica", "-startdate " + days_from_now(2)) + root, "rule 9: it is not valid yet"},
      {ca.sign(request, "ica", "-days 364") + root, "rule 9: it lives for 36"},
      {narrow.sign(request) + narrow.root(), "rule 10: certificate 2 allows path length 0"},
      {root + ca.sign(request), "rule 11: the chain is in the wrong order"},
      {ca.sign(request) + namesake.root(), "rule 11: certificate 1 is not signed by certificate 2"},
      {ca.sign(request) + narrow.root(), "rule 11: certificate 1 names another issuer"},
      {"no certificate at all", "the chain cannot be read"},
  };
  for (const auto& [chain, words] : wrong) expect_refused(policy.activate(chain), words);
  EXPECT_EQ(policy.shown(), before);

  // Each attempt is on record, refused.
  int audited = 0;
  for (const auto& record : rows(hub().json({"audit", "list", "--limit", "200"}))) {
    audited += record.at("action") == "policy.activate" && record.at("outcome") != "ok" ? 1 : 0;
  }
  EXPECT_EQ(audited, static_cast<int>(std::size(wrong)));
  EXPECT_TRUE(policy.activates(ca.sign(request) + root)) << "the CSR still waits for a good one";
}

// Rows: R-5-14, R-5-16, R-6-12, R-6-13, R-7-07, R-7-10, R-13-01
TEST_F(Byor, policy_lives_from_its_csr_to_its_deletion) {
  OwnRootPolicy policy(hub(), "line");
  const CustomerCa ca(hub().work() / "line-ca", "Line Plant");
  const auto a = policy.device("a");
  EXPECT_TRUE(answers(policy.try_provision(a), "failed", 409204)) << "pending: it issues nothing";
  policy.sync();
  const auto request = policy.request("line.csr");
  EXPECT_NO_THROW(ca.shell("$OPENSSL req -in '" + request.string() + "' -noout -verify"));
  const auto signed_ica = ca.sign(request);
  ASSERT_TRUE(policy.activates(signed_ica + ca.root()));
  EXPECT_EQ(policy.status(), "Active");
  const auto fingerprint = ca.shell("$OPENSSL x509 -in signed.pem -noout -fingerprint -sha256 | sed 's/.*=//; s/://g'");
  EXPECT_EQ(policy.own_root().at("issuingCertificateThumbprint").get<std::string>() + "\n", fingerprint);
  EXPECT_EQ(hub().cli({"policy", "csr", "show", "-n", "line"}).exit_status, 4) << "nothing waits any more";

  // It issues; hubs trust it after a sync, not before.
  const auto of_a = policy.provision(a);
  EXPECT_TRUE(refused(hub(), a, of_a, kIssuerNotTrusted));
  policy.sync();
  EXPECT_TRUE(accepted(hub(), a, of_a));
  ASSERT_EQ(of_a.chain.size(), 3u);
  std::ofstream(hub().work() / "line-ca" / "leaf.pem") << certificate_pem(of_a.chain[0]);
  EXPECT_THAT(ca.shell("$OPENSSL verify -purpose sslclient -CAfile root.pem -untrusted signed.pem leaf.pem"),
              HasSubstr("leaf.pem: OK"));
  EXPECT_EQ(certificate_pem(of_a.chain[2]), ca.root());
  const auto renewed = renew(hub(), a, of_a);
  EXPECT_EQ(renewed.status, 200);
  EXPECT_TRUE(accepted(hub(), a, renewed.identity));

  // Its list is ours; revoking the CA itself is the customer's.
  const auto list = published_ca(hub(), policy_subject(hub(), "line")).at("crlFile").get<std::string>();
  EXPECT_NO_THROW(ca.shell("$OPENSSL crl -inform DER -in '" + list + "' -CAfile signed.pem -noout -verify"));
  expect_refused(hub().cli({"policy", "revoke", "-n", "line", "-y"}), "root of its own");
  EXPECT_TRUE(accepted(hub(), a, of_a));

  // Deletion: enrollments first, then devices.
  expect_refused(policy.remove(), "1 enabled enrollment: 'line'");
  operate(hub(), {"enrollment", "update", "--id", "line", "--group", "--status", "disabled"});
  expect_refused(policy.remove(), "1 device holds certificates of policy 'line'");
  expect_refused(policy.remove({"--override", "lines"}), "'" + a + "'");
  operate(hub(), {"device", "revoke", "-n", a, "-y"});
  const auto removed = policy.remove();
  EXPECT_EQ(removed.exit_status, 0) << removed.err;
  EXPECT_EQ(hub().cli({"policy", "show", "-n", "line"}).exit_status, 3);
  EXPECT_TRUE(refused(hub(), a, of_a, kIdentifierMismatch));
}

// Rows: R-6-12, R-7-10
TEST_F(Byor, policy_with_devices_is_deleted_by_an_override_of_its_name) {
  OwnRootPolicy policy(hub(), "named");
  const CustomerCa ca(hub().work() / "named-ca", "Named Plant");
  ASSERT_TRUE(policy.activates(ca.sign(policy.request("named.csr"))));
  policy.sync();
  const auto a = policy.device("a");
  const auto of_a = policy.provision(a);
  EXPECT_EQ(of_a.chain.size(), 2u) << "without the root, which nobody told";
  EXPECT_TRUE(accepted(hub(), a, of_a));
  expect_refused(policy.remove(), "enabled enrollment");
  EXPECT_EQ(policy.remove({"--override", "named"}).exit_status, 0);
  EXPECT_TRUE(accepted(hub(), a, of_a)) << "hubs keep the CA certificate";
  EXPECT_TRUE(answers(policy.try_provision(a), "failed", 404204));
}

class ByorOverTime : public HubTest<ByorOverTime> {};

// The row of the acceptance table: "BYOR policy P renewed its issuing CA (activate again) and synced".
// Rows: R-5-14, R-5-15, R-7-37
TEST_F(ByorOverTime, renewed_issuing_ca_is_trusted_beside_the_old_one_until_that_ends) {
  OwnRootPolicy policy(hub(), "plant");
  const CustomerCa ca(hub().work() / "plant-ca", "Plant");
  ASSERT_TRUE(
      policy.activates(ca.sign(policy.request("first.csr"), "ica", "-enddate " + days_from_now(400)) + ca.root()));
  policy.sync();

  hub().set_clock(375 * kDayS);  // 25 days before the end
  ASSERT_TRUE(eventually([&] { return policy.status() == "ActiveButPendingRenewal"; }));
  const auto csr = policy.own_root().at("certificateSigningRequest");
  hub().stop();
  hub().start();
  EXPECT_EQ(policy.own_root().at("certificateSigningRequest"), csr) << "it survives a restart";
  const auto a = policy.device("a");
  const auto b = policy.device("b");
  const auto old_a = policy.provision(a);
  const auto of_b = policy.provision(b);
  EXPECT_TRUE(accepted(hub(), a, old_a)) << "the old CA goes on issuing";

  const auto second = policy.request("second.csr");
  expect_refused(policy.activate(ca.sign(second, "ica", "-enddate " + days_from_now(375 + 364)) + ca.root()),
                 "rule 9: ");
  EXPECT_EQ(policy.status(), "ActiveButPendingRenewal");
  ASSERT_TRUE(policy.activates(ca.sign(second, "ica", "-enddate " + days_from_now(1200)) + ca.root()));
  EXPECT_EQ(policy.status(), "Active");
  const auto new_a = policy.provision(a);
  EXPECT_TRUE(refused(hub(), a, new_a, kIssuerNotTrusted)) << "not synced";
  EXPECT_TRUE(accepted(hub(), a, old_a));
  policy.sync();
  EXPECT_TRUE(accepted(hub(), a, new_a));
  EXPECT_TRUE(accepted(hub(), a, old_a));
  EXPECT_TRUE(accepted(hub(), b, of_b));

  hub().set_clock(401 * kDayS);  // the first CA has ended, and its leaves with it
  EXPECT_TRUE(refused(hub(), a, old_a, kExpired));
  EXPECT_TRUE(accepted(hub(), a, new_a));
  policy.sync();
  EXPECT_TRUE(accepted(hub(), a, new_a));
  EXPECT_TRUE(accepted(hub(), b, policy.provision(b)));
}

class ByorOlderFlow : public HubTest<ByorOlderFlow> {
 public:
  static Hub::Options options() {
    Hub::Options options;
    options.more = {"--compat", "byor-revoke-rotates"};
    return options;
  }
};

// Rows: R-7-08, R-13-01
TEST_F(ByorOlderFlow, revoke_makes_it_pending_and_a_new_certificate_restores_it) {
  OwnRootPolicy policy(hub(), "older");
  const CustomerCa ca(hub().work() / "older-ca", "Older Plant");
  ASSERT_TRUE(policy.activates(ca.sign(policy.request("one.csr")) + ca.root()));
  policy.sync();
  const auto a = policy.device("a");
  const auto old_a = policy.provision(a);
  const auto session = open_session(hub(), a, old_a);

  operate(hub(), {"policy", "revoke", "-n", "older", "-y"});
  EXPECT_TRUE(session->wait_closed(20'000));
  EXPECT_EQ(policy.status(), "PendingActivation");
  EXPECT_TRUE(refused(hub(), a, old_a, kIssuerNotTrusted));
  EXPECT_TRUE(answers(policy.try_provision(a), "failed", 409204));

  ASSERT_TRUE(policy.activates(ca.sign(policy.request("two.csr")) + ca.root()));
  policy.sync();
  EXPECT_TRUE(accepted(hub(), a, policy.provision(a)));
  EXPECT_TRUE(refused(hub(), a, old_a, kIssuerNotTrusted)) << "what was revoked does not come back";
}

}  // namespace
}  // namespace latchkey::tests
