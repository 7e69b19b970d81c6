// SPDX-License-Identifier: Apache-2.0
// The life of a device: it provisions, connects, talks, is refused or left alone, and comes back.
#include "tests/unit/agent/core/life.h"

namespace latchkey::test {
namespace {

using agent::RecordState;
using agent::State;
using ports::Item;
using ports::LinkFailure;

TEST_F(Life, provisions_connects_and_proves_its_first_credential) {
  device.driver->start();
  EXPECT_EQ(last_connect().host, "dps.example");
  EXPECT_EQ(last_connect().client_id, kDevice);
  EXPECT_EQ(last_connect().username, "0ne00TEST/registrations/dev-1/api-version=2025-07-01-preview");
  EXPECT_EQ(last_connect().password.rfind("SharedAccessSignature sr=0ne00TEST%2Fregistrations%2Fdev-1&sig=", 0), 0u);
  EXPECT_EQ(last_connect().identity, ports::LinkIdentity::kNone);
  EXPECT_EQ(stored(world, Item::kPendingKey).state, RecordState::kPending) << "the key is safe before the CSR leaves";
  device.provision();
  EXPECT_EQ(last_connect().host, "hub.example");
  EXPECT_EQ(last_connect().port, 8884);
  EXPECT_EQ(last_connect().username, "hub.example:8884/dev-1/?api-version=2025-08-01-preview");
  EXPECT_EQ(last_connect().identity, ports::LinkIdentity::kSlotA);
  EXPECT_EQ(last_connect().password, "");
  EXPECT_EQ(stored(world, Item::kSlotA).state, RecordState::kStaged);
  EXPECT_FALSE(world.storage.medium(Item::kPendingKey).has_value()) << "the pending key is in the slot now";
  ASSERT_TRUE(device.hub_accepts());
  EXPECT_EQ(stored(world, Item::kSlotA).state, RecordState::kProven);
  EXPECT_EQ(device.link.subscribes.at(1).filter, "devices/dev-1/messages/devicebound/#");
  EXPECT_EQ(device.link.subscribes.at(2).filter, "$iothub/credentials/res/#");
  EXPECT_EQ(device.summary().provisioned, 1u);
}

TEST_F(Life, slot_file_is_a_key_and_chain_that_openssl_loads) {
  device.become_live();
  const std::string text = stored(world, Item::kSlotA).text;
  const BioPtr key_bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  const Pkey key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  const BioPtr chain_bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  const X509Ptr leaf(PEM_read_bio_X509(chain_bio.get(), nullptr, nullptr, nullptr));
  const X509Ptr issuing(PEM_read_bio_X509(chain_bio.get(), nullptr, nullptr, nullptr));
  ASSERT_TRUE(key && leaf && issuing);
  EXPECT_EQ(X509_check_private_key(leaf.get(), key.get()), 1);
  EXPECT_EQ(X509_check_issued(issuing.get(), leaf.get()), X509_V_OK);
}

TEST_F(Life, waits_as_long_as_retry_after_says) {
  device.driver->start();
  ASSERT_TRUE(device.dps_accepts());
  device.dps_answers(202, R"({"operationId":"5.op","status":"assigning"})", 30);
  device.pass(29'000);
  EXPECT_EQ(device.state(), State::kDpsPollWait);
  EXPECT_TRUE(device.pass_until(State::kDpsPolling, 8'000));
  EXPECT_EQ(device.link.publishes.back().topic,
            "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId=5.op");
}

TEST_F(Life, telemetry_flows_and_acknowledgements_are_counted) {
  device.become_live();
  device.pass(35'000);
  EXPECT_EQ(device.summary().telemetry_sent, 4u);
  EXPECT_EQ(device.link.publishes.back().topic.rfind("devices/dev-1/messages/events/", 0), 0u);
  while (device.link.acknowledge()) {
  }
  EXPECT_EQ(device.summary().telemetry_acked, 4u);
}

TEST_F(Life, revoked_device_goes_back_to_provisioning_and_returns_with_a_new_key) {
  device.become_live();
  const std::string old_csr = device.csr();
  device.link.end(LinkFailure::kLost);
  ASSERT_TRUE(device.pass_until(State::kHubConnecting, 2'000));
  device.link.refuse(5);
  ASSERT_EQ(device.state(), State::kDpsConnecting) << "at once, without waiting";
  EXPECT_EQ(device.summary().last_refusal.who, agent::RefusedBy::kHub);
  EXPECT_EQ(device.summary().last_refusal.connack, 5u);
  device.provision();
  EXPECT_NE(device.csr(), old_csr);
  EXPECT_EQ(last_connect().identity, ports::LinkIdentity::kSlotB);
  EXPECT_EQ(stored(world, Item::kSlotA).state, RecordState::kProven) << "no refusal deletes an identity";
  ASSERT_TRUE(device.hub_accepts());
  EXPECT_EQ(stored(world, Item::kSlotB).generation, 2u);
  EXPECT_EQ(stored(world, Item::kSlotB).state, RecordState::kProven);
}

TEST_F(Life, connack_2_and_4_and_tls_alert_45_lead_to_provisioning_too) {
  for (const auto& [why, detail] :
       {std::pair{LinkFailure::kRefused, 2}, {LinkFailure::kRefused, 4}, {LinkFailure::kTlsAlert, 45}}) {
    World other;
    Device fresh(other);
    fresh.become_live();
    fresh.link.end(LinkFailure::kLost);
    ASSERT_TRUE(fresh.pass_until(State::kHubConnecting, 2'000));
    fresh.link.end(why, detail);
    EXPECT_EQ(fresh.state(), State::kDpsConnecting) << detail;
  }
}

TEST_F(Life, other_failures_are_retried_with_growing_waits) {
  device.become_live();
  device.link.end(LinkFailure::kLost);
  const std::size_t before = device.link.connects.size();
  std::uint64_t waited = 0;
  for (const auto& [why, detail] : {std::pair{LinkFailure::kRefused, 3},
                                    {LinkFailure::kRefused, 1},
                                    {LinkFailure::kUnreachable, 0},
                                    {LinkFailure::kServerNotTrusted, 0},
                                    {LinkFailure::kTlsAlert, 48},
                                    {LinkFailure::kClosedWithoutConnack, 0}}) {
    ASSERT_EQ(device.state(), State::kHubWait) << static_cast<int>(why) << ' ' << detail;
    const std::uint64_t from = world.clock.monotonic();
    ASSERT_TRUE(device.pass_until(State::kHubConnecting, 80'000));
    waited = world.clock.monotonic() - from;
    device.link.end(why, detail);
  }
  EXPECT_GE(waited, 25'000u) << "1 s doubled five times, less 20 %";
  EXPECT_EQ(device.link.connects.size(), before + 6);
}

TEST_F(Life, fifty_failures_in_a_row_lead_to_provisioning) {
  device.become_live();
  device.link.end(LinkFailure::kLost);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(device.pass_until(State::kHubConnecting, 80'000)) << i;
    device.link.end(LinkFailure::kUnreachable);
  }
  EXPECT_EQ(device.state(), State::kDpsConnecting);
  // DPS out of reach as well: the identity was never refused, so it is tried again.
  device.link.end(LinkFailure::kUnreachable);
  ASSERT_TRUE(device.pass_until(State::kHubConnecting, 80'000));
  EXPECT_TRUE(device.hub_accepts());
}

TEST_F(Life, disabled_device_slows_down_and_comes_back_with_the_certificate_it_had) {
  device.become_live();
  device.link.end(LinkFailure::kLost);
  ASSERT_TRUE(device.pass_until(State::kHubConnecting, 2'000));
  device.link.refuse(5);
  ASSERT_TRUE(device.dps_accepts());
  device.dps_answers(200, R"({"operationId":"","status":"disabled"})");
  ASSERT_EQ(device.state(), State::kLeaving);
  device.link.finish_disconnect();
  ASSERT_EQ(device.state(), State::kSlowWait);
  const std::size_t connects = device.link.connects.size();
  device.pass(700'000);
  EXPECT_EQ(device.link.connects.size(), connects) << "not before 12 minutes";
  ASSERT_TRUE(device.pass_until(State::kHubConnecting, 500'000));
  EXPECT_EQ(last_connect().identity, ports::LinkIdentity::kSlotA);
  EXPECT_TRUE(device.hub_accepts());
  EXPECT_EQ(device.summary().provisioned, 1u);
  EXPECT_EQ(stored(world, Item::kSlotA).generation, 1u);
}

TEST_F(Life, while_disabled_each_slow_try_shows_the_identity_then_asks_dps_and_waits_longer) {
  agent::Config config = test_config();
  config.slow_retry_ms = 60'000;
  Device slow(world, config);
  slow.become_live();
  slow.link.end(LinkFailure::kLost);
  ASSERT_TRUE(slow.pass_until(State::kHubConnecting, 2'000));
  std::vector<std::uint64_t> waits;
  for (int i = 0; i < 4; ++i) {
    slow.link.refuse(5);
    ASSERT_TRUE(slow.dps_accepts());
    slow.dps_answers(200, R"({"operationId":"","status":"disabled"})");
    slow.link.finish_disconnect();
    ASSERT_EQ(slow.state(), State::kSlowWait);
    const std::uint64_t from = world.clock.monotonic();
    ASSERT_TRUE(slow.pass_until(State::kHubConnecting, 400'000));
    waits.push_back(world.clock.monotonic() - from);
  }
  EXPECT_LE(waits[0], 73'000u);
  EXPECT_GE(waits[2], 192'000u) << "four times a minute, less 20 %";
  EXPECT_LE(waits[3], 289'000u) << "and not more";
}

TEST_F(Life, dps_401_404_and_failed_slow_down) {
  const std::pair<int, const char*> answers[] = {
      {401, R"({"errorCode":401002,"trackingId":"x","message":"no"})"},
      {404, R"({"errorCode":404201,"message":"unknown"})"},
      {400, "not json"},
      {200, R"({"operationId":"5","status":"failed","registrationState":{"errorCode":404204,"errorMessage":"gone"}})"}};
  for (const auto& [status, body] : answers) {
    World other;
    Device fresh(other);
    fresh.driver->start();
    ASSERT_TRUE(fresh.dps_accepts());
    fresh.dps_answers(status, body);
    ASSERT_EQ(fresh.state(), State::kLeaving) << status;
    fresh.link.finish_disconnect();
    EXPECT_EQ(fresh.state(), State::kSlowWait) << status;
    EXPECT_EQ(fresh.summary().last_refusal.dps_status, static_cast<std::uint32_t>(status));
  }
}

TEST_F(Life, busy_dps_is_asked_again_over_the_same_session) {
  device.driver->start();
  ASSERT_TRUE(device.dps_accepts());
  device.dps_answers(429, R"({"errorCode":429001,"message":"later"})", 20);
  ASSERT_EQ(device.state(), State::kDpsRegisterWait);
  device.pass(19'000);
  EXPECT_EQ(device.state(), State::kDpsRegisterWait);
  ASSERT_TRUE(device.pass_until(State::kDpsRegistering, 6'000));
  device.dps_assigning();
  ASSERT_TRUE(device.pass_until(State::kDpsPolling, 10'000));
  device.dps_answers(500, "");
  ASSERT_EQ(device.state(), State::kDpsPollWait);
  ASSERT_TRUE(device.pass_until(State::kDpsPolling, 10'000));
  device.dps_assigned();
  EXPECT_EQ(device.state(), State::kLeaving);
}

TEST_F(Life, session_cut_during_an_asked_wait_does_not_shorten_the_wait) {
  device.driver->start();
  ASSERT_TRUE(device.dps_accepts());
  device.dps_answers(429, "{}", 40);
  device.link.end(LinkFailure::kLost);
  ASSERT_EQ(device.state(), State::kDpsWait);
  device.pass(39'000);
  EXPECT_EQ(device.state(), State::kDpsWait);
  EXPECT_TRUE(device.pass_until(State::kDpsConnecting, 12'000));
}

TEST_F(Life, silent_dps_times_out) {
  device.driver->start();
  ASSERT_TRUE(device.dps_accepts());
  device.pass(31'000);
  EXPECT_EQ(device.state(), State::kLeaving);
  device.link.finish_disconnect();
  EXPECT_EQ(device.state(), State::kDpsWait);
}

TEST_F(Life, junk_answers_are_survived) {
  device.driver->start();
  ASSERT_TRUE(device.dps_accepts());
  device.link.deliver("$dps/registrations/res/200/?$rid=99", "{}");
  device.link.deliver("$dps/registrations/res/abc/?$rid=1", "{}");
  device.link.deliver("nonsense", std::string_view("\0\xff", 2));
  EXPECT_EQ(device.state(), State::kDpsRegistering);
  EXPECT_EQ(device.summary().strays, 3u);
  device.dps_answers(200, "{\"status\":\"assigned\",");
  EXPECT_EQ(device.state(), State::kDpsRegisterWait) << "unreadable: asked again later";
}

TEST_F(Life, onboarding_certificate_is_shown_instead_of_a_token) {
  agent::Config config = test_config();
  config.onboarding = agent::Onboarding::kCertificate;
  Device other(world, config);
  other.driver->start();
  EXPECT_EQ(other.link.connects.at(0).identity, ports::LinkIdentity::kOnboarding);
  EXPECT_EQ(other.link.connects.at(0).password, "");
  other.link.refuse(5);
  EXPECT_EQ(other.state(), State::kSlowWait);
  EXPECT_EQ(other.summary().last_refusal.who, agent::RefusedBy::kDps);
}

TEST_F(Life, hub_without_renewal_is_a_hub_all_the_same) {
  device.driver->start();
  device.provision();
  ASSERT_TRUE(device.link.accept());
  ASSERT_TRUE(device.link.grant(false));
  ASSERT_TRUE(device.link.grant(false));
  EXPECT_EQ(device.state(), State::kLive);
}

TEST_F(Life, cloud_to_device_messages_are_reported) {
  device.become_live();
  device.link.deliver("devices/dev-1/messages/devicebound/%24.mid=1", "hello");
  EXPECT_EQ(device.summary().devicebound, 1u);
  EXPECT_EQ(device.watcher.reports.back().text, "hello");
  device.link.deliver("devices/dev-2/messages/devicebound/", "not mine");
  EXPECT_EQ(device.summary().devicebound, 1u);
}

TEST_F(Life, stop_closes_the_session_in_order) {
  device.become_live();
  device.driver->stop();
  EXPECT_EQ(device.state(), State::kLeaving);
  EXPECT_EQ(device.link.disconnects, 2u);
  device.link.finish_disconnect();
  EXPECT_EQ(device.state(), State::kStopped);
  device.pass(100'000);
  EXPECT_EQ(device.state(), State::kStopped);
}

TEST_F(Life, stop_without_a_session_is_immediate) {
  device.driver->start();
  device.link.end(LinkFailure::kUnreachable);
  device.driver->stop();
  EXPECT_EQ(device.state(), State::kStopped);
}

}  // namespace
}  // namespace latchkey::test
