// SPDX-License-Identifier: Apache-2.0
// Two nodes that share nothing but PostgreSQL and a node key (docs/consistency.md, docs/keys.md): what one makes, the
// other uses, and devices need not know which is which.
#include <gmock/gmock.h>

#include <thread>

#include "tests/integration/hub_cohort.h"
#include "tests/integration/up_world.h"
#include "tests/support/postgresql.h"

namespace latchkey::tests {
namespace {

using testing::HasSubstr;

class NodesOnPostgres : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = std::make_unique<PostgresServer>(); }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override {
    database_ = "nodes" + std::to_string(++made_);
    const auto made =
        run({"/usr/lib/postgresql/15/bin/psql", "-X", "-c", "CREATE DATABASE " + database_, server_->url("postgres")});
    ASSERT_EQ(made.exit_status, 0) << made.err;
    const auto key = run({built("latchkey"), "keys", "new", node_key()});
    ASSERT_EQ(key.exit_status, 0) << key.err;
  }
  std::string node_key() const { return (work_.path() / "node.key").string(); }
  std::string url() const { return server_->url(database_); }
  Hub::Options options(const std::string& name) const {
    Hub::Options options;
    options.rehearsal = false;
    options.more = {"--store",         url(),
                    "--keys",          "sealed:" + node_key(),
                    "--node",          name,
                    "--lease",         "120",
                    "--status-listen", "off",
                    "--https-listen",  "off",
                    "--advertise",     "hub.example.net:8883"};
    return options;
  }
  static Seen seen(Hub& at, const std::string& id, const Identity& identity) {
    return DeviceClient(at.hub_options(id, identity)).connect().seen;
  }
  // A node has its first lease a moment after it serves.
  static bool comes_in(Hub& at, const std::string& id, const Identity& identity) {
    return eventually([&] { return seen(at, id, identity) == Seen::kAccepted; });
  }

  const TemporaryFolder work_;

 private:
  static inline std::unique_ptr<PostgresServer> server_;
  static inline int made_ = 0;
  std::string database_;
};

TEST_F(NodesOnPostgres, start_at_once_on_an_empty_database_and_are_one_hub) {
  Hub a(options("a"));
  Hub b(options("b"));
  std::exception_ptr trouble;
  std::thread other([&] {
    try {
      b.start();
    } catch (...) {
      trouble = std::current_exception();
    }
  });
  try {
    a.start();
  } catch (...) {
    other.join();
    throw;
  }
  other.join();
  if (trouble) std::rethrow_exception(trouble);

  EXPECT_EQ(a.id_scope(), b.id_scope());
  EXPECT_EQ(a.group_key(), b.group_key());
  EXPECT_EQ(read_text(a.ca_file()), read_text(b.ca_file())) << "devices trust both or neither";
  EXPECT_FALSE(std::filesystem::exists(a.data() / "tls/server-ca.key"));

  const auto from_a = a.provision("dev-1");
  const auto from_b = b.provision("dev-2");
  EXPECT_TRUE(comes_in(b, "dev-1", from_a));
  EXPECT_TRUE(comes_in(a, "dev-2", from_b));
  operate(a, {"device", "revoke", "-n", "dev-1", "-y"});
  EXPECT_EQ(seen(b, "dev-1", from_a), Seen::kRefused) << "by then it is enforced";
  operate(b, {"policy", "revoke", "-n", "default", "-y"});
  EXPECT_EQ(seen(a, "dev-2", from_b), Seen::kRefused) << "its issuing CA is no longer trusted anywhere";
  EXPECT_TRUE(comes_in(a, "dev-2", b.provision("dev-2"))) << "below the CA that the other node made";
}

// Each tells its operator where the key lies.
TEST_F(NodesOnPostgres, second_node_has_the_key_of_the_first_group_as_long_as_there_is_one) {
  Hub a(options("a"));
  a.start();
  Hub b(options("b"));
  b.start();
  EXPECT_EQ(b.group_key(), a.group_key());
  EXPECT_FALSE(b.group_key().empty());
  EXPECT_EQ(std::filesystem::status(b.data() / "enrollment-group.key").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  operate(a, {"enrollment", "delete", "-n", "default", "--group", "-y"});
  Hub c(options("c"));
  c.start();
  EXPECT_FALSE(std::filesystem::exists(c.data() / "enrollment-group.key"));
}

TEST_F(NodesOnPostgres, device_has_one_session_over_both_and_it_is_the_newest) {
  Hub a(options("a"));
  Hub b(options("b"));
  a.start();
  b.start();
  const auto identity = a.provision("dev-1");
  std::unique_ptr<DeviceClient> before;
  for (auto* const node : {&a, &b, &a, &b}) {
    std::unique_ptr<DeviceClient> client;
    ASSERT_TRUE(eventually([&] {
      client = std::make_unique<DeviceClient>(node->hub_options("dev-1", identity));
      return client->connect().seen == Seen::kAccepted;
    }));
    EXPECT_TRUE(!before || before->wait_closed());
    EXPECT_TRUE(client->publish("devices/dev-1/messages/events/", "1"));
    before = std::move(client);
  }
}

TEST_F(NodesOnPostgres, are_listed_and_drained_from_any_folder_and_no_password_stands_on_a_command_line) {
  Hub a(options("a"));
  a.start();
  const auto node = [this](std::vector<std::string> words) {
    words.insert(words.begin(), {built("latchkey"), "--data", (work_.path() / "nowhere").string(), "node"});
    return run(words);
  };
  const auto listed = node({"list", "--store", url()});
  ASSERT_EQ(listed.exit_status, 0) << listed.err;
  EXPECT_THAT(listed.out, HasSubstr("hub.example.net"));
  EXPECT_EQ(node({"drain", "a", "--store", url()}).exit_status, 0);
  EXPECT_THAT(node({"list", "--store", url()}).out, HasSubstr("drain"));
  const auto refused = node({"list", "--store", "postgresql://latchkey:open-sesame@127.0.0.1/latchkey"});
  EXPECT_EQ(refused.exit_status, 2);
  EXPECT_THAT(refused.err, testing::AllOf(HasSubstr("password"), testing::Not(HasSubstr("sesame"))));
}

TEST_F(NodesOnPostgres, one_that_has_another_node_key_or_files_serves_nobody) {
  Hub a(options("a"));
  a.start();
  const auto identity = a.provision("dev-1");
  const auto other_key = (work_.path() / "other.key").string();
  ASSERT_EQ(run({built("latchkey"), "keys", "new", other_key}).exit_status, 0);
  for (const auto& keys : {"sealed:" + other_key, std::string("files")}) {
    auto wrong = Up::free_ports();
    wrong.insert(wrong.end(), {"--store", url(), "--node", "b", "--keys", keys, "--status-listen", "off"});
    const auto refused = Up(work_.path() / "wrong").refused(wrong);
    EXPECT_NE(refused.exit_status, 0) << keys;
    EXPECT_THAT(refused.err, HasSubstr("key")) << keys;
  }
  EXPECT_TRUE(comes_in(a, "dev-1", identity));
  operate(a, {"device", "revoke", "-n", "dev-1", "-y"});
}

}  // namespace
}  // namespace latchkey::tests
