// SPDX-License-Identifier: Apache-2.0
// Revocation lists, as `openssl crl` reads them, and that the hub does not care about them. The registry is edited with
// `sqlite3` while the hub is stopped where a test needs a list and an identifier that contradict each other: no
// operation of ours can bring that about.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/integration/hub_cohort.h"
#include "tests/support/subprocess.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;
using Serials = std::set<std::string>;

Serials serials_of(const std::vector<Identity>& identities) {
  Serials serials;
  for (const auto& identity : identities) serials.insert(plain_hex(serial_hex(identity.chain.front())));
  return serials;
}

// One list as the command line tool shows it.
struct Crl {
  Serials serials;
  std::map<std::string, long> revoked_at;  // serial: seconds since 1970
  long this_update = 0;
};

long seconds(const std::string& date) {  // "Nov 21 14:30:00 2026 GMT"
  std::tm parts{};
  return strptime(date.c_str(), "%b %d %H:%M:%S %Y", &parts) == nullptr ? 0 : timegm(&parts);
}

template <class Suite>
class CrlSuite : public HubTest<Suite> {
 protected:
  using HubTest<Suite>::hub;
  static json ca(const std::string& subject) { return published_ca(hub(), subject); }
  static json root() {
    for (const auto& one : rows(hub().json({"ca", "list"}))) {
      if (one.at("kind") == "root") return published_ca(hub(), one.at("subject"));
    }
    throw std::runtime_error("there is no root");
  }
  static std::string crl_file(const json& ca) { return ca.at("crlFile"); }

  static Crl read_crl(const json& ca) {
    const auto shown = run({LATCHKEY_OPENSSL, "crl", "-inform", "DER", "-noout", "-text", "-in", crl_file(ca)});
    if (shown.exit_status != 0) throw std::runtime_error("openssl crl: " + shown.err);
    Crl crl;
    std::istringstream lines(shown.out);
    std::string serial;
    for (std::string line; std::getline(lines, line);) {
      const auto after = [&line](const std::string& label) -> std::string {
        const auto at = line.find(label);
        return at == std::string::npos ? "" : line.substr(at + label.size());
      };
      if (const auto hex = after("Serial Number: "); !hex.empty()) crl.serials.insert(serial = plain_hex(hex));
      if (const auto date = after("Revocation Date: "); !date.empty()) crl.revoked_at[serial] = seconds(date);
      if (const auto date = after("Last Update: "); !date.empty()) crl.this_update = seconds(date);
    }
    return crl;
  }
  static bool wait_listed(const json& ca, const Serials& wanted) {
    return wait_crl(ca, [&](const Crl& crl) {
      return std::includes(crl.serials.begin(), crl.serials.end(), wanted.begin(), wanted.end());
    });
  }
  template <class Done>
  static bool wait_crl(const json& ca, const Done& done) {
    return eventually([&] { return done(read_crl(ca)); });
  }
  // On which CAs' lists these serials stand.
  static std::map<std::string, Serials> found_on(const Serials& serials) {
    std::map<std::string, Serials> found;
    for (const auto& one : rows(hub().json({"ca", "list"}))) {
      for (const auto& serial : read_crl(ca(one.at("subject"))).serials) {
        if (serials.count(serial) != 0) found[one.at("subject")].insert(serial);
      }
    }
    return found;
  }
  // Does that CA's list verify against `issuer`?
  static bool verifies(const json& ca, const json& issuer) {
    const auto file = hub().work() / "issuer.pem";
    std::ofstream(file) << issuer.at("certificate").get<std::string>();
    const auto checked = run({LATCHKEY_OPENSSL, "crl", "-inform", "DER", "-noout", "-in", crl_file(ca), "-verify",
                              "-CAfile", file.string()});
    return (checked.out + checked.err).find("verify OK") != std::string::npos;
  }
  // What `openssl crl` or `openssl x509` says of one date: "Nov 21 14:30:00 2026 GMT".
  static std::string date_in(const std::vector<std::string>& command) {
    const auto shown = run(command);
    const auto equals = shown.out.find('=');
    if (shown.exit_status != 0 || equals == std::string::npos) throw std::runtime_error("openssl: " + shown.err);
    return shown.out.substr(equals + 1, shown.out.find('\n') - equals - 1);
  }
  static std::string next_update(const json& ca) {
    return date_in({LATCHKEY_OPENSSL, "crl", "-inform", "DER", "-noout", "-nextupdate", "-in", crl_file(ca)});
  }
  static std::string end_of(const json& ca) {
    const auto file = hub().work() / "ca.pem";
    std::ofstream(file) << ca.at("certificate").get<std::string>();
    return date_in({LATCHKEY_OPENSSL, "x509", "-noout", "-enddate", "-in", file.string()});
  }
  static std::ptrdiff_t ca_keys() {
    const std::filesystem::directory_iterator keys(hub().data() / "keys");
    return std::distance(begin(keys), end(keys));
  }
  static std::string serial_of(const json& ca) { return plain_hex(ca.at("serialNumber").get<std::string>()); }
  static void revoke(const std::string& device) { operate(hub(), {"device", "revoke", "-n", device, "-y"}); }

