// SPDX-License-Identifier: Apache-2.0
// A fleet of real agents in one process (and in two) against a real hub, judged by its history alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "boards/fleet/history/reader.h"
#include "tests/support/hub.h"

namespace latchkey::tests {
namespace {

using namespace boards::fleet;
using history::Device;
using history::Service;
using testing::HasSubstr;

constexpr std::uint32_t kDevices = 100;

std::string program(const std::string& name) { return std::string(LATCHKEY_BIN) + "/" + name; }

// What a page holds by now; empty when it cannot be had.
std::string page_at(const std::string& url) {
  const auto reader =
      "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=30).read().decode())";
  const auto done = run({LATCHKEY_SYSTEM_PYTHON, "-c", reader, url});
  return done.exit_status == 0 ? done.out : std::string();
}

bool eventually(const std::function<bool()>& holds) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return true;
}

// What a run's history says by now.
struct Story {
  explicit Story(const std::filesystem::path& folder) {
    auto reader = history::Reader::open(folder);
    if (!reader) return;
    while (const auto record = reader->next()) std::visit([&](const auto& body) { take(*record, body); }, record->body);
  }
  void take(const history::Record& record, const history::Connected& connected) {
    if (connected.service != Service::kHub) return;
    on_hub.insert(record.device);
    generations[record.device] = connected.generation;
    ++connects[record.device];
  }
  void take(const history::Record& record, const history::Ended& ended) {
    if (ended.service != Service::kHub || !ended.was_connected) return;
    on_hub.erase(record.device);
    lost.insert(record.device);
  }
  void take(const history::Record& record, const history::Refused& refused) {
    refusals[record.device].push_back(refused);
  }
  void take(const history::Record& record, const history::Stored& stored) {
    serials.insert(stored.serial);
    devices.insert(record.device);
  }
  void take(const history::Record&, const history::Fault& fault) {
    if (fault.kind == history::FaultKind::kCrashBeforeCertificate) ++(fault.begins ? crashes : restarts);
  }
  void take(const history::Record&, const history::ActAnswered& answered) { acts.push_back(answered); }
  void take(const history::Record&, const history::RunEnded& ended) { endings.push_back(ended.why); }
  template <class Other>
  void take(const history::Record&, const Other&) {}

