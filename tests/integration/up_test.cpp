// SPDX-License-Identifier: Apache-2.0
// The life of `latchkey up` as its operator sees it: how it starts, how it ends, what it refuses, what it leaves.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/integration/up_world.h"
#include "tests/support/hub.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr int kBadInput = 2;
constexpr int kTryAgain = 5;

class UpTest : public testing::Test {
 protected:
  std::filesystem::path data() const { return work_.path() / "data"; }
  void expect_nothing_runs() const {
    for (const auto* name : {"brokers/dps.pid", "brokers/hub.pid", "brokers/dps/gate.sock", "brokers/hub/gate.sock",
                             "run/management.sock"}) {
      EXPECT_FALSE(std::filesystem::exists(data() / name)) << name;
    }
  }
  // Of the broker that the hub process wrote down; 0: none.
  pid_t noted_pid(const std::string& gate) const {
    return std::atoi(read_text(data() / "brokers" / (gate + ".pid")).c_str());
  }
  const TemporaryFolder work_;
};

TEST_F(UpTest, second_hub_on_a_data_folder_is_refused) {
  Up first(data());
  ASSERT_TRUE(first.start()) << first.log();
  const auto pids = first.broker_pids();
  const auto second = Up(data()).refused();
  EXPECT_EQ(second.exit_status, kTryAgain);
  EXPECT_THAT(second.err, HasSubstr("another hub runs on " + data().string()));
  EXPECT_EQ(first.broker_pids(), pids) << "the first one is not disturbed";
  EXPECT_EQ(first.signal_and_wait(SIGTERM), 0);
}

TEST_F(UpTest, hub_ends_cleanly_on_either_signal) {
  for (const int number : {SIGINT, SIGTERM}) {
    Up up(data());
    ASSERT_TRUE(up.start()) << up.log();
    const auto [dps, hub] = up.broker_pids();
    ASSERT_TRUE(alive(dps) && alive(hub));
    EXPECT_EQ(up.signal_and_wait(number), 0);
    EXPECT_FALSE(alive(dps));
    EXPECT_FALSE(alive(hub));
    expect_nothing_runs();
  }
}

// A broker that never says a word holds the start-up. Had that gone on to its end, it would have failed with status 1.
TEST_F(UpTest, signal_ends_a_start_up_that_hangs) {
  const auto silent = work_.path() / "silent";
  std::ofstream(silent) << "#!/bin/sh\nexec sleep 600\n";
  ::chmod(silent.c_str(), 0755);
  auto options = Up::free_ports();
  for (const auto& one : {std::string("--mosquitto"), silent.string()}) options.push_back(one);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    Up up(data());
    up.launch(options);
    ASSERT_TRUE(eventually([&] { return noted_pid("dps") > 1 && noted_pid("hub") > 1; })) << up.log();
    const auto dps = noted_pid("dps");
    const auto hub = noted_pid("hub");
    EXPECT_EQ(up.signal_and_wait(number), 0) << up.log();
    EXPECT_THAT(up.log(), HasSubstr("Stopped before the hub was up"));
    EXPECT_THAT(up.log(), Not(HasSubstr("Latchkey hub is up")));
    EXPECT_FALSE(alive(dps));
    EXPECT_FALSE(alive(hub));
    expect_nothing_runs();
    EXPECT_FALSE(std::filesystem::exists(data() / "endpoints.json")) << "programs wait for it";
  }
  Up up(data());
  EXPECT_TRUE(up.start()) << "the folder is none the worse: " << up.log();
  EXPECT_EQ(up.signal_and_wait(SIGTERM), 0);
}

