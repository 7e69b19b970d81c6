// SPDX-License-Identifier: Apache-2.0
#include "boards/host/updates.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "boards/host/status_file.h"
#include "platform/crypto/pem.h"
#include "platform/posix/clock.h"
#include "platform/posix/entropy.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::boards::host {
namespace {

using Bytes = std::vector<std::uint8_t>;

class NoLink final : public ports::MqttLink {
 public:
  Result<void> connect(const ports::LinkRequest&) override { return {}; }
  Result<void> subscribe(std::string_view, int) override { return {}; }
  Result<void> publish(std::string_view, ByteView, int) override { return {}; }
  void disconnect() override {}
};

struct UpdatesOf : testing::Test {
  void SetUp() override {
    ASSERT_TRUE(crypto::init().has_value());
    ::mkdir(folder.file("state").c_str(), 0700);
    options.state_folder = folder.file("state");
    options.firmware_board = "pump-controller-2";
    options.firmware_roots = folder.write("roots.pem", pem(crypto::kPemCertificate, Bytes(300, 1)));
    options.firmware_timestamp_roots = folder.write("tsa.pem", pem(crypto::kPemCertificate, Bytes(200, 2)));
    options.firmware_statement_key = folder.write("key.pem", pem("PUBLIC KEY", key()));
    options.firmware_pins = {"1.3.6.1.4.1.311.97.990309390.766961637.194916062.941502583"};
    options.firmware_slot_size = 16 * 4096;
  }

  static std::string pem(std::string_view label, const Bytes& der) {
    std::string text(crypto::pem_size(label.size(), der.size()), '\0');
    EXPECT_TRUE(
        crypto::pem_encode(label, der, MutableBytes(reinterpret_cast<std::uint8_t*>(text.data()), text.size())));
    return text;
  }
  // In form.
  static Bytes key() {
    constexpr std::uint8_t kHead[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                      0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                      0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
    Bytes der(91, 0x11);
    std::copy(std::begin(kHead), std::end(kHead), der.begin());
    return der;
  }
  std::unique_ptr<Updates> open() {
    return Updates::open(
        options, {link, clock, entropy}, [this](const std::string& line) { log += line + '\n'; }, problem);
  }
  std::string problem_of(const Options& bad) {
    std::string said;
    EXPECT_EQ(Updates::open(
                  bad, {link, clock, entropy}, [](const std::string&) {}, said),
              nullptr);
    return said;
  }

  const tests::TemporaryFolder folder;
  Options options;
  NoLink link;
  posix::PosixClock clock;
  posix::PosixEntropy entropy;
  std::string problem;
  std::string log;
};

TEST_F(UpdatesOf, a_device_that_was_told_nothing_takes_none) {
  options = Options();
  EXPECT_EQ(open(), nullptr);
  EXPECT_EQ(problem, "");
}

TEST_F(UpdatesOf, a_first_start_runs_the_factory_image_in_slot_a) {
  const auto updates = open();
  ASSERT_NE(updates, nullptr) << problem;
  updates->session().start();
  const auto summary = updates->session().summary();
  EXPECT_EQ(summary.slot, ports::FirmwareSlot::kA);
  EXPECT_EQ(summary.version, (agent::Version{1, 0, 0}));
  EXPECT_FALSE(updates->restart_wanted());
  EXPECT_TRUE(std::filesystem::exists(folder / "state/firmware/slot-b.img"));
  const auto json = nlohmann::json::parse(status_json(agent::Summary{}, "dev-1", 0, &summary));
  EXPECT_EQ(json.at("registration_id"), "dev-1");
  EXPECT_EQ(json.at("firmware").at("version"), "1.0.0");
  EXPECT_EQ(json.at("firmware").at("state"), "idle");
}

TEST_F(UpdatesOf, status_without_updates_has_no_word_of_them) {
  EXPECT_FALSE(nlohmann::json::parse(status_json(agent::Summary{}, "dev-1", 0)).contains("firmware"));
}

TEST_F(UpdatesOf, each_mistake_is_named_by_its_option) {
  const auto with = [this](auto change) {
    Options bad = options;
    change(bad);
    return problem_of(bad);
  };
  const auto says = [](const std::string& text, const std::string& option) {
    EXPECT_NE(text.find(option), std::string::npos) << text;
  };
  says(with([&](Options& o) { o.firmware_roots = folder.file("none"); }), "--firmware-roots");
  says(with([&](Options& o) { o.firmware_roots = o.firmware_statement_key; }), "--firmware-roots");
  says(with([&](Options& o) {
         o.firmware_roots = folder.write("large", std::string(70'000, '\n') + pem("CERTIFICATE", Bytes(9, 1)));
       }),
       "--firmware-roots");
  says(with([&](Options& o) { o.firmware_timestamp_roots = folder.write("empty", ""); }), "--firmware-timestamp-roots");
  says(with([&](Options& o) { o.firmware_statement_key = o.firmware_roots; }), "--firmware-statement-key");
  says(with([&](Options& o) { o.firmware_statement_key = folder.write("long", pem("PUBLIC KEY", Bytes(120, 0x30))); }),
       "--firmware-statement-key");
  says(with([&](Options& o) {
         o.firmware_statement_key = folder.write("two", pem("PUBLIC KEY", key()) + pem("PUBLIC KEY", key()));
       }),
       "--firmware-statement-key");
  says(with([&](Options& o) { o.firmware_version = "1.0"; }), "--firmware-version");
  for (const char* name : {"a board", "a\"board", "a\\board"}) {
    says(with([&](Options& o) { o.firmware_board = name; }), "--firmware-board");
  }
  says(with([&](Options& o) { o.firmware_pins = {"1.2", "code signing"}; }), "--firmware-pins: code signing");
  says(with([&](Options& o) { o.firmware_pins = {"1.2", "1.3", "1.4", "1.5", "1.6"}; }), "--firmware-pins");
  says(with([&](Options& o) { o.firmware_slot_size = 4097; }), "--firmware-slot-size");
  ASSERT_NE(open(), nullptr) << problem;
  says(with([&](Options& o) { o.firmware_slot_size = 4096; }), "--firmware-slot-size");
}

TEST(OidOctets, are_those_of_the_standard) {
  EXPECT_EQ(oid_octets("1.2.840.113549"), (Bytes{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d}));
  EXPECT_EQ(oid_octets("2.999.3"), (Bytes{0x88, 0x37, 0x03}));
  EXPECT_EQ(oid_octets("0.39"), (Bytes{0x27}));
  EXPECT_EQ(oid_octets("1.3.4294967295"), (Bytes{0x2b, 0x8f, 0xff, 0xff, 0xff, 0x7f}));
  for (const char* bad :
       {"", "1", "1.", ".1.2", "3.1", "1.40", "0.40", "1.2.", "1..2", "1.2.x", "1.2 ", "1.2.-3", "1.2.4294967296"}) {
    EXPECT_TRUE(oid_octets(bad).empty()) << bad;
  }
}

}  // namespace
}  // namespace latchkey::boards::host