  // While the hub is down.
  static void edit_registry(const std::string& sql) {
    const auto edited = run({LATCHKEY_SQLITE, "-bail", (hub().data() / "registry.db").string(), sql});
    if (edited.exit_status != 0) throw std::runtime_error("sqlite3: " + edited.err);
  }
  // Sets the status of one certificate behind the registry's back, and orders its issuer's list anew.
  static void edit_certificate(const Identity& identity, int status, const std::string& revoked_at) {
    const auto where = " WHERE serial = x'" + serial_hex(identity.chain.front()) + "'";
    edit_registry("UPDATE certificates SET status = " + std::to_string(status) + ", revoked_at = " + revoked_at +
                  where + "; UPDATE cas SET crl_wanted = crl_wanted + 1 WHERE id = (SELECT ca FROM certificates" +
                  where + ");");
  }
};

class CrlTest : public CrlSuite<CrlTest> {};

constexpr int kIssued = 2;  // registry::CertificateStatus
constexpr int kRevoked = 3;

// Rows: R-7-11, R-13-05
TEST_F(CrlTest, device_revoke_lists_every_serial_of_the_device_on_its_issuers_list_and_no_other) {
  Cohort cohort(hub(), "crl-device");
  Cohort neighbours(hub(), "crl-neighbours");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto first_ca = ca(cohort.subject());
  std::vector<Identity> under_first{cohort.provision(a), cohort.provision(a)};
  auto renewed = renew(hub(), a, under_first.back());
  ASSERT_EQ(renewed.status, 200);
  under_first.push_back(renewed.identity);
  const auto b_under_first = cohort.provision(b);
  cohort.revoke_policy();
  const auto second_ca = ca(cohort.subject());
  const std::vector<Identity> under_second{cohort.provision(a), cohort.provision(a)};
  const auto b_under_second = cohort.provision(b);
  const auto neighbour = neighbours.provision(neighbours.device("a"));
  cohort.revoke_policy();
  const auto third_ca = ca(cohort.subject());
  const std::vector<Identity> under_third{cohort.provision(a)};

  revoke(a);
  ASSERT_TRUE(wait_listed(first_ca, serials_of(under_first)));
  ASSERT_TRUE(wait_listed(second_ca, serials_of(under_second)));
  ASSERT_TRUE(wait_listed(third_ca, serials_of(under_third)));
  EXPECT_EQ(read_crl(first_ca).serials, serials_of(under_first));
  EXPECT_EQ(read_crl(second_ca).serials, serials_of(under_second));
  EXPECT_EQ(read_crl(third_ca).serials, serials_of(under_third));

  Serials all = serials_of(under_first);
  all.merge(serials_of(under_second));
  all.merge(serials_of(under_third));
  EXPECT_EQ(found_on(all), (std::map<std::string, Serials>{{first_ca.at("subject"), serials_of(under_first)},
                                                           {second_ca.at("subject"), serials_of(under_second)},
                                                           {third_ca.at("subject"), serials_of(under_third)}}));
  EXPECT_TRUE(found_on(serials_of({b_under_first, b_under_second, neighbour})).empty()) << "nobody revoked these";
  for (const auto& one : {first_ca, second_ca, third_ca}) EXPECT_TRUE(verifies(one, one)) << one.at("subject");
  EXPECT_FALSE(verifies(first_ca, second_ca)) << "a list is its own CA's";
}