TEST_F(UpTest, signal_ends_the_wait_for_an_adopted_broker_that_hangs) {
  std::pair<pid_t, pid_t> pids;
  {
    Up first(data());
    ASSERT_TRUE(first.start()) << first.log();
    pids = first.broker_pids();
    ASSERT_EQ(first.signal_and_wait(SIGKILL), 128 + SIGKILL);
  }
  ASSERT_TRUE(signal_process(pids.second, SIGSTOP));
  Up up(data());
  auto options = Up::free_ports();
  for (const auto* one : {"--confirm-timeout-ms", "600000"}) options.emplace_back(one);
  up.launch(options);
  // both are adopted when the other one hears of its second hub process; what is left is to wait for the one that hangs
  ASSERT_TRUE(eventually([&] {
    const auto log = read_text(data() / "brokers/dps.log");
    const std::string line = "the hub process is connected";
    return log.find(line) != log.rfind(line);
  })) << up.log();
  EXPECT_EQ(up.signal_and_wait(SIGTERM), 0) << up.log();
  EXPECT_THAT(up.log(), HasSubstr("Stopped before the hub was up"));
  EXPECT_FALSE(alive(pids.first));
  EXPECT_FALSE(alive(pids.second));
  for (const auto* name : {"brokers/dps.pid", "brokers/hub.pid", "brokers/hub/gate.sock"}) {
    EXPECT_FALSE(std::filesystem::exists(data() / name)) << name;
  }
}

// Another program may add to the log as a broker that is asked for trouble does; the broker goes on at its new end.
TEST_F(UpTest, log_of_a_broker_is_bounded_while_it_runs) {
  constexpr std::uintmax_t kLimit = 1 << 20;
  Hub hub(Hub::Options{.data = data()});
  hub.start();
  const auto log = data() / "brokers/hub.log";
  const auto older = data() / "brokers/hub.log.1";
  EXPECT_THAT(read_text(log), HasSubstr("latchkey gate: loaded"));
  for (int round = 0; round < 2; ++round) {
    const auto last_line = "round " + std::to_string(round) + "\n";
    std::ofstream(log, std::ios::app) << std::string(kLimit, 'x') + "\n" + last_line;  // in one piece
    ASSERT_TRUE(eventually([&] { return read_text(older).ends_with(last_line); }));
    EXPECT_LE(std::filesystem::file_size(older), kLimit);
    EXPECT_EQ(mode_of(older), 0600U);
  }
  hub.kill();
  hub.start();
  const auto text = read_text(log);
  EXPECT_THAT(text, HasSubstr("latchkey gate: the hub process is connected")) << "said by the broker that was adopted";
  EXPECT_LE(text.size(), kLimit);
  EXPECT_EQ(text.find('\0'), std::string::npos) << "it writes at the end of the file, not where that was";
  hub.stop();
}

TEST_F(UpTest, no_gate_is_behind_once_its_changes_are_in_force) {
  Up up(data());
  ASSERT_TRUE(up.start()) << up.log();
  ASSERT_EQ(up.cli({"device", "create", "-n", "dev-1"}).exit_status, 0);
  const auto behind = [&up] {
    const auto gates = nlohmann::json::parse(up.cli({"status", "-o", "json"}).out).at("gates");
    return gates.at(0).at("behind").get<int>() + gates.at(1).at("behind").get<int>();
  };
  EXPECT_TRUE(eventually([&] { return behind() == 0; })) << behind();
}

TEST_F(UpTest, ports_that_are_given_are_used_and_told) {
  int dps_port = 0;
  int hub_port = 0;
  {
    const Listener dps("127.0.0.1");
    const Listener hub("127.0.0.2");
    dps_port = dps.port();
    hub_port = hub.port();
  }
  const auto dps = "127.0.0.1:" + std::to_string(dps_port);
  const auto hub = "127.0.0.2:" + std::to_string(hub_port);
  Up up(data());
  ASSERT_TRUE(up.start({"--dps", dps, "--hub", hub})) << up.log();
  EXPECT_EQ(up.endpoints().at("dps"), dps);
  EXPECT_EQ(up.endpoints().at("hub"), hub);
  EXPECT_TRUE(eventually([&] { return up.log().find(dps) != std::string::npos; })) << "the greeting names it";
  EXPECT_FALSE(Listener("127.0.0.2", hub_port).listening());
  EXPECT_EQ(up.signal_and_wait(SIGTERM), 0);
}

