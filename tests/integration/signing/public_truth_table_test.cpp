// SPDX-License-Identifier: Apache-2.0
// "Is a signed file valid?" over what a whole hub does when it is asked by its public API: certificate profiles,
// `latchkey sign`, timestamps over HTTP (RFC 3161), `latchkey signing certificate revoke`, and the lists that
// certificates name. The hub's clock stands still, and is set from moment to moment. Every row is judged by
// `latchkey verify` and by OpenSSL's command line.
//
// The service's tokens have an accuracy of a second. A row with another one, whose timestamp is near the revocation,
// is stamped so much earlier or later that its time and accuracy together reach as far as the row says.
#include <gmock/gmock.h>

#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "hub/signing/signature/detached.h"
#include "hub/text/time.h"
#include "platform/openssl/pem.h"
#include "tests/integration/signing/second_judge.h"
#include "tests/support/contoso.h"
#include "tests/support/hub.h"
#include "tests/unit/hub/signing/truth_table.h"

namespace latchkey::tests {
namespace {

using namespace hub::signing;  // NOLINT: the test is about these rooms
using hub::signing::test::Row;
using nlohmann::json;

constexpr int kSigningMs = 500'000;  // an RSA key is made, on a machine that may do much else
constexpr auto kPatience = std::chrono::minutes(5);
constexpr UnixMs kHourMs = 3'600'000;
constexpr UnixMs kAccuracyMs = 1000;  // of the service's tokens
const std::string kContent = "firmware 1.2.0";

// Rows of one certificate: the same kind of profile, revoked from the same moment on or never.
using GroupKey = std::pair<bool, std::optional<double>>;
struct Group {
  std::string name;  // of its profile
  std::string leaf;  // path
};

class PublicTruthTable : public testing::Test {
 protected:
  void SetUp() override {
    bench.put("file", ByteView(kContent));
    hub.start();
    begin = static_cast<UnixMs>(std::time(nullptr)) * 1000;
    set_clock(begin);
    open = json::parse(read_text(hub.work() / "endpoints.json")).at("signingOpen");
    hub.json({"provider", "register", "--namespace", "Microsoft.CodeSigning"});
    hub.json({"trustedsigning", "create", "-n", "MyAccount", "-l", "eastus", "--sku", "Premium"});
    identity = validated_identity(hub, "latchkey", "MyAccount");
    make_signer(hub, "signer", bench.path("token"));
  }

