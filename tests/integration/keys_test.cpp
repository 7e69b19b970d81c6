// SPDX-License-Identifier: Apache-2.0
// Whole hubs on keys that nodes can share: sealed under a node key, and on a PKCS#11 token (SoftHSM). What devices see
// is what they see of keys in files; and a hub that cannot use its registry's keys serves nobody.
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/integration/hub_cohort.h"
#include "tests/integration/up_world.h"
#include "tests/unit/hub/ca/soft_token.h"

namespace latchkey::tests {
namespace {

using hub::ca::test::SoftToken;
using nlohmann::json;

class KeysTest : public testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return work_.path() / name; }
  std::string node_key(const std::string& name) {
    const auto made = run({built("latchkey"), "keys", "new", path(name).string()});
    EXPECT_EQ(made.exit_status, 0) << made.err;
    return path(name).string();
  }
  std::unique_ptr<Hub> hub(const std::vector<std::string>& options, const std::string& data = "data",
                           bool rehearsal = false) {
    Hub::Options wanted;
    wanted.data = path(data);
    wanted.rehearsal = rehearsal;
    wanted.more = options;
    auto started = std::make_unique<Hub>(wanted);
    started->start();
    return started;
  }
  // Credential, policy, a device that provisions, is revoked and comes back, a policy that rotates, a new start.
  void live_through(const std::vector<std::string>& options) {
    auto first = hub(options);
    std::string key;
    Identity kept;
    {
      Cohort cohort(*first, "line");
      key = enrollment_key(*first, "line", true);
      const auto before = cohort.provision("pump-1");
      EXPECT_TRUE(accepted(*first, "pump-1", before));
      operate(*first, {"device", "revoke", "-n", "pump-1", "-y"});
      EXPECT_TRUE(refused(*first, "pump-1", before, kIdentifierMismatch));
      const auto again = cohort.provision("pump-1");
      EXPECT_TRUE(accepted(*first, "pump-1", again));
      cohort.revoke_policy();
      EXPECT_TRUE(refused(*first, "pump-1", again, kIssuerNotTrusted));
      kept = cohort.provision("pump-1");
      EXPECT_TRUE(accepted(*first, "pump-1", kept));
    }
    first.reset();
    const auto second = hub(options);
    EXPECT_TRUE(accepted(*second, "pump-1", kept)) << "the same CA signs on";
    EXPECT_TRUE(accepted(*second, "pump-2", second->provision("pump-2", key)));
  }
  // Every file of the data folder in which that stands.
  std::vector<std::string> files_with(const std::string& text, const std::string& data = "data") const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path(data))) {
      if (entry.is_regular_file() && read_text(entry.path()).find(text) != std::string::npos) {
        found.push_back(entry.path().lexically_relative(path(data)).string());
      }
    }
    return found;
  }
  // What starting it like that is refused with; nothing of the registry changes by it.
  std::string refusal(const std::vector<std::string>& options) {
    const Up up(path("data"));
    auto all = Up::free_ports();
    all.insert(all.end(), options.begin(), options.end());
    const auto refused = up.refused(all);
    EXPECT_EQ(refused.exit_status, 4) << refused.out << refused.err;
    EXPECT_EQ(refused.out.find("Latchkey hub is up"), std::string::npos);
    return refused.err;
  }
  static std::vector<std::string> subjects(Hub& hub) {
    std::vector<std::string> all;
    for (const auto& ca : rows(hub.json({"ca", "list"}))) all.push_back(ca.at("subject"));
    return all;
  }

  const TemporaryFolder work_;
};

TEST_F(KeysTest, devices_live_on_sealed_keys_and_no_ca_key_lies_in_the_clear) {
  const auto file = node_key("node.key");
  EXPECT_EQ(mode_of(file), 0600U);
  live_through({"--keys", "sealed:" + file});
  EXPECT_TRUE(std::filesystem::is_empty(path("data") / "keys"));
  for (const auto& name : files_with("PRIVATE KEY")) {
    EXPECT_TRUE(name.starts_with("tls/") || name.starts_with("brokers/")) << name << ": brokers' own keys alone";
  }
}

TEST_F(KeysTest, devices_live_on_token_keys) {
  const SoftToken token(path("hsm"));
  live_through({"--keys", token.uri()});
  EXPECT_TRUE(std::filesystem::is_empty(path("data") / "keys"));
}

TEST_F(KeysTest, start_says_where_keys_lie) {
  const auto file = node_key("node.key");
  const auto started = hub({"--keys", "sealed:" + file});
  EXPECT_TRUE(eventually([&] {
    return read_text(started->log_file()).find("Keys             sealed under node key ") != std::string::npos;
  }));
}