TEST_F(CrlTest, deleted_devices_certificates_are_listed) {
  Cohort cohort(hub(), "crl-deleted");
  const auto a = cohort.device("a");
  const std::vector<Identity> of_a{cohort.provision(a), cohort.provision(a)};
  const auto issuer = ca(cohort.subject());
  operate(hub(), {"device", "delete", "-n", a, "-y"});
  EXPECT_TRUE(wait_crl(issuer, [&](const Crl& crl) { return crl.serials == serials_of(of_a); }));
}

TEST_F(CrlTest, disabling_a_device_lists_nothing) {
  Cohort cohort(hub(), "crl-disabled");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto of_a = cohort.provision(a);
  const auto of_b = cohort.provision(b);
  operate(hub(), {"device", "update", "-n", a, "--enabled", "false"});
  revoke(b);  // a list made after the disabling
  const auto issuer = ca(cohort.subject());
  ASSERT_TRUE(wait_listed(issuer, serials_of({of_b})));
  EXPECT_EQ(read_crl(issuer).serials, serials_of({of_b}));
}

// Rows: R-7-06, R-13-05
TEST_F(CrlTest, policy_revoke_lists_the_old_issuing_ca_on_the_roots_list_and_no_other) {
  Cohort cohort(hub(), "crl-policy");
  cohort.provision(cohort.device("a"));
  const auto old_ca = ca(cohort.subject());
  ASSERT_EQ(read_crl(root()).serials.count(serial_of(old_ca)), 0u);
  cohort.revoke_policy();
  const auto new_ca = ca(cohort.subject());
  ASSERT_TRUE(wait_listed(root(), {serial_of(old_ca)}));
  EXPECT_EQ(found_on({serial_of(old_ca), serial_of(new_ca)}),
            (std::map<std::string, Serials>{{root().at("subject"), {serial_of(old_ca)}}}));
  EXPECT_TRUE(verifies(root(), root()));
  EXPECT_FALSE(verifies(root(), new_ca));
}

// How long it took, the lists' own dates say. Of several, so that one hiccup of the machine does not count.
TEST_F(CrlTest, list_is_fresh_within_a_second_of_a_revocation) {
  Cohort cohort(hub(), "crl-fresh");
  const auto issuer = ca(cohort.subject());
  const auto a = cohort.device("a");
  long best_s = 1'000'000;
  for (int round = 0; round < 5; ++round) {
    const auto serials = serials_of({cohort.provision(a)});
    revoke(a);
    ASSERT_TRUE(wait_listed(issuer, serials));
    const auto crl = read_crl(issuer);
    best_s = std::min(best_s, crl.this_update - crl.revoked_at.at(*serials.begin()));
  }
  EXPECT_GE(best_s, 0);
  EXPECT_LE(best_s, 1);
}

// Rows: R-7-30, R-9-19, R-13-05
TEST_F(CrlTest, listed_serial_whose_identifier_still_matches_is_accepted) {
  Cohort cohort(hub(), "crl-listed");
  const auto a = cohort.device("a");
  const auto of_a = cohort.provision(a);
  const auto issuer = ca(cohort.subject());
  ASSERT_TRUE(accepted(hub(), a, of_a));
  hub().stop();
  edit_certificate(of_a, kRevoked, "reserved_at");
  hub().start();
  ASSERT_TRUE(wait_listed(issuer, serials_of({of_a})));
  EXPECT_TRUE(verifies(issuer, issuer));
  EXPECT_TRUE(accepted(hub(), a, of_a)) << "the hub reads no list";
}

