// SPDX-License-Identifier: Apache-2.0
// The program latchkey-agent on a slot that is on trial: it starts itself again when the trial's time is over, and its
// boot loader goes back. No hub takes part: the image was put there by the update machine itself.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "agent/update/driver.h"
#include "platform/crypto/pem.h"
#include "platform/posix/firmware_store.h"
#include "platform/sim/clock.h"
#include "tests/support/subprocess.h"
#include "tests/unit/agent/update/firmware_world.h"

namespace latchkey::tests {
namespace {

using agent::test::FirmwareWorld;
using Bytes = std::vector<std::uint8_t>;
using namespace std::chrono_literals;

constexpr std::uint64_t kSlotSize = 16 * ports::FirmwareStore::kBlockSize;
constexpr auto kPatience = 120s;

// Serves one bundle, as a hub would.
class Server final : public agent::UpdateHost {
 public:
  explicit Server(Bytes bundle) : bundle_(std::move(bundle)) {}
  void fetch(const agent::OfferId&, std::uint64_t at, std::size_t length) override { asked_ = {at, length}; }
  void restart() override { restarted = true; }
  void on_report(const agent::UpdateReport&) override {}

  void offer_to(agent::UpdateDriver& device) {
    agent::OfferId id{};
    id[0] = 1;
    device.on_offer(id, bundle_.size());
    while (asked_ && !restarted) {
      const auto [at, length] = *std::exchange(asked_, std::nullopt);
      device.on_bytes(at, ByteView(bundle_).subview(at, length));
    }
  }
  bool restarted = false;

 private:
  const Bytes bundle_;
  std::optional<std::pair<std::uint64_t, std::size_t>> asked_;
};

class FirmwareRestart : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text, mode_t mode = 0644) {
    const std::string path = (work.path() / name).string();
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  std::string pem(const std::string& name, std::string_view label, const Bytes& der) {
    std::string text(crypto::pem_size(label.size(), der.size()), '\0');
    EXPECT_TRUE(
        crypto::pem_encode(label, der, MutableBytes(reinterpret_cast<std::uint8_t*>(text.data()), text.size())));
    return file(name, text);
  }
  // An image in slot B that the boot loader is to try.
  void plan_a_trial() {
    ASSERT_EQ(::mkdir(state.c_str(), 0700), 0);
    auto store = posix::PosixFirmwareStore::open(state + "/firmware", kSlotSize);
    ASSERT_TRUE(store);
    agent::UpdateConfig config;
    config.board = agent::test::kBoard;
    config.factory_version = {1, 0, 0};
    config.signing_roots = world.signing_roots.data();
    config.signing_root_count = world.signing_roots.size();
    config.timestamp_roots = world.timestamp_roots.data();
    config.timestamp_root_count = world.timestamp_roots.size();
    for (const Bytes& eku : world.ekus) config.pins.add(eku);
    config.statement_key = world.statement_spki;
    const sim::SimClock clock(agent::test::kYearLater);
    Server server(world.bundle(world.leaf()));
    const auto room = std::make_unique<agent::UpdateRoom>();
    agent::UpdateDriver driver(config, {**store, clock, server, *room});
    driver.start();
    ASSERT_TRUE(driver.on_statement(world.revocation_statement()));
    server.offer_to(driver);
    ASSERT_TRUE(server.restarted);
  }
  std::vector<std::string> command() {
    std::string pins;
    for (const auto type : {agent::test::ProfileType::kPublicTrust, agent::test::ProfileType::kPrivateTrust}) {
      pins += (pins.empty() ? "" : ",") + agent::test::eku_of(type);
    }
    return {std::string(LATCHKEY_BIN) + "/latchkey-agent",
            "--registration-id",
            "dev-1",
            "--id-scope",
            "0ne00TEST",
            "--dps",
            "127.0.0.1:9",  // where nobody listens
            "--ca",
            pem("servers.pem", crypto::kPemCertificate, world.signing_root),
            "--key-file",
            file("key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", 0600),
            "--state",
            state,
            "--status-file",
            (work.path() / "status.json").string(),
            "--retry-initial-ms",
            "100",
            "--firmware-board",
            std::string(agent::test::kBoard),
            "--firmware-roots",
            pem("roots.pem", crypto::kPemCertificate, world.signing_root),
            "--firmware-timestamp-roots",
            pem("tsa.pem", crypto::kPemCertificate, world.tsa_root),
            "--firmware-statement-key",
            pem("statements.pem", "PUBLIC KEY", world.statement_spki),
            "--firmware-pins",
            pins,
            "--firmware-slot-size",
            std::to_string(kSlotSize),
            "--firmware-trial-limit-ms",
            "300"};
  }
  nlohmann::json firmware() const {
    const auto status = nlohmann::json::parse(read_text(work.path() / "status.json"), nullptr, false);
    return status.is_object() && status.contains("firmware") ? status["firmware"] : nlohmann::json::object();
  }

  FirmwareWorld world;
  TemporaryFolder work;
  const std::string state = (work.path() / "state").string();
};

TEST_F(FirmwareRestart, an_image_that_does_not_get_connected_is_given_back_by_the_same_process) {
  ASSERT_NO_FATAL_FAILURE(plan_a_trial());
  const auto log = work.path() / "log";
  Subprocess agent(command(), log);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  nlohmann::json now;
  do {
    std::this_thread::sleep_for(20ms);
    now = firmware();
  } while ((!now.contains("last") || now["last"].is_null()) && agent.running() &&
           std::chrono::steady_clock::now() < end);
  ASSERT_TRUE(now.contains("last")) << read_text(log);
  ASSERT_TRUE(now["last"].is_object()) << read_text(log);
  EXPECT_EQ(now["last"]["report"], "reverted");
  EXPECT_EQ(now["last"]["reason"], "notConfirmed");
  EXPECT_EQ(now["last"]["version"], "1.2.0");
  EXPECT_EQ(now["slot"], "a");
  EXPECT_EQ(now["version"], "1.0.0");
  EXPECT_EQ(now["revocations"], 1);
  const std::string story = read_text(log);
  EXPECT_NE(story.find("firmware 1.2.0 was not confirmed"), std::string::npos) << story;
  // The process that was started, and it still hears what it is told.
  EXPECT_TRUE(agent.running());
  agent.signal(SIGTERM);
  EXPECT_EQ(agent.wait(60'000), 0) << read_text(log);
}

}  // namespace
}  // namespace latchkey::tests