TEST_F(KeysTest, hub_that_cannot_use_its_registrys_keys_serves_nobody_and_makes_no_root) {
  const auto file = node_key("node.key");
  const auto other = node_key("other.key");
  const SoftToken token(path("hsm"));
  auto first = hub({"--keys", "sealed:" + file});
  const auto before = subjects(*first);
  first.reset();
  for (const auto& option : {std::string("sealed:" + other), std::string("files"), token.uri()}) {
    const std::string said = refusal({"--keys", option});
    EXPECT_NE(said.find(".ca.sealed"), std::string::npos) << "the key is not named: " << said;
    EXPECT_NE(said.find("start it with the --keys"), std::string::npos) << said;
  }
  EXPECT_NE(refusal({"--keys", "sealed:" + other}).find("is sealed under node key"), std::string::npos);
  EXPECT_NE(refusal({"--keys", "sealed:" + file, "--keys-folder", path("sealed").string()}).find("it is not there"),
            std::string::npos);
  first = hub({"--keys", "sealed:" + file});
  EXPECT_EQ(subjects(*first), before);
}

TEST_F(KeysTest, keys_of_files_are_named_as_such) {
  hub({}).reset();
  const auto said = refusal({"--keys", "sealed:" + node_key("node.key")});
  EXPECT_NE(said.find("--keys files"), std::string::npos) << said;
  for (const auto& entry : std::filesystem::directory_iterator(path("data") / "keys")) {
    std::filesystem::rename(entry.path(), path("away-" + entry.path().filename().string()));
  }
  EXPECT_NE(refusal({}).find("there is no such file"), std::string::npos);
}

TEST_F(KeysTest, node_key_that_is_open_to_others_or_not_there_is_refused) {
  const auto file = node_key("node.key");
  std::filesystem::permissions(file, std::filesystem::perms(0640));
  const Up up(path("data"));
  auto options = Up::free_ports();
  options.insert(options.end(), {"--keys", "sealed:" + file});
  const auto open = up.refused(options);
  EXPECT_NE(open.exit_status, 0);
  EXPECT_NE(open.err.find("open to others"), std::string::npos) << open.err;
  std::filesystem::remove(file);
  const auto missing = up.refused(options);
  EXPECT_NE(missing.exit_status, 0);
  EXPECT_NE(missing.err.find("latchkey keys new"), std::string::npos) << missing.err;
}

TEST_F(KeysTest, node_key_is_rotated_while_the_hub_runs) {
  const auto old_key = node_key("old.key");
  const auto new_key = node_key("new.key");
  std::string key;
  {
    auto before = hub({"--keys", "sealed:" + old_key});
    key = enrollment_key(*before, "default", true);
    const auto refused = before->cli({"keys", "rotate"});
    EXPECT_EQ(refused.exit_status, 0) << "under the only one that it knows: " << refused.err;
  }
  {
    const auto both = hub({"--keys", "sealed:" + new_key + "," + old_key});
    const auto identity = both->provision("pump-1", key);
    const auto done = both->json({"keys", "rotate"});
    EXPECT_EQ(done.at("sealedAnew"), 2) << "the credential's and the policy's";
    EXPECT_EQ(both->json({"keys", "rotate"}).at("sealedBefore"), 2);
    EXPECT_TRUE(accepted(*both, "pump-1", identity));
    EXPECT_EQ(rows(both->json({"audit", "list", "--limit", "1"})).at(0).at("action"), "nodeKeys.rotate");
  }
  EXPECT_NE(refusal({"--keys", "sealed:" + old_key}).find("is sealed under node key"), std::string::npos);
  const auto after = hub({"--keys", "sealed:" + new_key});
  EXPECT_TRUE(accepted(*after, "pump-2", after->provision("pump-2", key)));
}