  std::set<Device> on_hub;   // now
  std::set<Device> lost;     // ever
  std::set<Device> devices;  // that have stored a certificate
  int crashes = 0;
  int restarts = 0;
  std::set<std::string> serials;
  std::map<Device, int> connects;
  std::map<Device, std::uint32_t> generations;  // of what was last accepted
  std::map<Device, std::vector<history::Refused>> refusals;
  std::vector<history::ActAnswered> acts;
  std::vector<history::Ending> endings;
};

class FleetTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    Hub::Options options;
    options.rehearsal = false;
    hub_ = std::make_unique<Hub>(options);
    hub_->start();
  }
  static void TearDownTestSuite() { hub_.reset(); }

  std::string scenario(const std::string& members) const {
    const auto file = (work_.path() / "scenario.json").string();
    std::ofstream(file) << R"({"name":"test","title":"A test","about":"Nothing.",)" << members << "}";
    return file;
  }
  std::vector<std::string> command(const std::string& file, std::vector<std::string> more) const {
    std::vector<std::string> all{program("latchkey"), "--data", hub_->data().string(), "fleet", "run", file, "--out",
                                 out().string()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::filesystem::path out() const { return work_.path() / "out"; }
  Story story() const { return Story(out()); }
  // Its histories alone convince the checker that the hub has kept its word.
  void expect_clean() const {
    const auto verdict = run({program("latchkey"), "fleet", "verify", out().string()});
    EXPECT_EQ(verdict.exit_status, 0) << verdict.out << verdict.err;
    EXPECT_THAT(verdict.out, HasSubstr("every rule was kept"));
  }

  static std::unique_ptr<Hub> hub_;
  const TemporaryFolder work_;
};
std::unique_ptr<Hub> FleetTest::hub_;

TEST_F(FleetTest, one_device_is_compromised_and_nobody_else_notices) {
  const auto file = scenario(R"("devices":100,"durationSeconds":600,"endWhen":"time-up",
    "arrival":{"curve":"even","overSeconds":1},"telemetry":{"everySeconds":1,"bytes":80})");
  Subprocess fleet(command(file, {"--prefix", "one-", "--metrics", "127.0.0.1:0"}), work_.path() / "log");
  ASSERT_TRUE(eventually([&] { return story().on_hub.size() == kDevices; })) << read_text(work_.path() / "log");
  const auto log = read_text(work_.path() / "log");
  const auto url = log.find("http://127.0.0.1:");
  ASSERT_NE(url, std::string::npos) << log;
  EXPECT_TRUE(eventually([&] {  // the figures of a run that goes on
    return page_at(log.substr(url, log.find('\n', url) - url))
               .find("latchkey_fleet_sessions{generation=\"1\"} 100\n") != std::string::npos;
  })) << log;
  EXPECT_EQ(story().serials.size(), kDevices);  // a certificate each

  constexpr Device kStolen = 41;
  EXPECT_EQ(hub_->cli({"device", "revoke", "-n", history::device_name("one-", kStolen), "--disable", "-y"}).exit_status,
            0);
  // Cut, refused by the hub with what it has, refused by provisioning too.
  ASSERT_TRUE(eventually([&] { return story().refusals[kStolen].size() >= 2; })) << read_text(work_.path() / "log");
  fleet.signal(SIGINT);
  EXPECT_EQ(fleet.wait(60'000), 0) << read_text(work_.path() / "log");

  auto end = story();
  EXPECT_EQ(end.lost, std::set<Device>{kStolen});
  EXPECT_EQ(end.on_hub.size(), kDevices - 1);
  EXPECT_EQ(end.connects[kStolen], 1);
  EXPECT_EQ(end.refusals.size(), 1u);
  EXPECT_EQ(end.refusals[kStolen][0].by, history::RefusedBy::kConnack);
  EXPECT_EQ(end.refusals[kStolen][0].code, 5u);
  EXPECT_EQ(end.refusals[kStolen][1].service, Service::kDps);
  for (const auto ending : end.endings) EXPECT_EQ(ending, history::Ending::kInterrupted);
  EXPECT_EQ(end.endings.size(), 2u);  // the parent's and the worker's

  // No history tells of that act: to the checker the hub has cut a device for no reason, and nobody else.
  const auto verdict = run({program("latchkey"), "fleet", "verify", out().string()});
  EXPECT_EQ(verdict.exit_status, 4) << verdict.err;
  EXPECT_THAT(verdict.out, HasSubstr("lost: " + history::device_name("one-", kStolen)));
  EXPECT_THAT(verdict.out, HasSubstr(": 1 violation (lost 1)"));
}

TEST_F(FleetTest, fleet_in_two_processes_obeys_its_operator_and_ends_when_all_are_back) {
  const auto file = scenario(R"("devices":10,"durationSeconds":300,"endWhen":"all-back",
    "arrival":{"curve":"at-once"},"acts":[{"atSeconds":1,"act":"sync"}])");
  const auto done = run(command(file, {"--prefix", "two-", "--processes", "2"}), 300'000);
  EXPECT_EQ(done.exit_status, 0) << done.err;
  const auto end = story();
  EXPECT_EQ(end.on_hub.size(), 10u);
  EXPECT_EQ(end.devices.size(), 10u);
  ASSERT_EQ(end.acts.size(), 1u);
  EXPECT_TRUE(end.acts[0].succeeded) << end.acts[0].text;
  EXPECT_EQ(end.endings, std::vector<history::Ending>(3, history::Ending::kAllBack));
  EXPECT_EQ(hub_->cli({"device", "show", "-n", history::device_name("two-", 9)}).exit_status, 0);
  expect_clean();
}

// Some of them sleep at any time.
TEST_F(FleetTest, sleeper_is_back_once_it_was_connected_after_the_last_act) {
  const auto file = scenario(R"("devices":12,"durationSeconds":300,"endWhen":"all-back","lingerSeconds":1,
    "arrival":{"curve":"at-once"},"sleep":{"share":0.75,"awakeSeconds":6,"asleepSeconds":4,"jitter":0.5},
    "acts":[{"atSeconds":5,"act":"revokePolicy"}])");
  const auto done = run(command(file, {"--prefix", "sleep-"}), 360'000);
  EXPECT_EQ(done.exit_status, 0) << done.err;
  const auto end = story();
  ASSERT_EQ(end.acts.size(), 1u);
  EXPECT_TRUE(end.acts[0].succeeded) << end.acts[0].text;
  EXPECT_EQ(end.endings, std::vector<history::Ending>(2, history::Ending::kAllBack));
  EXPECT_EQ(end.generations.size(), 12u);
  expect_clean();
}

TEST_F(FleetTest, device_that_crashes_before_its_certificate_comes_back_with_its_key) {
  const auto file = scenario(R"("devices":20,"durationSeconds":300,"endWhen":"all-back","arrival":{"curve":"at-once"},
    "crashBeforeCertificate":{"share":0.25})");
  const auto done = run(command(file, {"--prefix", "crash-"}), 300'000);
  EXPECT_EQ(done.exit_status, 0) << done.err;
  const auto end = story();
  EXPECT_EQ(end.crashes, 5);
  EXPECT_EQ(end.restarts, 5);
  EXPECT_EQ(end.on_hub.size(), 20u);
  EXPECT_EQ(end.devices.size(), 20u);
  EXPECT_EQ(end.serials.size(), 20u);  // what was lost in the crash was never stored
  expect_clean();
}

TEST_F(FleetTest, device_of_a_later_generation_has_renewed_as_often) {
  const auto file = scenario(R"("devices":4,"durationSeconds":600,"endWhen":"time-up","arrival":{"curve":"at-once"},
    "earlierGenerations":[{"generation":3,"share":0.5}])");
  Subprocess fleet(command(file, {"--prefix", "gen-"}), work_.path() / "log");
  const auto generations = [&] {
    std::multiset<std::uint32_t> all;
    for (const auto& [device, generation] : story().generations) all.insert(generation);
    return all;
  };
  EXPECT_TRUE(eventually([&] {
    return generations() == std::multiset<std::uint32_t>{1, 1, 3, 3};
  })) << read_text(work_.path() / "log");
  fleet.signal(SIGINT);
  EXPECT_EQ(fleet.wait(60'000), 0);
  EXPECT_EQ(story().serials.size(), 8u);
  EXPECT_TRUE(story().refusals.empty());
  expect_clean();
}

TEST_F(FleetTest, revoked_devices_come_back_and_the_histories_prove_it) {
  const auto file = scenario(R"("devices":20,"durationSeconds":300,"endWhen":"all-back","arrival":{"curve":"at-once"},
    "acts":[{"atSeconds":15,"act":"revokeDevices","devices":{"count":5}}])");
  const auto done = run(command(file, {"--prefix", "back-", "--retry-max", "2", "--slow-retry", "2"}), 300'000);
  EXPECT_EQ(done.exit_status, 0) << done.err;
  EXPECT_EQ(story().on_hub.size(), 20u);
  expect_clean();
}

TEST_F(FleetTest, what_cannot_work_is_told_before_anything_starts) {
  auto done = run(command("no-such-scenario", {}));
  EXPECT_EQ(done.exit_status, 2);
  EXPECT_THAT(done.err, HasSubstr("policy-rotation"));
  done = run(command("morning", {"--devices", "1000000", "--processes", "1"}));
  EXPECT_EQ(done.exit_status, 2);
  EXPECT_THAT(done.err, HasSubstr("--processes"));
  done = run({program("latchkey-fleet"), "run", "morning", "--data", work_.path().string()});
  EXPECT_EQ(done.exit_status, 5);
  EXPECT_THAT(done.err, HasSubstr("there is no hub"));
  done = run({program("latchkey"), "fleet", "verify", work_.path().string()});
  EXPECT_EQ(done.exit_status, 3);
  EXPECT_THAT(done.err, HasSubstr("no histories"));
  done = run(command("morning", {"--metrics", "0.0.0.0:9465"}));
  EXPECT_EQ(done.exit_status, 2);
  EXPECT_THAT(done.err, HasSubstr("loopback"));
  done = run(command(scenario(R"("devices":10,"durationSeconds":5,"surprise":1)"), {}));
  EXPECT_EQ(done.exit_status, 2);
  EXPECT_THAT(done.err, HasSubstr("/surprise"));
  std::filesystem::create_directory(out());
  std::ofstream(out() / "precious") << "x";
  done = run(command("morning", {}));
  EXPECT_EQ(done.exit_status, 2);
  EXPECT_THAT(done.err, HasSubstr("has to be empty"));
}

}  // namespace
}  // namespace latchkey::tests
