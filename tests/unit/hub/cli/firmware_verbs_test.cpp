// SPDX-License-Identifier: Apache-2.0
// `latchkey firmware ...` over Management, with the firmware room played: it keeps what it was asked for.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "tests/unit/hub/cli/support.h"

namespace latchkey::hub::cli {
namespace {

using management::json;
using registry::Bytes;
using registry::Call;
using registry::Nothing;
using registry::Outcome;
using registry::refuse;
using testing::ElementsAre;
using testing::HasSubstr;

class PlayedFirmware : public management::Firmware {
 public:
  Order order;
  Bytes id;
  std::string ns;
  std::int64_t percent = 0;
  std::vector<std::string> ekus;
  std::vector<Campaign> campaigns;

  Outcome<Campaign> publish(const Call&, const std::string& where, const Bytes& which, const Order& what) override {
    ns = where;
    id = which;
    order = what;
    campaigns.push_back(made(which));
    return campaigns.back();
  }
  Outcome<Campaign> raise(const Call&, const std::string&, const Bytes& which, std::int64_t to) override {
    percent = to;
    return find("", which);
  }
  Outcome<Campaign> withdraw(const Call&, const std::string&, const Bytes& which) override {
    LATCHKEY_TRY(found, find("", which));
    found.state = registry::firmware::CampaignState::kWithdrawn;
    return found;
  }
  Outcome<std::vector<Campaign>> list(const std::string&) override { return campaigns; }
  Outcome<Campaign> find(const std::string&, const Bytes& which) override {
    id = which;
    for (const auto& one : campaigns) {
      if (one.bundle == which) return one;
    }
    return refuse(registry::Reason::kNotFound, "there is no such campaign");
  }
  Outcome<registry::firmware::Tally> tally(const Campaign&) override {
    return registry::firmware::Tally{120, 12, 3, {}};
  }
  Outcome<std::vector<registry::firmware::Progress>> progress(const Campaign&, const std::string& after,
                                                              std::size_t) override {
    if (!after.empty()) return std::vector<registry::firmware::Progress>();
    registry::firmware::Progress one;
    one.device = "pump-7";
    one.report.event = registry::firmware::Event::kRefused;
    one.report.reason = "tooOld";
    return std::vector{one};
  }
  Outcome<std::optional<Statement>> pins() override {
    if (ekus.empty()) return std::optional<Statement>();
    return std::optional(Statement{registry::firmware::StatementKind::kPins, 4, ekus.front(), {}, 1});
  }
  Outcome<std::optional<Statement>> revocations() override { return std::optional<Statement>(); }
  Outcome<Statement> pin(const Call&, const std::vector<std::string>& wanted) override {
    ekus = wanted;
    return **pins();
  }
  Outcome<Bytes> statement_key(const Call&) override { return Bytes(91, 7); }

