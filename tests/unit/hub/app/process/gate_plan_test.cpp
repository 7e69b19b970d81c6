// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/gate_plan.h"

#include <gmock/gmock.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>

#include "hub/app/process/bootstrap.h"
#include "platform/openssl/digest.h"
#include "platform/openssl/openssl_ptr.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::hub::app {
namespace {

using registry::Reason;
using testing::HasSubstr;

// Is that certificate good for who asks for that name or address?
bool covers(const std::filesystem::path& certificate, const std::string& called) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(certificate.c_str(), "r"), std::fclose);
  if (!file) return false;
  const openssl::X509Ptr x509(PEM_read_X509(file.get(), nullptr, nullptr, nullptr));
  return x509 && (is_host_name(called) ? X509_check_host(x509.get(), called.data(), called.size(), 0, nullptr) == 1
                                       : X509_check_ip_asc(x509.get(), called.c_str(), 0) == 1);
}

class GatePlanTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.endpoints = {{"127.0.0.1", 8883}, {"127.0.0.2", 8884}};
    registry_ = std::move(*registry::Registry::open({.path = folder_.file("registry.db")}, openssl::host_digest()));
  }
  GatePlan plan() { return *GatePlan::make(options_, data_, nullptr); }
  static registry::Hub hub(const std::string& name, std::uint8_t id) {
    registry::Hub hub;
    hub.name = name;
    hub.uuid.bytes.front() = id;
    return hub;
  }
  std::vector<Gate::Options> gates(const registry::Hub& hub, const Address& address) {
    auto made = plan().hub(hub, address, *registry_);
    EXPECT_TRUE(made) << made.error().detail;
    return made.value_or(std::vector<Gate::Options>());
  }

  const tests::TemporaryFolder folder_;  // through which the brokers' user may walk
  const DataFolder data_ = std::move(*DataFolder::open(folder_ / "data", false));
  const registry::Hub first_ = hub(kHubName, 1);
  UpOptions options_;
  std::unique_ptr<registry::Registry> registry_;
};

TEST_F(GatePlanTest, one_certificate_is_for_all_that_the_options_name) {
  options_.endpoints.more = {{"127.0.0.3", 8884}};
  options_.https = Address{"127.0.0.4", 443};
  options_.signing = Address{"127.0.0.5", 443};
  options_.advertise = Address{"hub.example.net", 8883};
  options_.server_names = {"dps.example.net", "192.0.2.1"};
  const auto plan = this->plan();
  for (const auto* name : {"localhost", "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5",
                           "hub.example.net", "dps.example.net", "192.0.2.1"}) {
    EXPECT_TRUE(covers(plan.server().certificate, name)) << name;
  }
  EXPECT_FALSE(covers(plan.server().certificate, "127.0.0.6"));
  EXPECT_EQ(plan.dps().certificate, plan.server().certificate);
}

TEST_F(GatePlanTest, dps_keeps_no_sessions_and_sees_no_registry) {
  options_.keep_sessions = true;
  const auto dps = plan().dps();
  EXPECT_EQ(dps.endpoint, brokers::Endpoint::kDps);
  EXPECT_EQ(dps.address.text(), "127.0.0.1:8883");
  EXPECT_FALSE(dps.keep_sessions);
  EXPECT_EQ(dps.registry, nullptr);
  EXPECT_THAT(dps.advice, HasSubstr("--dps"));
  const auto hub = gates(first_, options_.endpoints.hub);
  ASSERT_EQ(hub.size(), 1U);
  EXPECT_TRUE(hub[0].keep_sessions);
  EXPECT_EQ(hub[0].registry, registry_.get());
  EXPECT_THAT(hub[0].advice, HasSubstr("--hub"));
}

TEST_F(GatePlanTest, brokers_of_the_first_hub_share_nothing_but_its_name) {
  options_.hub_brokers = 2;
  options_.hub_front = HubFront::kAddresses;
  options_.endpoints.more = {{"127.0.0.3", 8884}};
  const auto two = gates(first_, options_.endpoints.hub);
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two[0].hub_name, two[1].hub_name);
  EXPECT_NE(two[0].name, two[1].name);
  EXPECT_NE(two[0].files, two[1].files);
  EXPECT_EQ(two[0].address.text(), "127.0.0.2:8884");
  EXPECT_EQ(two[1].address.text(), "127.0.0.3:8884");
  EXPECT_FALSE(two[0].behind_front);
  EXPECT_FALSE(plan().front(first_, options_.endpoints.hub)) << "each is met at its own address";
}

TEST_F(GatePlanTest, front_stands_before_the_first_hub_alone) {
  options_.hub_brokers = 2;
  const auto front = plan().front(first_, options_.endpoints.hub);
  ASSERT_TRUE(front);
  EXPECT_EQ(front->address.text(), "127.0.0.2:8884");
  for (const auto& gate : gates(first_, options_.endpoints.hub)) EXPECT_TRUE(gate.behind_front);
  const Address second{"127.0.0.7", 8883};
  EXPECT_FALSE(plan().front(hub("second", 2), second));
  EXPECT_FALSE(gates(hub("second", 2), second).at(0).behind_front);
}

TEST_F(GatePlanTest, hub_that_was_created_has_one_broker_and_a_certificate_of_its_own) {
  options_.hub_brokers = 2;
  options_.server_names = {"hubs.example.net"};
  const auto one = gates(hub("second", 2), {"127.0.0.7", 8883});
  ASSERT_EQ(one.size(), 1U);
  EXPECT_NE(one[0].files, gates(first_, options_.endpoints.hub).at(0).files);
  EXPECT_NE(one[0].certificate, plan().server().certificate);
  for (const auto* name : {"localhost", "127.0.0.7", "hubs.example.net"}) EXPECT_TRUE(covers(one[0].certificate, name));
  EXPECT_FALSE(covers(one[0].certificate, "127.0.0.2")) << "the first hub's";
  EXPECT_THAT(one[0].advice, HasSubstr("delete the hub"));
}

TEST_F(GatePlanTest, name_that_no_certificate_can_have_is_refused) {
  options_.server_names = {"no address"};
  const auto refused = GatePlan::make(options_, data_, nullptr);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::kInvalidArgument);
}

}  // namespace
}  // namespace latchkey::hub::app
