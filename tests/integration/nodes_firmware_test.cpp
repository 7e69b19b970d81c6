// SPDX-License-Identifier: Apache-2.0
// Firmware campaigns over nodes (docs/firmware-campaigns.md): whichever node is asked, devices at all of them hear of
// it, and what they report is counted together.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>
#include <set>

#include "hub/text/encoding.h"
#include "tests/integration/firmware_device.h"
#include "tests/integration/nodes_world.h"
#include "tests/integration/signing/workbench.h"
#include "tests/unit/hub/firmware/bundle_maker.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;
using Device = std::unique_ptr<FirmwareDevice>;

class NodesFirmware : public NodesWorld {
 protected:
  static void SetUpTestSuite() { begin({"--status-listen", "off", "--https-listen", "off"}); }

  // A bundle of an image that no other test has; its id and content are kept.
  void make(std::uint8_t version) {
    Bytes image(60'000, version);
    for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<std::uint8_t>(i * 7 + i / 251 + version);
    image_sha = hub::text::hex(ByteView(hub::signing::digest_of(hub::signing::Hash::kSha256, image)));
    bundle = hub::firmware::make_bundle(signer, image, {1, version, 0});
    id = hub::text::hex(ByteView(hub::signing::digest_of(hub::signing::Hash::kSha256, bundle)));
    file = bench.put("bundle-" + std::to_string(version), bundle);
  }
  json publish(Hub& at, const std::string& devices, const std::string& percent = "100") const {
    return at.json({"firmware", "publish", file, "--devices", devices, "--percent", percent});
  }
  json progress(Hub& at) const { return at.json({"firmware", "status", id}).at("properties").at("progress"); }
  static bool has_file(Hub& at, const std::string& name) {
    return std::filesystem::exists(at.data() / "firmware" / (name + ".bundle"));
  }
  static Device connect(Hub& at, const std::string& name, const Identity& identity) {
    Device device;
    const bool stands = eventually([&] {
      device = std::make_unique<FirmwareDevice>(at, name, identity);
      return device->connect();
    });
    if (!stands) throw std::runtime_error(name + " is not let in");
    EXPECT_TRUE(device->report("hello"));
    (void)device->waiting("offer");  // its hello was heard
    return device;
  }
  static Device device_at(Hub& at, const std::string& name) {
    return connect(at, name, at.provision(name, a_->group_key()));
  }
  std::string whole() const { return {bundle.begin(), bundle.end()}; }

  Workbench bench;
  hub::signing::test::World signer;
  Bytes bundle;
  std::string id;
  std::string image_sha;
  std::string file;
};

TEST_F(NodesFirmware, campaign_of_one_reaches_devices_at_the_other_and_their_reports_are_shown_at_both) {
  make(1);
  const auto here = device_at(*a_, "all-1");
  const auto there = device_at(*b_, "all-2");
  publish(*a_, "all-1,all-2");
  for (auto* const device : {here.get(), there.get()}) {
    const auto offer = device->next_json("offer");
    ASSERT_EQ(offer["id"], id);
    EXPECT_EQ(offer["size"], bundle.size());
    ASSERT_TRUE(device->report("fetching", {{"id", id}}));
    EXPECT_TRUE(device->fetch(id, bundle.size()) == whole());
    device->self["version"] = "1.1.0";
    device->self["image"] = image_sha;
    ASSERT_TRUE(device->report("confirmed", {{"id", id}}));
    EXPECT_EQ(device->waiting("offer"), 0u) << "one offer each";
  }
  for (Hub* at : {a_.get(), b_.get()}) {
    EXPECT_EQ(progress(*at),
              (json{{"targeted", 2}, {"reached", 2}, {"running", 2}, {"lastReports", {{"confirmed", 2}}}}));
  }
}

TEST_F(NodesFirmware, percentage_counts_over_both_and_a_withdrawal_reaches_both) {
  make(2);
  std::vector<Device> devices;
  std::string names;
  for (int i = 0; i < 6; ++i) {
    const auto name = "part-" + std::to_string(i);
    names += (names.empty() ? "" : ",") + name;
    devices.push_back(device_at(i % 2 == 0 ? *a_ : *b_, name));
  }
  publish(*a_, names, "50");
  std::int64_t reached = 0;
  std::set<const FirmwareDevice*> offered;
  for (const auto& device : devices) {
    const auto answer = device->ask(id, 0, 100);
    ASSERT_TRUE(answer.status == 200 || answer.status == 404) << answer.status;
    if (answer.status == 404) continue;
    ++reached;
    offered.insert(device.get());
    EXPECT_EQ(device->next_json("offer")["id"], id);
  }
  for (Hub* at : {a_.get(), b_.get()}) EXPECT_EQ(progress(*at)["reached"], reached);

  b_->json({"firmware", "raise", "--id", id, "--percent", "100"});
  EXPECT_EQ(a_->cli({"firmware", "raise", "--id", id, "--percent", "100"}).exit_status, 2) << "it is that already";
  for (const auto& device : devices) {
    EXPECT_EQ(device->ask(id, 0, 100).status, 200);
    if (!offered.contains(device.get())) {
      EXPECT_EQ(device->next_json("offer")["id"], id);
    }
    ASSERT_TRUE(device->report("fetching", {{"id", id}}));
  }
  for (Hub* at : {a_.get(), b_.get()}) EXPECT_EQ(progress(*at)["reached"], 6);

  a_->json({"firmware", "withdraw", id});
  for (const auto& device : devices) {
    EXPECT_EQ(device->ask(id, 100, 100).status, 404) << "from the answer on";
    EXPECT_EQ(device->next_json("withdraw")["id"], id);
    EXPECT_EQ(device->waiting("offer"), 0u) << "one offer each";
  }
  EXPECT_EQ(b_->cli({"firmware", "withdraw", id}).exit_status, 4);
  EXPECT_TRUE(eventually([&] { return !has_file(*a_, id) && !has_file(*b_, id); }));
  EXPECT_EQ(psql("SELECT COUNT(*) FROM firmware_bundles WHERE encode(bundle, 'hex') = '" + id + "'"), "0\n");

  publish(*b_, names);
  for (const auto& device : devices) EXPECT_EQ(device->next_json("offer")["id"], id) << "begun anew at the other";
}

TEST_F(NodesFirmware, devices_move_on_with_a_campaign_to_a_node_that_comes_later) {
  make(3);
  const auto identity = a_->provision("moves-1");
  auto device = connect(*a_, "moves-1", identity);
  publish(*b_, "moves-1");
  EXPECT_EQ(device->next_json("offer")["id"], id);
  ASSERT_TRUE(device->report("fetching", {{"id", id}}));
  auto fetched = device->ask(id, 0, 4096).body;
  ASSERT_EQ(fetched.size(), 4096u);
  Hub c(options("c"));
  c.start();
  EXPECT_FALSE(has_file(c, id));
  device = connect(c, "moves-1", identity);
  while (fetched.size() < bundle.size()) {
    const auto answer = device->ask(id, fetched.size(), 4096);
    ASSERT_EQ(answer.status, 200);
    fetched += answer.body;
  }
  EXPECT_TRUE(fetched == whole());
  EXPECT_TRUE(has_file(c, id)) << "it keeps a copy";
  EXPECT_EQ(progress(*b_)["lastReports"], (json{{"fetching", 1}}));
}

TEST_F(NodesFirmware, sessions_that_a_hub_process_left_hear_what_was_published_meanwhile) {
  make(4);
  const auto device = device_at(*b_, "left-1");
  b_->kill();  // its broker goes on
  publish(*a_, "left-1");
  b_->start();
  EXPECT_EQ(device->next_json("offer")["id"], id);
  EXPECT_TRUE(device->fetch(id, bundle.size()) == whole());
}

TEST_F(NodesFirmware, statements_are_signed_by_one_key_whichever_node_makes_them) {
  const auto key = [this](Hub& at, const std::string& name) {
    const auto path = bench.path(name);
    EXPECT_EQ(at.cli({"firmware", "statement-key", "--out", path}).exit_status, 0);
    return read_text(path);
  };
  const auto first = key(*b_, "key-b.pem");
  EXPECT_EQ(key(*a_, "key-a.pem"), first);
  for (Hub* at : {a_.get(), b_.get()}) {
    EXPECT_FALSE(std::filesystem::exists(at->data() / "firmware" / "statement.key"));
  }
  const auto device = device_at(*b_, "told-1");
  for (int i = 1; i <= 5; ++i) {  // at once: each gets a version of its own
    std::vector<std::future<int>> pins;
    for (int node = 0; node < 2; ++node) {
      Hub& at = node == 0 ? *a_ : *b_;
      const auto eku = "1.3.6.1.4.1.311.97." + std::to_string(10 * i + node);
      pins.push_back(std::async(std::launch::async, [&at, eku] {
        return at.cli({"firmware", "pin", eku}).exit_status;
      }));
    }
    for (auto& pin : pins) EXPECT_EQ(pin.get(), 0);
  }
  EXPECT_EQ(psql("SELECT COUNT(*), MAX(version) FROM firmware_statements WHERE kind = 1"), "10|10\n");
  a_->json({"firmware", "pin", "1.3.6.1.4.1.311.97.7"});
  const auto newest = psql("SELECT encode(body, 'hex') FROM firmware_statements WHERE kind = 1 AND version = 11");
  EXPECT_TRUE(eventually([&] {
    const auto told = device->next("statement");
    return hub::text::hex(ByteView(told)) + "\n" == newest;
  })) << "the device at b hears of what was pinned at a";
}

}  // namespace
}  // namespace latchkey::tests