  static Campaign made(Bytes bundle) {
    Campaign campaign;
    campaign.bundle = std::move(bundle);
    campaign.board = "pump";
    campaign.version = "1.2.0";
    campaign.policy.emplace();
    campaign.policy_name = "line-a";
    return campaign;
  }
};

class FirmwareVerbs : public management::CommandLineTest<management::ManagementTest> {
 protected:
  void SetUp() override {
    management::Parts parts{*registry, clock, played, played, played, played};
    parts.firmware = &firmware;
    management = std::make_unique<management::Management>(parts);
    std::ofstream(file) << "a bundle";
  }
  const std::string file = folder.file("bundle");
  PlayedFirmware firmware;
};

TEST_F(FirmwareVerbs, publish_sends_the_file_by_its_sha256) {
  ASSERT_EQ(run({"firmware", "publish", file, "--policy", "line-a", "--percent", "10"}), 0) << err;
  EXPECT_EQ(std::string(firmware.order.bundle.begin(), firmware.order.bundle.end()), "a bundle");
  EXPECT_EQ(firmware.order.policy, "line-a");
  EXPECT_EQ(firmware.order.percent, 10);
  EXPECT_EQ(firmware.ns, "default");
  // printf 'a bundle' | sha256sum
  EXPECT_THAT(out, HasSubstr("cd98c950d629c66548537b4ecd68dab3e8cf59974ba6e40df5a1a7354b39db5f"));
  EXPECT_THAT(out, HasSubstr("1.2.0"));
}

TEST_F(FirmwareVerbs, devices_are_named_with_commas_or_one_by_one) {
  ASSERT_EQ(run({"firmware", "publish", "--bundle-file", file, "--devices", "a,b", "--devices", "c"}), 0) << err;
  EXPECT_THAT(firmware.order.devices, ElementsAre("a", "b", "c"));
  EXPECT_EQ(firmware.order.percent, 100);
}

TEST_F(FirmwareVerbs, file_that_cannot_be_read_or_is_too_large_is_bad_input) {
  EXPECT_EQ(run({"firmware", "publish", folder.file("nothing"), "--policy", "a"}), 2);
  std::filesystem::resize_file(file, 11 * 1024 * 1024 + 1);
  EXPECT_EQ(run({"firmware", "publish", file, "--policy", "a"}), 2);
  EXPECT_THAT(err, HasSubstr("larger than 11 MiB"));
  EXPECT_EQ(run({"firmware", "publish", file, "--policy", "a", "--percent", "0"}), 2);
}

TEST_F(FirmwareVerbs, largest_bundle_goes_through_the_socket) {
  std::filesystem::resize_file(file, 11 * 1024 * 1024);
  ASSERT_EQ(run({"firmware", "publish", file, "--policy", "a"}), 0) << err;
  EXPECT_EQ(firmware.order.bundle.size(), 11u * 1024 * 1024);
}

TEST_F(FirmwareVerbs, campaign_is_found_by_how_its_id_begins) {
  firmware.campaigns = {PlayedFirmware::made(Bytes(32, 0xA1)), PlayedFirmware::made(Bytes(32, 0xA2))};
  EXPECT_EQ(run("firmware withdraw a1"), 0) << err;
  EXPECT_EQ(firmware.id, Bytes(32, 0xA1));
  EXPECT_THAT(out, HasSubstr("withdrawn"));
  EXPECT_EQ(run("firmware withdraw a"), 2);
  EXPECT_EQ(run("firmware withdraw b"), 3);
  EXPECT_EQ(run("firmware withdraw"), 2);
  EXPECT_EQ(run({"firmware", "raise", "--id", "a2", "--percent", "50"}), 0) << err;
  EXPECT_EQ(firmware.id, Bytes(32, 0xA2));
  EXPECT_EQ(firmware.percent, 50);
  EXPECT_EQ(run("firmware raise --id a2"), 2);
}

TEST_F(FirmwareVerbs, status_lists_all_or_shows_one_with_its_devices) {
  firmware.campaigns = {PlayedFirmware::made(Bytes(32, 0xA1))};
  ASSERT_EQ(run("firmware status"), 0) << err;
  EXPECT_THAT(out, HasSubstr("a1a1a1"));
  EXPECT_THAT(out, HasSubstr("line-a"));
  ASSERT_EQ(run("firmware status a1"), 0) << err;
  for (const char* text : {"120", "12", "pump-7", "refused", "tooOld"}) EXPECT_THAT(out, HasSubstr(text));
  ASSERT_EQ(run("-o json firmware status a1"), 0) << err;
  EXPECT_EQ(json::parse(out)["devices"][0]["name"], "pump-7");
}

TEST_F(FirmwareVerbs, pins_are_set_and_shown) {
  ASSERT_EQ(run("firmware pin show"), 0) << err;
  ASSERT_EQ(run("firmware pin 1.2.3 1.2.4"), 0) << err;
  EXPECT_THAT(firmware.ekus, ElementsAre("1.2.3", "1.2.4"));
  ASSERT_EQ(run("firmware pin --eku 1.2.5"), 0) << err;
  EXPECT_THAT(firmware.ekus, ElementsAre("1.2.5"));
  ASSERT_EQ(run("firmware pin"), 0) << err;
  EXPECT_THAT(out, HasSubstr("1.2.5"));
  EXPECT_THAT(out, HasSubstr("4"));
}

TEST_F(FirmwareVerbs, statement_key_is_printed_or_written_to_a_new_file) {
  ASSERT_EQ(run("firmware statement-key"), 0) << err;
  EXPECT_THAT(out, testing::StartsWith("-----BEGIN PUBLIC KEY-----"));
  const auto printed = out;
  const auto target = folder.file("statement.pem");
  ASSERT_EQ(run({"firmware", "statement-key", "--out", target}), 0) << err;
  std::ifstream in(target);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), printed);
  EXPECT_EQ(run({"firmware", "statement-key", "--out", target}), 2);
}

}  // namespace
}  // namespace latchkey::hub::cli