TEST_F(UpTest, address_in_use_is_named_and_leaves_nothing_behind) {
  const Listener squatter("127.0.0.2");
  const auto hub = "127.0.0.2:" + std::to_string(squatter.port());
  const auto refusal = Up(data()).refused({"--dps", "127.0.0.1:0", "--hub", hub});
  EXPECT_EQ(refusal.exit_status, kBadInput);
  EXPECT_THAT(refusal.err, HasSubstr("the address " + hub + " is in use"));
  EXPECT_THAT(refusal.err, HasSubstr("--hub"));
  expect_nothing_runs();
}

// Not a mistake that stays: a service manager may start it again (hub/deploy/systemd), and then it comes up.
TEST_F(UpTest, listener_whose_address_is_in_use_may_be_tried_again) {
  const auto squatter = std::make_unique<Listener>("127.0.0.1");
  const auto health = "127.0.0.1:" + std::to_string(squatter->port());
  auto options = Up::free_ports();
  options.insert(options.end(), {"--health", health});
  const auto refusal = Up(data()).refused(options);
  EXPECT_EQ(refusal.exit_status, kTryAgain);
  EXPECT_THAT(refusal.err, HasSubstr("cannot listen on " + health + ": Address already in use"));
  expect_nothing_runs();
}

TEST_F(UpTest, free_port_is_chosen_anew_when_another_program_took_the_last_one) {
  Up up(data());
  ASSERT_TRUE(up.start()) << up.log();
  const auto before = up.endpoints().at("hub").get<std::string>();
  ASSERT_EQ(up.signal_and_wait(SIGTERM), 0);
  const Listener squatter("127.0.0.2", std::stoi(before.substr(before.find(':') + 1)));
  ASSERT_TRUE(squatter.listening());
  ASSERT_TRUE(up.start()) << up.log();
  EXPECT_NE(up.endpoints().at("hub"), before);
  EXPECT_EQ(up.signal_and_wait(SIGTERM), 0);
}

TEST_F(UpTest, bad_options_are_refused_by_name) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"--dps", "localhost"}, "'localhost' is not a numeric IP address"},
      {{"--hub", "127.0.0.2:65536"}, "the port is not a number"},
      {{"--hub", "[::1"}, "lacks the closing ]"},
      {{"--key-profile", "rsa"}, "--key-profile is ec-p256 or ec-p384"},
      {{"--signing-ca-keys", "dsa"}, "--signing-ca-keys: dsa not in {rsa-3072,ec-p256,ec-p384}"},
      {{"--clock", (work_.path() / "clock.json").string()},
       "--clock needs a data folder that was made with --rehearsal"},
      {{"--gate", "/does/not/exist.so"}, "/does/not/exist.so cannot be read"},
      {{"--mosquitto", "/does/not/exist"}, "/does/not/exist cannot be started"},
  };
  for (const auto& [options, words] : cases) {
    const TemporaryFolder fresh;
    auto all = Up::free_ports();
    all.insert(all.end(), options.begin(), options.end());
    if (options[0] == "--dps" || options[0] == "--hub") all = options;
    const auto refusal = Up(fresh.path() / "data").refused(all);
    EXPECT_EQ(refusal.exit_status, kBadInput) << options[0];
    EXPECT_THAT(refusal.err, HasSubstr(words)) << options[0];
    EXPECT_FALSE(std::filesystem::exists(fresh.path() / "data/brokers/hub.pid")) << options[0];
    EXPECT_FALSE(std::filesystem::exists(fresh.path() / "data/brokers/dps.pid")) << options[0];
  }
}

