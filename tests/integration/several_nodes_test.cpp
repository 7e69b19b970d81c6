// SPDX-License-Identifier: Apache-2.0
// Two nodes with real brokers on one registry: what is revoked at one holds at the other, whatever becomes of it
// (docs/consistency.md). The registry is a file that both open, the CA keys are a folder that both read.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/hub_cohort.h"
#include "tests/integration/up_world.h"
#include "tests/support/contoso.h"

namespace latchkey::tests {
namespace {

namespace fs = std::filesystem;

constexpr int kLong = 120;  // seconds of a lease that a busy machine does not end
constexpr int kBrief =
    3;  // that a test can wait for; with it a node may have none for a moment, and has to be asked again

class SeveralNodes : public testing::Test {
 protected:
  void begin(int lease_s) {
    a_ = std::make_unique<Hub>(options("a", lease_s));
    a_->start();
    make_folder("b");
    b_ = std::make_unique<Hub>(options("b", lease_s));
  }

  static std::vector<std::string> node_options(const std::string& name, int lease_s) {
    return {"--node",         name,  "--lease",     std::to_string(lease_s), "--status-listen", "off",
            "--https-listen", "off", "--advertise", "127.0.0.2:8883"};
  }
  Hub::Options options(const std::string& name, int lease_s) const {
    Hub::Options options;
    options.data = work_.path() / name;
    options.rehearsal = false;
    options.more = node_options(name, lease_s);
    return options;
  }
  // A data folder whose registry, CA keys and server CA are those of the first.
  void make_folder(const std::string& name) const {
    const auto first = work_.path() / "a";
    const auto folder = work_.path() / name;
    fs::create_directory(folder);
    auto description = nlohmann::json::parse(read_text(first / "folder.json"));
    std::string nonce = description.at("nonce");
    std::reverse(nonce.begin(), nonce.end());
    description["nonce"] = nonce;
    description["idScope"] = "0ne00000000";  // it takes the registry's
    std::ofstream(folder / "folder.json") << description.dump();
    fs::create_symlink(first / "registry.db", folder / "registry.db");
    fs::create_directory(folder / "keys");
    fs::permissions(folder / "keys", fs::perms::owner_all);
    for (const auto& key : fs::directory_iterator(first / "keys")) {
      fs::create_hard_link(key.path(), folder / "keys" / key.path().filename());
    }
    fs::create_directory(folder / "tls");
    for (const auto& file : fs::directory_iterator(first / "tls")) {
      if (file.path().filename().string().starts_with("server-ca")) {
        fs::copy(file.path(), folder / "tls" / file.path().filename());
      }
    }
  }
  Identity provision(Hub& at, const std::string& id) { return at.provision(id, a_->group_key()); }
  static void revoke(Hub& at, const std::string& id) { operate(at, {"device", "revoke", "-n", id, "-y"}); }
  // How a connection with that identity ends, whatever the hub process may be able to say of it.
  static Seen seen(Hub& at, const std::string& id, const Identity& identity) {
    return DeviceClient(at.hub_options(id, identity)).connect().seen;
  }
  // As soon as it has a lease.
  static bool comes_in(Hub& at, const std::string& id, const Identity& identity) {
    return eventually([&] { return seen(at, id, identity) == Seen::kAccepted; });
  }
  // The same, and nobody is let in meanwhile.
  static bool is_refused(Hub& at, const std::string& id, const Identity& identity) {
    bool accepted = false;
    const bool refused = eventually([&] {
      const auto what = seen(at, id, identity);
      accepted = accepted || what == Seen::kAccepted;
      return accepted || what == Seen::kRefused;
    });
    return refused && !accepted;
  }
  static std::unique_ptr<DeviceClient> session(Hub& at, const std::string& id, const Identity& identity) {
    std::unique_ptr<DeviceClient> client;
    const bool stands = eventually([&] {
      client = std::make_unique<DeviceClient>(at.hub_options(id, identity));
      return client->connect().seen == Seen::kAccepted;
    });
    if (!stands) throw std::runtime_error(id + " is not let in");
    return client;
  }
  // It gets something acknowledged: it was not only not ended yet.
  static bool works(DeviceClient& client, const std::string& id) {
    return client.publish("devices/" + id + "/messages/events/", "1");
  }
  // The one that `latchkey node list` says is on duty; null: none.
  Hub* on_duty() {
    std::istringstream all(nodes());
    for (std::string line; std::getline(all, line);) {
      if (line.ends_with("on duty")) return line.starts_with("a ") ? a_.get() : b_.get();
    }
    return nullptr;
  }
  static std::map<std::string, std::string> lists(Hub& at) {
    std::map<std::string, std::string> all;
    for (const auto& file : fs::directory_iterator(at.data() / "crl")) {
      if (file.path().extension() == ".crl") all[file.path().filename().string()] = read_text(file.path());
    }
    return all;
  }
  static constexpr std::size_t kMailsOfOne = 3;  // one to verify the address, two of the status
  static constexpr std::size_t kMailsOfValidations = 4 * kMailsOfOne;
  void ask_for_validations() {
    operate(*a_, {"provider", "register", "--namespace", "Microsoft.CodeSigning"});
    operate(*a_, {"group", "create", "--name", "rg", "--location", "EastUS"});
    operate(*a_, {"trustedsigning", "create", "-n", "contoso", "-l", "eastus", "-g", "rg", "--sku", "Basic"});
    for (int i = 0; i < 4; ++i) operate(i % 2 == 0 ? *a_ : *b_, identity_request("rg", "contoso"));
  }
  // Stops a hub process where it has no lock on the file that both nodes share: a server would let go of what a stopped
  // client holds, a file does not.
  void stop_between_writes(const Hub& hub) const {
    const auto all_stopped = [&] {
      const fs::path threads = "/proc/" + std::to_string(hub.pid()) + "/task";
      return std::all_of(fs::directory_iterator(threads), fs::directory_iterator(), [](const auto& thread) {
        const std::string state = read_text(thread.path() / "stat");
        return state.find(") T ") != std::string::npos;
      });
    };
    const auto file = (work_.path() / "a" / "registry.db").string();
    const auto is_free = [&] { return run({LATCHKEY_SQLITE, file, "BEGIN IMMEDIATE; ROLLBACK"}).exit_status == 0; };
    ASSERT_TRUE(eventually([&] {
      if (!signal_process(hub.pid(), SIGSTOP)) return false;
      if (eventually(all_stopped) && is_free()) return true;
      signal_process(hub.pid(), SIGCONT);
      return false;
    }));
  }
  // All were told, and the registry knows it.
  bool none_waits() const {
    const auto registry = "file:" + (work_.path() / "a" / "registry.db").string() + "?mode=ro";
    const auto left = run({LATCHKEY_SQLITE, registry, "SELECT COUNT(*) FROM signing_mails WHERE delivered = 0"});
    return left.exit_status == 0 && left.out == "0\n";
  }
  // How often each e-mail was told.
  std::map<std::string, int> mails() const {
    std::map<std::string, int> times;
    std::error_code none;  // an outbox is made with its first e-mail
    for (const auto* node : {"a", "b"}) {
      for (const auto& file : fs::directory_iterator(work_.path() / node / "outbox" / "new", none)) {
        ++times[file.path().filename().string()];
      }
    }
    return times;
  }
  static std::string name(int device) { return "dev-" + std::to_string(device); }
  std::string nodes() { return a_->cli({"node", "list"}).out; }
  static bool is(const std::string& all, const std::string& node, const std::string& state) {
    return all.find(node + "  " + state + "  ") != std::string::npos;
  }

