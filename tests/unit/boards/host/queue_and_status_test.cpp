// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "boards/host/agent_log.h"
#include "boards/host/event_queue.h"
#include "boards/host/status_file.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::boards::host {
namespace {

using namespace std::chrono_literals;

TEST(EventQueue, keeps_the_order_over_threads) {
  EventQueue queue;
  std::thread poster([&queue] {
    queue.on_connected(true);
    queue.on_subscribed(false);
    queue.on_message("t", ByteView(std::string("payload")));
    queue.on_published();
    queue.on_ended(ports::LinkFailure::kRefused, 5);
    queue.ask_to_stop();
  });
  EXPECT_TRUE(std::get<Connected>(*queue.wait(10s)).session_present);
  EXPECT_FALSE(std::get<Subscribed>(*queue.wait(10s)).granted);
  EXPECT_EQ(std::get<Arrived>(*queue.wait(10s)).topic, "t");
  EXPECT_TRUE(std::holds_alternative<Published>(*queue.wait(10s)));
  EXPECT_EQ(std::get<Ended>(*queue.wait(10s)).detail, 5);
  EXPECT_TRUE(std::holds_alternative<StopAsked>(*queue.wait(10s)));
  poster.join();
  EXPECT_FALSE(queue.wait(0ms).has_value());
}

TEST(EventQueue, a_flood_of_messages_is_bounded_and_never_displaces_an_end) {
  EventQueue queue;
  for (int i = 0; i < 1000; ++i) queue.on_message("t", ByteView(std::string("x")));
  queue.on_ended(ports::LinkFailure::kLost, 0);
  EXPECT_EQ(queue.dropped(), 1000 - EventQueue::kMostMessages);
  for (std::size_t i = 0; i < EventQueue::kMostMessages; ++i) {
    EXPECT_TRUE(std::holds_alternative<Arrived>(*queue.wait(0ms)));
  }
  EXPECT_TRUE(std::holds_alternative<Ended>(*queue.wait(0ms)));
}

TEST(EventQueue, a_huge_message_is_dropped) {
  EventQueue queue;
  queue.on_message("t", ByteView(std::string(EventQueue::kLargestPayload + 1, 'x')));
  EXPECT_EQ(queue.dropped(), 1u);
  EXPECT_FALSE(queue.wait(0ms).has_value());
}

agent::Credential some_credential() {
  agent::Credential credential;
  credential.generation = 3;
  credential.hub.assign("127.0.0.2:8883");
  credential.serial.assign("0a0b");
  credential.not_before = 1'700'000'000'000;
  credential.not_after = 1'700'086'400'000;
  return credential;
}

TEST(StatusJson, has_every_documented_field) {
  const agent::Credential credential = some_credential();
  agent::Summary summary;
  summary.state = agent::State::kLive;
  summary.credential = &credential;
  summary.slot = agent::Slot::kB;
  summary.connected = true;
  summary.telemetry_acked = 4;
  summary.last_refusal.who = agent::RefusedBy::kHub;
  summary.last_refusal.connack = 5;
  summary.last_refusal.message.assign("bell \x07");
  const auto json = nlohmann::json::parse(status_json(summary, "dev-1", 1'700'000'000'123));
  EXPECT_EQ(json["state"], "live");
  EXPECT_EQ(json["since"], "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(json["registration_id"], "dev-1");
  EXPECT_EQ(json["hub"], "127.0.0.2:8883");
  EXPECT_EQ(json["slot"], "b");
  EXPECT_EQ(json["generation"], 3);
  EXPECT_EQ(json["serial"], "0a0b");
  EXPECT_EQ(json["not_after"], "2023-11-15T22:13:20.000Z");
  EXPECT_EQ(json["telemetry_acked"], 4);
  EXPECT_EQ(json["connected"], true);
  EXPECT_EQ(json["last_refusal"]["where"], "hub");
  EXPECT_EQ(json["last_refusal"]["connack"], 5);
  EXPECT_EQ(json["last_refusal"]["message"], "bell ?");
  for (const char* field :
       {"telemetry_sent", "devicebound_count", "provisioned_count", "renewed_count", "not_before", "renew_at"}) {
    EXPECT_TRUE(json.contains(field)) << field;
  }
}

TEST(StatusJson, without_a_credential_keeps_the_types) {
  const auto json = nlohmann::json::parse(status_json(agent::Summary{}, "dev-1", 0));
  for (const char* field : {"hub", "slot", "serial", "not_before", "not_after", "renew_at"}) {
    EXPECT_EQ(json[field], "") << field;
  }
  EXPECT_EQ(json["generation"], 0);
  EXPECT_TRUE(json["last_refusal"].is_null());
}

TEST(StatusFile, is_replaced_as_a_whole_and_says_once_that_it_cannot_be) {
  const tests::TemporaryFolder folder;
  StatusFile file(folder.file("status.json"));
  EXPECT_TRUE(file.update("one"));
  EXPECT_TRUE(file.update("two"));
  std::ostringstream text;
  text << std::ifstream(folder.file("status.json")).rdbuf();
  EXPECT_EQ(text.str(), "two\n");
  EXPECT_FALSE(std::filesystem::exists(folder.file("status.json.new")));
  std::filesystem::remove_all(folder.path());
  EXPECT_FALSE(file.update("three"));
  EXPECT_TRUE(file.update("four")) << "not again and again";
  EXPECT_TRUE(StatusFile("").update("anything"));
}

TEST(AgentLog, texts_of_peers_cannot_forge_lines) {
  agent::Report report;
  report.what = agent::Occurrence::kDpsRefused;
  report.number = 401002;
  report.text = "no\n2026-01-01 dev-1 connected\x1b[0m";
  const std::string line = describe(report);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_NE(line.find("401002"), std::string::npos);
}

TEST(AgentLog, every_occurrence_has_a_line) {
  for (int i = 0; i <= static_cast<int>(agent::Occurrence::kStopped); ++i) {
    agent::Report report;
    report.what = static_cast<agent::Occurrence>(i);
    EXPECT_GT(describe(report).size(), 3u) << i;
    EXPECT_GT(agent::to_string(report.what).size(), 3u);
  }
}

}  // namespace
}  // namespace latchkey::boards::host
