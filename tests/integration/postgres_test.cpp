// SPDX-License-Identifier: Apache-2.0
// A hub whose registry is on PostgreSQL: what devices and operators see of it, what `latchkey db` does, and what is
// refused. The server is real, and is killed where a test needs one that is gone.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "tests/integration/up_world.h"
#include "tests/support/hub.h"
#include "tests/support/postgresql.h"

namespace latchkey::tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kPsql = "/usr/lib/postgresql/15/bin/psql";

class Postgres : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = std::make_unique<PostgresServer>(); }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override {
    if (server().pid() < 0) server().start();
    database_ = "hub" + std::to_string(++made_);
    ASSERT_EQ(sql("postgres", "CREATE DATABASE " + database_), "CREATE DATABASE\n");
  }
  static PostgresServer& server() { return *server_; }
  static std::string sql(const std::string& database, const std::string& statement) {
    const auto ran = run({kPsql, "-X", "-At", "-c", statement, server().url(database)});
    return ran.exit_status == 0 ? ran.out : "failed: " + ran.err;
  }
  std::string sql(const std::string& statement) const { return sql(database_, statement); }
  std::string url() const { return server().url(database_); }
  Hub::Options on_postgres() const {
    Hub::Options options;
    options.rehearsal = false;
    options.more = {"--store", url()};
    return options;
  }
  // What `latchkey up` says when it does not start, for a folder of its own.
  Finished refused(const std::string& store, const std::vector<std::string>& environment = {}) const {
    std::vector<std::string> before;
    if (!environment.empty()) before = {"/usr/bin/env"};
    before.insert(before.end(), environment.begin(), environment.end());
    auto options = Up::free_ports();
    if (!store.empty()) options.insert(options.end(), {"--store", store});
    return Up(folder_.path() / "refused", before).refused(options);
  }
  static bool accepted(Hub& hub, const std::string& id, const Identity& identity) {
    return hub.probe(id, identity).reason == "accepted";
  }

  const TemporaryFolder folder_;

 private:
  static inline std::unique_ptr<PostgresServer> server_;
  static inline int made_ = 0;
  std::string database_;
};

TEST_F(Postgres, device_provisions_is_revoked_and_comes_back_and_nothing_is_forgotten) {
  Hub hub(on_postgres());
  hub.start();
  EXPECT_FALSE(std::filesystem::exists(hub.data() / "registry.db"));
  const auto first = hub.provision("pump");
  EXPECT_TRUE(accepted(hub, "pump", first));
  ASSERT_EQ(hub.cli({"device", "revoke", "-n", "pump", "-y"}).exit_status, 0);
  EXPECT_EQ(hub.probe("pump", first).reason, "identifier mismatch");
  const auto second = hub.provision("pump");
  EXPECT_TRUE(accepted(hub, "pump", second));
  hub.kill();
  hub.start();
  EXPECT_TRUE(accepted(hub, "pump", second));
  EXPECT_EQ(hub.probe("pump", first).reason, "identifier mismatch");
  EXPECT_EQ(hub.cli({"audit", "verify"}).exit_status, 0);
  hub.stop();
  // Another start without the store would begin a registry anew, and throw its CA keys away.
  const auto without = Up(hub.data()).refused(Up::free_ports());
  EXPECT_NE(without.exit_status, 0);
  EXPECT_THAT(without.err, HasSubstr("--store"));
  hub.start();
  EXPECT_TRUE(accepted(hub, "pump", second));
}

TEST_F(Postgres, server_that_goes_and_comes_back_costs_the_acts_meanwhile_and_no_more) {
  Hub hub(on_postgres());
  hub.start();
  const auto identity = hub.provision("pump");
  server().stop();
  const auto failed = hub.cli({"device", "revoke", "-n", "pump", "-y"});
  EXPECT_NE(failed.exit_status, 0);
  EXPECT_THAT(failed.err, HasSubstr("storage"));
  EXPECT_TRUE(accepted(hub, "pump", identity)) << "what gates know they go on with";
  server().start();
  ASSERT_EQ(hub.cli({"device", "revoke", "-n", "pump", "-y"}).exit_status, 0);
  EXPECT_EQ(hub.probe("pump", identity).reason, "identifier mismatch");
  EXPECT_TRUE(accepted(hub, "pump", hub.provision("pump")));
}