// Wherever in it the process dies: some keys are under one node key and some under the other, and whoever knows both
// goes on.
TEST_F(KeysTest, rotation_outlives_a_kill) {
  const auto old_key = node_key("old.key");
  const auto new_key = node_key("new.key");
  const std::vector<std::string> both{"--keys", "sealed:" + new_key + "," + old_key};
  {
    const auto before = hub({"--keys", "sealed:" + old_key});
    for (int i = 0; i < 10; ++i) operate(*before, {"policy", "create", "-n", "line-" + std::to_string(i)});
  }
  {
    const auto killed = hub(both);
    Subprocess rotation({built("latchkey"), "--data", path("data").string(), "keys", "rotate"}, path("rotation.log"));
    killed->kill();
    rotation.wait(60'000);
    killed->start();
    const auto done = killed->json({"keys", "rotate"});
    EXPECT_EQ(done.at("sealedAnew").get<int>() + done.at("sealedBefore").get<int>(), 12);
  }
  const auto after = hub({"--keys", "sealed:" + new_key});
  EXPECT_TRUE(accepted(*after, "pump-1", after->provision("pump-1", enrollment_key(*after, "default", true))));
}

TEST_F(KeysTest, rotation_is_refused_where_keys_are_not_sealed) {
  const auto files = hub({});
  const auto refused = files->cli({"keys", "rotate"});
  EXPECT_EQ(refused.exit_status, 4) << refused.out;
  EXPECT_NE(refused.err.find("sealed:NEW,OLD"), std::string::npos) << refused.err;
}

// A copy of the registry, in another process. What both have in common is the store of keys.
TEST_F(KeysTest, second_node_signs_with_the_same_keys) {
  const SoftToken token(path("hsm"));
  const std::vector<std::vector<std::string>> choices{
      {"--keys", "sealed:" + node_key("node.key"), "--keys-folder", path("sealed").string()}, {"--keys", token.uri()}};
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const auto one_folder = "one-" + std::to_string(i);
    const auto other_folder = "other-" + std::to_string(i);
    hub(choices[i], one_folder).reset();
    std::filesystem::create_directory(path(other_folder));
    for (const auto& entry : std::filesystem::directory_iterator(path(one_folder))) {
      const auto name = entry.path().filename().string();
      if (name == "folder.json" || name.starts_with("registry.db")) {
        std::filesystem::copy(entry.path(), path(other_folder) / name);
      }
    }
    const auto one = hub(choices[i], one_folder);
    const auto other = hub(choices[i], other_folder);
    EXPECT_EQ(subjects(*one), subjects(*other));
    for (const auto& node : {one.get(), other.get()}) {
      const auto key = enrollment_key(*node, "default", true);
      EXPECT_TRUE(accepted(*node, "pump-1", node->provision("pump-1", key)));
      operate(*node, {"policy", "create", "-n", "line"});
      operate(*node, {"policy", "revoke", "-n", "line", "-y"});
    }
  }
}

// Its CAs, the list that each signs, and a time stamp by an RSA key, verified by the openssl program.
TEST_F(KeysTest, signing_service_goes_by_the_same_provider) {
  const SoftToken token(path("hsm"));
  const std::vector<std::vector<std::string>> choices{{"--keys", "sealed:" + node_key("node.key")},
                                                      {"--keys", token.uri()}};
  for (std::size_t i = 0; i < choices.size(); ++i) {
    auto options = choices[i];
    options.insert(options.end(), {"--signing-listen", "127.0.0.1:0"});
    const auto data = "signing-" + std::to_string(i);
    hub(options, data).reset();
    const auto again = hub(options, data);
    EXPECT_FALSE(std::filesystem::exists(path(data) / "signing-keys"));
    const auto open = again->json({"status"}).at("signingOpen").get<std::string>();
    std::ofstream(path("stamped")) << "what is stamped";
    const std::string script =
        "cd " + work_.path().string() +
        " && openssl ts -query -data stamped -sha256 -cert -out query.tsq 2>&1 && python3 -c \"import urllib.request "
        "as u;"
        "open('answer.tsr','wb').write(u.urlopen(u.Request('" +
        open +
        "/timestamp', open('query.tsq','rb').read(), {'Content-Type': 'application/timestamp-query'})).read())\" 2>&1"
        " && openssl ts -verify -queryfile query.tsq -in answer.tsr -CAfile " +
        data + "/signing/timestamp-roots.pem 2>&1";
    const auto stamped = run({"/bin/sh", "-c", script});
    EXPECT_NE(stamped.out.find("Verification: OK"), std::string::npos) << stamped.out << stamped.err;
  }
}

TEST_F(KeysTest, snapshot_of_a_rehearsal_is_refused_where_keys_cannot_be_copied) {
  const auto sealed = hub({"--keys", "sealed:" + node_key("node.key")}, "data", true);
  const auto refused = sealed->cli({"rehearsal", "snapshot", "create", "-n", "before"});
  EXPECT_NE(refused.exit_status, 0);
  EXPECT_NE(refused.err.find("--keys files"), std::string::npos) << refused.err;
}

}  // namespace
}  // namespace latchkey::tests