  const TemporaryFolder work_;
  std::unique_ptr<Hub> a_;
  std::unique_ptr<Hub> b_;
};

TEST_F(SeveralNodes, revoke_at_one_cuts_at_the_other_before_it_is_answered) {
  begin(kLong);
  b_->start();
  EXPECT_EQ(b_->id_scope(), a_->id_scope());
  const auto from_a = provision(*a_, "dev-1");
  const auto from_b = provision(*b_, "dev-2");
  ASSERT_EQ(seen(*b_, "dev-1", from_a), Seen::kAccepted) << "what one issues is good at the other at once";
  ASSERT_EQ(seen(*a_, "dev-2", from_b), Seen::kAccepted);
  const auto condemned = session(*b_, "dev-1", from_a);
  const auto other = session(*b_, "dev-2", from_b);
  revoke(*a_, "dev-1");
  EXPECT_EQ(seen(*b_, "dev-1", from_a), Seen::kRefused) << "by then it is enforced";
  EXPECT_TRUE(condemned->wait_closed());
  EXPECT_TRUE(other->connected());
  revoke(*b_, "dev-2");
  EXPECT_EQ(seen(*a_, "dev-2", from_b), Seen::kRefused);
  EXPECT_EQ(seen(*b_, "dev-2", from_b), Seen::kRefused);
  EXPECT_TRUE(other->wait_closed());
}

TEST_F(SeveralNodes, group_that_is_disabled_at_one_is_shut_out_at_the_other) {
  begin(kLong);
  b_->start();
  (void)provision(*b_, "dev-1");  // it knows the group now
  operate(*a_, {"enrollment", "update", "--id", "default", "--group", "--status", "disabled"});
  EXPECT_TRUE(eventually([&] {
    try {
      (void)provision(*b_, "dev-2");
      return false;
    } catch (const std::exception&) {
      return true;
    }
  }));
  operate(*a_, {"enrollment", "update", "--id", "default", "--group", "--status", "enabled"});
  EXPECT_TRUE(eventually([&] {
    try {
      (void)provision(*b_, "dev-3");
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }));
}

TEST_F(SeveralNodes, node_that_is_stopped_serves_nobody_by_what_it_knew) {
  begin(kBrief);
  b_->start();
  const auto revoked = provision(*a_, "dev-1");
  const auto good = provision(*a_, "dev-2");
  const auto standing = session(*b_, "dev-1", revoked);
  stop_between_writes(*b_);  // its brokers go on
  revoke(*a_, "dev-1");
  EXPECT_EQ(seen(*b_, "dev-1", revoked), Seen::kClosedWithoutConnack);
  EXPECT_EQ(seen(*b_, "dev-2", good), Seen::kClosedWithoutConnack) << "it should go elsewhere";
  EXPECT_TRUE(standing->wait_closed());
  EXPECT_TRUE(comes_in(*a_, "dev-2", good));
  EXPECT_TRUE(is(nodes(), "b", "lost")) << nodes();

  ASSERT_TRUE(signal_process(b_->pid(), SIGCONT));
  EXPECT_TRUE(comes_in(*b_, "dev-2", good));
  EXPECT_TRUE(is_refused(*b_, "dev-1", revoked)) << "it has learned what it missed";
  EXPECT_TRUE(eventually([&] { return is(nodes(), "b", "live"); }));
}

TEST_F(SeveralNodes, brokers_of_a_hub_process_that_was_killed_serve_until_their_lease_ends_and_go_on_behind_it) {
  begin(kBrief);
  b_->start();
  const auto identity = provision(*a_, "dev-1");
  ASSERT_TRUE(comes_in(*b_, "dev-1", identity));
  b_->kill();
  EXPECT_TRUE(eventually([&] { return seen(*b_, "dev-1", identity) == Seen::kClosedWithoutConnack; }));
  b_->start();
  EXPECT_TRUE(comes_in(*b_, "dev-1", identity));
  revoke(*a_, "dev-1");
  EXPECT_TRUE(is_refused(*b_, "dev-1", identity));
}

TEST_F(SeveralNodes, node_comes_and_leaves_while_the_other_serves) {
  begin(kLong);
  EXPECT_TRUE(is(nodes(), "a", "live")) << nodes();
  b_->start();
  EXPECT_TRUE(is(nodes(), "b", "live")) << nodes();
  EXPECT_NE(a_->cli({"node", "remove", "b"}).exit_status, 0) << "it lives";
  b_->stop();
  EXPECT_TRUE(is(nodes(), "b", "left")) << nodes();
  const auto identity = provision(*a_, "dev-1");
  revoke(*a_, "dev-1");
  EXPECT_EQ(seen(*a_, "dev-1", identity), Seen::kRefused);
  EXPECT_TRUE(is(nodes(), "b", "left")) << "nobody had to wait for it: " << nodes();
  EXPECT_EQ(a_->cli({"node", "remove", "b"}).exit_status, 0);
  EXPECT_EQ(nodes().find("b  "), std::string::npos) << nodes();
  EXPECT_NE(a_->cli({"node", "remove", "b"}).exit_status, 0);
}

TEST_F(SeveralNodes, newest_session_stays_whichever_node_it_is_at) {
  begin(kLong);
  b_->start();
  const auto identity = provision(*a_, "dev-1");
  const auto bystander = provision(*a_, "dev-2");
  const auto other = session(*a_, "dev-2", bystander);
  const auto first = session(*a_, "dev-1", identity);
  const auto second = session(*b_, "dev-1", identity);
  EXPECT_TRUE(first->wait_closed());
  EXPECT_TRUE(works(*second, "dev-1"));
  const auto third = session(*a_, "dev-1", identity);
  EXPECT_TRUE(second->wait_closed());
  EXPECT_TRUE(works(*third, "dev-1"));
  EXPECT_TRUE(works(*other, "dev-2"));
}

TEST_F(SeveralNodes, of_sessions_that_come_to_both_at_once_exactly_one_stays) {
  constexpr int kDevices = 8;
  begin(kLong);
  b_->start();
  std::vector<Identity> identities;
  for (int i = 0; i < kDevices; ++i) identities.push_back(provision(*a_, "dev-" + std::to_string(i)));
  std::array<std::vector<std::unique_ptr<DeviceClient>>, 2> sessions;
  std::vector<std::thread> threads;
  for (std::size_t node = 0; node < 2; ++node) {
    for (int i = 0; i < kDevices; ++i) {
      const auto& identity = identities[static_cast<std::size_t>(i)];
      sessions[node].push_back(
          std::make_unique<DeviceClient>((node == 0 ? a_ : b_)->hub_options("dev-" + std::to_string(i), identity)));
      threads.emplace_back([client = sessions[node].back().get()] { client->connect(); });
    }
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < kDevices; ++i) {
    EXPECT_TRUE(eventually([&] { return sessions[0][i]->connected() != sessions[1][i]->connected(); })) << i;
    EXPECT_TRUE(works(*sessions[sessions[0][i]->connected() ? 0 : 1][i], "dev-" + std::to_string(i))) << i;
  }
}

TEST_F(SeveralNodes, session_that_is_told_again_by_a_new_hub_process_keeps_its_place_and_takes_nobodys) {
  begin(kLong);
  b_->start();
  const auto moves = provision(*a_, "dev-1");
  const auto stays = provision(*a_, "dev-2");
  const auto before = session(*b_, "dev-1", moves);
  const auto standing = session(*b_, "dev-2", stays);
  b_->kill();  // its broker goes on
  const auto after = session(*a_, "dev-1", moves);
  EXPECT_TRUE(works(*before, "dev-1")) << "nobody is there to end it";
  b_->start();
  EXPECT_TRUE(before->wait_closed());
  EXPECT_TRUE(works(*after, "dev-1"));
  EXPECT_TRUE(works(*standing, "dev-2"));
  const auto last = session(*a_, "dev-2", stays);
  EXPECT_TRUE(standing->wait_closed());
  EXPECT_TRUE(works(*last, "dev-2"));
}

// Clients that know both addresses, and go to the other one when they are sent away, as a balancer would have them.
TEST_F(SeveralNodes, devices_of_a_node_that_is_drained_end_up_at_the_other_and_none_is_refused) {
  constexpr int kDevices = 12;
  begin(kLong);
  b_->start();
  std::vector<Identity> identities;
  std::vector<std::unique_ptr<DeviceClient>> at_a;
  std::vector<std::unique_ptr<DeviceClient>> at_b;
  for (int i = 0; i < kDevices; ++i) {
    identities.push_back(provision(*a_, name(i)));
    at_a.push_back(session(*a_, name(i), identities.back()));
  }
  const auto stays = provision(*a_, "dev-b");
  const auto session_at_b = session(*b_, "dev-b", stays);
  EXPECT_TRUE(eventually([&] { return nodes().find("sessions " + std::to_string(kDevices)) != std::string::npos; }))
      << nodes();

  stop_between_writes(*a_);  // it hears nothing yet
  const auto too_soon = a_->cli({"node", "drain", "a", "--wait", "--timeout", "1"});
  EXPECT_EQ(too_soon.exit_status, 5) << too_soon.err;
  EXPECT_NE(too_soon.err.find(std::to_string(kDevices) + " sessions"), std::string::npos) << too_soon.err;
  EXPECT_TRUE(is(nodes(), "a", "draining")) << nodes();
  ASSERT_TRUE(signal_process(a_->pid(), SIGCONT));
  for (int i = 0; i < kDevices; ++i) {
    ASSERT_TRUE(at_a[i]->wait_closed()) << name(i);
    at_b.push_back(std::make_unique<DeviceClient>(b_->hub_options(name(i), identities[i])));
    ASSERT_EQ(at_b.back()->connect().seen, Seen::kAccepted) << name(i);
  }
  const auto drained = a_->cli({"node", "drain", "a", "--wait"});
  EXPECT_EQ(drained.exit_status, 0) << drained.err;
  EXPECT_TRUE(is(nodes(), "a", "drained")) << nodes();
  EXPECT_TRUE(session_at_b->connected()) << "it had nothing to do with it";
  for (int i = 0; i < kDevices; ++i) EXPECT_TRUE(at_b[i]->connected()) << name(i);

  EXPECT_EQ(seen(*a_, name(0), identities[0]), Seen::kAccepted) << "who comes all the same is let in";
  EXPECT_EQ(a_->cli({"node", "drain", "a", "--undo"}).exit_status, 0);
  EXPECT_TRUE(is(nodes(), "a", "live")) << nodes();
  b_->stop();
  EXPECT_EQ(a_->cli({"node", "drain", "b", "--wait"}).exit_status, 3) << "it has left";
}

// Revocation lists and e-mails: where each node has its own folder, both have the same lists, and of each e-mail there
// is one file.
TEST_F(SeveralNodes, what_one_does_for_all_goes_on_when_that_one_is_killed) {
  begin(kBrief);
  b_->start();
  ASSERT_TRUE(eventually([&] { return on_duty() != nullptr; })) << nodes();
  ask_for_validations();
  (void)provision(*a_, "dev-1");
  const auto before = lists(*a_);
  revoke(*b_, "dev-1");
  EXPECT_TRUE(eventually([&] { return lists(*a_) != before && lists(*a_) == lists(*b_); }));
  EXPECT_TRUE(eventually([&] { return none_waits(); }));
  EXPECT_EQ(mails().size(), kMailsOfValidations);

  Hub* const first = on_duty();
  ASSERT_NE(first, nullptr) << nodes();
  Hub& other = first == a_.get() ? *b_ : *a_;
  first->kill();
  const auto then = lists(other);
  (void)provision(other, "dev-2");
  revoke(other, "dev-2");
  operate(other, identity_request("rg", "contoso"));
  EXPECT_TRUE(eventually([&] { return lists(other) != then; })) << nodes();
  EXPECT_TRUE(eventually([&] { return none_waits(); }));
  EXPECT_EQ(mails().size(), kMailsOfValidations + kMailsOfOne);
  first->start();
  EXPECT_TRUE(eventually([&] { return lists(*a_) == lists(*b_); })) << "what it missed it has from the registry";
  for (const auto& [name, times] : mails()) EXPECT_EQ(times, 1) << name;
}

TEST_F(SeveralNodes, second_node_of_a_name_is_refused) {
  constexpr int kLeaseS = 12;  // the rival sees the first one's beat within a quarter of it
  begin(kLeaseS);
  Up rival(work_.path() / "b");
  auto options = node_options("a", kLeaseS);
  for (const auto& one : Up::free_ports()) options.push_back(one);
  const auto refused = rival.refused(options);
  EXPECT_NE(refused.exit_status, 0);
  EXPECT_NE(refused.err.find("--node"), std::string::npos) << refused.err;
  const auto identity = provision(*a_, "dev-1");
  EXPECT_EQ(seen(*a_, "dev-1", identity), Seen::kAccepted) << "the first goes on";
}

TEST_F(SeveralNodes, options_of_a_node_are_checked) {
  for (const auto& wrong : std::vector<std::vector<std::string>>{
           {"--node", "a b"}, {"--lease", "3"}, {"--node", "x", "--lease", "0.1"}, {"--node", "x", "--rehearsal"}}) {
    auto options = wrong;
    for (const auto& one : Up::free_ports()) options.push_back(one);
    Up up(work_.path() / "c");
    EXPECT_NE(up.refused(options).exit_status, 0) << wrong.front() << " " << wrong.back();
  }
}

}  // namespace
}  // namespace latchkey::tests