TEST_F(Postgres, registry_moves_from_a_folder_to_postgresql_and_back) {
  Hub::Options plain;
  plain.rehearsal = false;
  plain.data = folder_.path() / "data";
  Identity identity;
  {
    Hub hub(plain);
    hub.start();
    identity = hub.provision("pump");
    EXPECT_NE(hub.cli({"db", "copy", hub.data().string(), url()}).exit_status, 0) << "while the hub runs";
    hub.stop();
    const auto copied = hub.cli({"db", "copy", hub.data().string(), url()});
    ASSERT_EQ(copied.exit_status, 0) << copied.err;
    EXPECT_THAT(copied.out, HasSubstr("Copied and compared"));
    const auto again = hub.cli({"db", "copy", hub.data().string(), url()});
    EXPECT_NE(again.exit_status, 0);
    EXPECT_THAT(again.err, HasSubstr("not empty"));
  }
  auto options = on_postgres();
  options.data = plain.data;
  {
    Hub hub(options);
    hub.start();
    EXPECT_TRUE(accepted(hub, "pump", identity));
    ASSERT_EQ(hub.cli({"device", "revoke", "-n", "pump", "-y"}).exit_status, 0);
    hub.stop();
    const auto status = hub.cli({"db", "status", "--store", url()});
    EXPECT_EQ(status.exit_status, 0) << status.err;
    EXPECT_THAT(status.out, AllOf(HasSubstr("PostgreSQL 15"), HasSubstr("this program's"), HasSubstr("devices")));
    std::filesystem::rename(plain.data / "registry.db", plain.data / "registry.db.old");
    const auto back = hub.cli({"db", "copy", url(), hub.data().string()});
    ASSERT_EQ(back.exit_status, 0) << back.err;
  }
  Hub hub(plain);
  hub.start();
  EXPECT_EQ(hub.probe("pump", identity).reason, "identifier mismatch");
  EXPECT_TRUE(accepted(hub, "pump", hub.provision("pump")));
  EXPECT_EQ(hub.cli({"audit", "verify"}).exit_status, 0);
}

TEST_F(Postgres, wrong_password_is_a_refusal_that_does_not_repeat_it) {
  const auto secret = server().tcp_url("postgres", "open-sesame");
  const auto wrong = refused("", {"LATCHKEY_STORE=" + secret});
  EXPECT_NE(wrong.exit_status, 0);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("password authentication failed"), HasSubstr("***")));
  EXPECT_THAT(wrong.out + wrong.err, Not(HasSubstr("sesame")));
  const auto shown = refused(secret);  // in the list of processes
  EXPECT_NE(shown.exit_status, 0);
  EXPECT_THAT(shown.err, AllOf(HasSubstr("command line"), Not(HasSubstr("sesame"))));
}

TEST_F(Postgres, server_that_is_down_is_a_refusal_that_says_what_to_do) {
  server().stop();
  const auto down = refused(url());
  EXPECT_NE(down.exit_status, 0);
  EXPECT_THAT(down.err, HasSubstr("see that PostgreSQL runs"));
}

TEST_F(Postgres, database_of_somebody_else_or_of_another_version_is_refused_and_left_alone) {
  sql("CREATE TABLE theirs (a INT)");
  const auto foreign = refused(url());
  EXPECT_NE(foreign.exit_status, 0);
  EXPECT_THAT(foreign.err, HasSubstr("someone else's"));
  EXPECT_EQ(sql("SELECT string_agg(tablename, ',') FROM pg_tables WHERE schemaname = 'public'"), "theirs\n");
  sql("DROP TABLE theirs");

  const Up up(folder_.path() / "data");
  ASSERT_EQ(up.cli({"db", "migrate", "--store", url()}).exit_status, 0);
  sql("UPDATE schema_version SET version = version + 1");
  EXPECT_THAT(refused(url()).err, HasSubstr("newer Latchkey"));
  sql("UPDATE schema_version SET version = version - 2");
  EXPECT_THAT(refused(url()).err, HasSubstr("latchkey db migrate"));
  EXPECT_THAT(up.cli({"db", "status", "--store", url()}).out, HasSubstr("older than this program's"));
}

TEST_F(Postgres, folder_with_the_keys_of_another_registry_is_refused_before_it_loses_them) {
  Hub hub(on_postgres());
  hub.start();
  hub.stop();
  const auto keys = [&] {
    const std::filesystem::directory_iterator files(hub.data() / "keys");
    return std::distance(begin(files), end(files));
  };
  const auto before = keys();
  EXPECT_GT(before, 0);
  ASSERT_EQ(sql("postgres", "CREATE DATABASE another"), "CREATE DATABASE\n");
  auto options = Up::free_ports();
  options.insert(options.end(), {"--store", server().url("another")});
  const auto other = Up(hub.data()).refused(options);
  EXPECT_NE(other.exit_status, 0);
  EXPECT_THAT(other.err, HasSubstr("another registry"));
  EXPECT_EQ(keys(), before);
}

}  // namespace
}  // namespace latchkey::tests