TEST_F(UpTest, folder_made_without_rehearsal_never_becomes_one) {
  Up up(data());
  ASSERT_TRUE(up.start()) << up.log();
  ASSERT_EQ(up.signal_and_wait(SIGTERM), 0);
  auto options = Up::free_ports();
  options.push_back("--rehearsal");
  const auto refusal = up.refused(options);
  EXPECT_EQ(refusal.exit_status, kBadInput);
  EXPECT_THAT(refusal.err, HasSubstr("was made without --rehearsal"));
}

TEST_F(UpTest, folder_of_something_else_is_not_touched) {
  std::filesystem::create_directory(data());
  ::chmod(data().c_str(), 0755);
  std::ofstream(data() / "letter.txt") << "not ours";
  const auto refusal = Up(data()).refused();
  EXPECT_EQ(refusal.exit_status, kBadInput);
  EXPECT_THAT(refusal.err, HasSubstr("is not a data folder"));
  EXPECT_EQ(mode_of(data()), 0755U);
  EXPECT_FALSE(std::filesystem::exists(data() / "lock"));
}

TEST_F(UpTest, file_in_place_of_the_folder_is_refused) {
  std::ofstream(data()) << "x";
  const auto refusal = Up(data()).refused();
  EXPECT_EQ(refusal.exit_status, kBadInput);
  EXPECT_THAT(refusal.err, HasSubstr("is not a folder"));
}

TEST_F(UpTest, folder_that_is_damaged_is_refused) {
  std::filesystem::create_directory(data());
  std::ofstream(data() / "folder.json") << "{\"nonce\": 5";
  const auto refusal = Up(data()).refused();
  EXPECT_NE(refusal.exit_status, 0);
  EXPECT_THAT(refusal.err, HasSubstr("is not a Latchkey folder description"));
}

// Of every file and folder below the data folder, the mode, unless it is one that everybody may read.
TEST_F(UpTest, files_with_secrets_are_the_owners_alone) {
  Hub hub(Hub::Options{.data = data()});
  hub.start();
  (void)hub.provision("dev-1");
  const std::set<std::string> readable{"tls/server-ca.pem", "tls/server.pem", "endpoints.json", "brokers/hub.conf",
                                       "brokers/dps.conf"};
  const std::set<std::string> passable{"brokers", "tls", "crl"};  // 0711 or 0755; the folder itself bars the way
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data())) {
    const auto name = std::filesystem::relative(entry.path(), data()).string();
    names.insert(name);
    if (readable.count(name) != 0 || passable.count(name) != 0 || name.starts_with("crl/")) {
      EXPECT_EQ(mode_of(entry.path()) & 022, 0U) << name << " can be written by others";
    } else if (name.ends_with("gate.sock")) {
      EXPECT_EQ(mode_of(entry.path()) & 07, 0U) << name;
    } else {
      EXPECT_EQ(mode_of(entry.path()), entry.is_directory() ? 0700U : 0600U) << name;
    }
  }
  for (const auto* wanted : {"enrollment-group.key", "registry.db", "folder.json", "tls/server.key",
                             "tls/server-ca.key", "brokers/hub/server.key", "run/management.sock", "keys"}) {
    EXPECT_EQ(names.count(wanted), 1U) << wanted;
  }
  EXPECT_EQ(mode_of(data()) & 066, 0U);
  hub.stop();
}

// Lines of the base64 in a PEM file of a private key.
std::vector<std::string> key_lines(const std::filesystem::path& pem) {
  std::vector<std::string> lines;
  std::istringstream in(read_text(pem));
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line[0] != '-') lines.push_back(line);
  }
  return lines;
}