// Rows: R-7-30, R-9-19, R-13-05
TEST_F(CrlTest, unlisted_serial_with_an_old_identifier_is_refused) {
  Cohort cohort(hub(), "crl-unlisted");
  const auto a = cohort.device("a");
  const auto of_a = cohort.provision(a);
  const auto issuer = ca(cohort.subject());
  revoke(a);
  ASSERT_TRUE(wait_listed(issuer, serials_of({of_a})));
  hub().stop();
  edit_certificate(of_a, kIssued, "0");
  hub().start();
  ASSERT_TRUE(wait_crl(issuer, [](const Crl& crl) { return crl.serials.empty(); }));
  EXPECT_TRUE(refused(hub(), a, of_a, kIdentifierMismatch)) << "the hub reads no list";
}

// Policies and the credential go: a hub of its own.
class CrlOfDeleted : public CrlSuite<CrlOfDeleted> {};

// Rows: R-7-38
TEST_F(CrlOfDeleted, deleted_policys_ca_leaves_a_list_that_is_valid_to_its_end_and_no_key) {
  Cohort cohort(hub(), "crl-last");
  const auto a = cohort.device("a");
  const auto of_a = cohort.provision(a);
  const auto old_ca = ca(cohort.subject());
  revoke(a);
  ASSERT_TRUE(wait_listed(old_ca, serials_of({of_a})));
  cohort.revoke_policy();
  const auto new_ca = ca(cohort.subject());
  for (const auto& one : {old_ca, new_ca}) EXPECT_NE(next_update(one), end_of(one)) << "others will follow";
  const auto keys = ca_keys();
  cohort.delete_policy();
  for (const auto& one : {old_ca, new_ca}) {
    EXPECT_TRUE(eventually([&] { return next_update(one) == end_of(one); })) << next_update(one);
    EXPECT_TRUE(verifies(one, one));
  }
  EXPECT_TRUE(eventually([&] { return ca_keys() == keys - 2; })) << ca_keys() << " of " << keys;
  EXPECT_EQ(read_crl(old_ca).serials, serials_of({of_a})) << "complete";

  hub().stop();
  hub().start();
  EXPECT_EQ(next_update(old_ca), end_of(old_ca));
  EXPECT_EQ(ca_keys(), keys - 2);
  EXPECT_NE(next_update(root()), end_of(root()));
}

// Rows: R-7-38
TEST_F(CrlOfDeleted, deleted_credentials_root_leaves_a_list_that_is_valid_to_its_end_and_no_key) {
  const std::string policy = "crl-root";
  operate(hub(), {"policy", "create", "-n", policy});
  const auto revoked = ca(policy_subject(hub(), policy));
  operate(hub(), {"policy", "revoke", "-n", policy, "-y"});
  const auto old_root = root();
  ASSERT_TRUE(wait_listed(old_root, {serial_of(revoked)}));
  for (const auto& one : rows(hub().json({"policy", "list"}))) {
    operate(hub(), {"policy", "delete", "-n", one.at("name").get<std::string>(), "-y"});
  }
  operate(hub(), {"credential", "delete", "-y"});
  EXPECT_TRUE(eventually([&] { return next_update(old_root) == end_of(old_root); })) << next_update(old_root);
  EXPECT_TRUE(eventually([&] { return ca_keys() == 0; })) << ca_keys();
  EXPECT_EQ(read_crl(old_root).serials.count(serial_of(revoked)), 1u);
  EXPECT_TRUE(verifies(old_root, old_root));
}

// Its clock goes forward: a hub of its own.
class CrlOverTime : public CrlSuite<CrlOverTime> {};

TEST_F(CrlOverTime, expired_serials_are_not_listed) {
  Cohort cohort(hub(), "crl-expiry");
  const auto a = cohort.device("a");
  const auto over = cohort.provision(a);
  hub().set_clock(20 * 86'400.0);
  const auto valid = cohort.provision(a);
  hub().set_clock(35 * 86'400.0);
  revoke(a);
  const auto issuer = ca(cohort.subject());
  ASSERT_TRUE(wait_listed(issuer, serials_of({valid})));
  EXPECT_EQ(read_crl(issuer).serials, serials_of({valid})) << "not " << serial_hex(over.chain.front());
  EXPECT_TRUE(refused(hub(), a, over, {"expired", {"validity", "current"}}));
}

}  // namespace
}  // namespace latchkey::tests