  static std::string utc(UnixMs at) { return hub::text::iso8601(at).replace(19, 4, ""); }  // without milliseconds
  UnixMs moment(double hours) const { return begin + hub::signing::test::moment(hours) - hub::signing::test::kStart; }
  void set_clock(UnixMs at) {
    hub.json({"rehearsal", "clock", "set", "--now", utc(at), "--rate", "0", "--backwards"});
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (hub.json({"status"}).at("clock").get<std::string>().substr(0, 19) != utc(at).substr(0, 19)) {
      ASSERT_LT(std::chrono::steady_clock::now(), until) << "the hub does not follow the clock";
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  static std::string tool(const std::vector<std::string>& words) {
    const auto ran = Workbench::openssl(words);
    EXPECT_EQ(ran.exit_status, 0) << ran.err;
    return ran.out;
  }
  Finished client(std::vector<std::string> words) {
    words.insert(words.begin(), {LATCHKEY_PYTHON, LATCHKEY_CLIENT});
    return run(words, kSigningMs);
  }

  // A profile, its first certificate, and a signature by it.
  void make(const GroupKey& key) {
    Group group;
    group.name = "Profile" + std::to_string(groups.size());
    hub.json({"trustedsigning", "certificate-profile", "create", "--account-name", "MyAccount", "-n", group.name,
              "--profile-type", key.first ? "PublicTrustTest" : "PublicTrust", "--identity-validation-id", identity});
    const auto ran = run({LATCHKEY_PROGRAM, "--data", hub.data().string(), "sign", bench.path("file"), "--account",
                          "MyAccount", "--profile", group.name, "--token-file", bench.path("token"), "--no-timestamp",
                          "--out", bench.path(group.name)},
                         kSigningMs);
    ASSERT_EQ(ran.exit_status, 0) << ran.err;
    const auto read = read_signed_data(bench.read(group.name));
    ASSERT_TRUE(read) << read.error().detail;
    group.leaf = group.name + "-leaf";
    bench.certificates(group.leaf, {read->evidence.signer.get()});
    ASSERT_EQ(read->evidence.others.size(), 1u) << "the issuing CA";
    bench.certificates(group.name + "-issuing", {read->evidence.others.front().get()});
    EXPECT_EQ(printed_time(behind(tool({"x509", "-in", bench.path(group.leaf), "-noout", "-startdate"}), "notBefore=")),
              begin);
    groups[key] = group;
  }

  // When the row's file is stamped.
  std::optional<UnixMs> stamp_time(const Row& row) const {
    if (!row.stamped) return std::nullopt;
    const UnixMs at = moment(*row.stamped);
    const UnixMs other = at + row.accuracy_ms - kAccuracyMs;
    const bool near = row.revoked && std::abs(at - moment(*row.revoked)) < 10'000;
    return near && other >= begin ? other : at;
  }
  // By the service, whose clock says so.
  void stamp(const Row& row, const Group& group) {
    const auto read = read_signed_data(bench.read(group.name));
    bench.put("value", read->evidence.stamped);
    tool({"ts", "-query", "-data", bench.path("value"), "-sha256", "-cert", "-out", bench.path("query")});
    const auto ran = client({"stamp", open + "/timestamp", bench.path("query"), bench.path("reply")});
    ASSERT_EQ(ran.exit_status, 0) << ran.out << ran.err;
    tool({"ts", "-reply", "-in", bench.path("reply"), "-token_out", "-out", bench.path("token.der")});
    const auto stamped = stamp_detached(bench.read(group.name), bench.read("token.der"));
    ASSERT_TRUE(stamped) << stamped.error().detail;
    bench.put(row.name, *stamped);
  }
  void revoke(const GroupKey& key, const Group& group) {
    std::string thumbprint =
        behind(tool({"x509", "-in", bench.path(group.leaf), "-noout", "-fingerprint", "-sha1"}), "Fingerprint=");
    std::erase(thumbprint, ':');
    const auto ran = hub.cli({"signing", "certificate", "revoke", "--account-name", "MyAccount", "--profile-name",
                              group.name, "--thumbprint", thumbprint, "--reason", "KeyCompromised", "--effective-at",
                              utc(moment(*key.second)), "-y"});
    ASSERT_EQ(ran.exit_status, 0) << ran.out << ran.err;
  }

  // The list that a certificate (PEM) names; fetched again until it is in force.
  std::string list_named_by(const std::string& certificate, UnixMs now) {
    const std::string url = behind(tool({"x509", "-in", bench.path(certificate), "-noout", "-text"}), "URI:");
    const std::string name = "list-" + url.substr(url.rfind('/') + 1);
    if (lists.contains(name)) return bench.path(name);
    const auto until = std::chrono::steady_clock::now() + kPatience;
    for (bool in_force = false; !in_force;) {
      EXPECT_EQ(client({"get", url, bench.path("der")}).out, "200\n") << url;
      tool({"crl", "-inform", "DER", "-in", bench.path("der"), "-out", bench.path(name)});
      const std::string shown = tool({"crl", "-in", bench.path(name), "-noout", "-lastupdate", "-nextupdate"});
      in_force = printed_time(behind(shown, "lastUpdate=")) <= now && printed_time(behind(shown, "nextUpdate=")) > now;
      if (in_force) break;
      if (std::chrono::steady_clock::now() > until) ADD_FAILURE() << "no list in force: " << shown;
      if (std::chrono::steady_clock::now() > until) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    lists.insert(name);
    return bench.path(name);
  }
  // The authority's certificate, from any token.
  void keep_authority() {
    const auto text = tool({"pkcs7", "-inform", "DER", "-in", bench.path("token.der"), "-print_certs"});
    bench.put("authority", ByteView(text));
  }

  void judge(const Row& row, const Group& group) {
    SCOPED_TRACE(row.name);
    const UnixMs now = moment(row.now);
    const std::string signature = bench.path(row.stamped ? row.name : group.name);
    const std::string leaves = list_named_by(group.leaf, now);
    const auto ran = run({LATCHKEY_PROGRAM, "verify", bench.path("file"), "--signature", signature, "--ca-file",
                          root("roots.pem"), "--tsa-ca-file", root("timestamp-roots.pem"), "--crl-file", leaves,
                          "--crl-file", list_named_by(group.name + "-issuing", now), "--crl-file",
                          list_named_by("authority", now), "--at", utc(now), "-o", "json"});
    EXPECT_EQ(ran.exit_status, row.valid ? 0 : 4) << ran.out << ran.err;
    const auto verdict = json::parse(ran.out, nullptr, false);
    ASSERT_TRUE(verdict.is_object()) << ran.out;
    EXPECT_EQ(verdict.at("valid"), row.valid) << ran.out;
    EXPECT_EQ(verdict.at("reason"), std::string(name_of(row.reason))) << ran.out;
    EXPECT_EQ(verdict.at("timestamp").is_null(), !row.stamped) << ran.out;

    SecondJudge second(bench, {bench.path("file"), signature, root("roots.pem"), bench.path(group.name + "-issuing"),
                               bench.path(group.leaf), leaves, root("timestamp-roots.pem")});
    EXPECT_EQ(second.valid(row.stamped.has_value(), kAccuracyMs, now), row.valid);
    if (row.stamped) {
      EXPECT_EQ(second.token_time(), stamp_time(row));
    }
  }
  std::string root(const char* name) const { return (hub.data() / "signing" / name).string(); }

  Hub hub{hub_that_signs()};
  Workbench bench;
  UnixMs begin = 0;  // of every certificate
  std::string open;
  std::string identity;
  std::map<GroupKey, Group> groups;
  std::set<std::string> lists;  // that were fetched for the moment that is judged
};

// Rows: S-6-117
TEST_F(PublicTruthTable, every_row_is_judged_alike_by_verify_and_openssl) {
  std::map<UnixMs, std::vector<const Row*>> stamped;
  std::map<UnixMs, std::vector<const Row*>> judged;
  const auto& rows = hub::signing::test::truth_table();
  for (const Row& row : rows) {
    const GroupKey key{row.lifetime, row.revoked};
    if (!groups.contains(key)) {
      ASSERT_NO_FATAL_FAILURE(make(key));
    }
    if (const auto at = stamp_time(row)) stamped[*at].push_back(&row);
    judged[moment(row.now)].push_back(&row);
  }
  EXPECT_EQ(groups.size(), 6u);
  for (const auto& [at, ones] : stamped) {
    set_clock(at);
    for (const Row* row : ones) ASSERT_NO_FATAL_FAILURE(stamp(*row, groups.at({row->lifetime, row->revoked})));
  }
  keep_authority();
  // All of them have ended by now: it is never too late to revoke.
  for (const auto& [key, group] : groups) {
    if (key.second) {
      ASSERT_NO_FATAL_FAILURE(revoke(key, group));
    }
  }
  for (const auto& [at, ones] : judged) {
    set_clock(at);
    lists.clear();
    for (const Row* row : ones) judge(*row, groups.at({row->lifetime, row->revoked}));
  }
}

}  // namespace
}  // namespace latchkey::tests