TEST_F(UpTest, no_secret_is_told_or_logged) {
  Hub hub(Hub::Options{.data = data()});
  hub.start();
  std::vector<std::string> secrets{hub.group_key(), derive_device_key(hub.group_key(), "dev-1")};
  const auto token = hub.token("dev-1");
  const auto signature = token.substr(token.find("sig=") + 4);
  secrets.push_back(signature.substr(0, signature.find('&')));
  EXPECT_EQ(hub.try_provision("dev-1", token, make_key()).at("body").at("status"), "assigned");
  const auto wrong = hub.token("dev-2", base64_text(std::vector<std::uint8_t>(64, 7)));
  EXPECT_NE(hub.try_provision("dev-2", wrong, make_key()).at("body").value("status", ""), "assigned");
  const auto wrong_signature = wrong.substr(wrong.find("sig=") + 4);
  secrets.push_back(wrong_signature.substr(0, wrong_signature.find('&')));
  for (const auto& file : std::filesystem::directory_iterator(data() / "keys")) {
    for (auto& line : key_lines(file.path())) secrets.push_back(std::move(line));
  }
  for (const auto* file : {"tls/server.key", "tls/server-ca.key"}) {
    for (auto& line : key_lines(data() / file)) secrets.push_back(std::move(line));
  }
  ASSERT_GT(secrets.size(), 8U);
  std::string told;
  for (const auto& verb : {std::vector<std::string>{"audit", "list"},
                           {"decisions", "list"},
                           {"status"},
                           {"ca", "list"},
                           {"enrollment", "list"},
                           {"registration", "list"},
                           {"device", "list"}}) {
    auto arguments = verb;
    arguments.insert(arguments.begin(), {"-o", "json"});
    const auto answer = hub.cli(arguments);
    EXPECT_EQ(answer.exit_status, 0) << verb[0] << answer.err;
    told += answer.out + answer.err;
  }
  hub.stop();
  told += read_text(hub.log_file());
  EXPECT_THAT(told, HasSubstr("Latchkey hub is up")) << "the greeting is among what is searched";
  for (const auto* file :
       {"endpoints.json", "brokers/dps.log", "brokers/hub.log", "brokers/dps.conf", "brokers/hub.conf"}) {
    EXPECT_TRUE(std::filesystem::exists(data() / file)) << file;
    told += read_text(data() / file);
  }
  for (const auto& secret : secrets) {
    ASSERT_GE(secret.size(), 4U);
    EXPECT_EQ(told.find(secret), std::string::npos) << "a secret was told";
  }
}

class UpAsNobodyTest : public UpTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else; all else here then runs without root";
    ::chmod(work_.path().c_str(), 0777);
    if (run(as_nobody({built("latchkey"), "--help"})).exit_status != 0) {
      GTEST_SKIP() << "user nobody cannot reach the build folder";
    }
  }
  static std::vector<std::string> as_nobody(std::vector<std::string> command = {}) {
    command.insert(command.begin(), {"/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"});
    return command;
  }
};

TEST_F(UpAsNobodyTest, hub_needs_no_root) {
  Up up(data(), as_nobody());
  ASSERT_TRUE(up.start()) << up.log();
  EXPECT_EQ(mode_of(data()), 0700U);
  const auto [dps, hub] = up.broker_pids();
  EXPECT_TRUE(alive(dps) && alive(hub));
  EXPECT_EQ(up.cli({"device", "create", "-n", "dev-1"}).exit_status, 0);
  EXPECT_EQ(up.signal_and_wait(SIGTERM), 0);
  EXPECT_FALSE(alive(dps));
  EXPECT_FALSE(alive(hub));
  expect_nothing_runs();
}

TEST_F(UpAsNobodyTest, folder_of_another_user_is_refused) {
  std::filesystem::create_directory(data());
  ::chmod(data().c_str(), 0755);
  const auto others = Up(data(), as_nobody()).refused();
  EXPECT_EQ(others.exit_status, kBadInput);
  EXPECT_THAT(others.err, HasSubstr("belongs to another user"));
  const TemporaryFolder closed;
  ::chmod(closed.path().c_str(), 0700);
  const auto unreachable = Up(closed.path() / "data", as_nobody()).refused();
  EXPECT_EQ(unreachable.exit_status, kBadInput);
  EXPECT_THAT(unreachable.err, HasSubstr("cannot be reached"));
}

}  // namespace
}  // namespace latchkey::tests
