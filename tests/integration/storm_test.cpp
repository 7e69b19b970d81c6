// SPDX-License-Identifier: Apache-2.0
// A wave of devices at a hub with little room: what does not fit is told to come again and comes again, nobody is lost,
// another policy is served meanwhile, and live sessions go on.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/bench/wave.h"
#include "tests/integration/hub_cohort.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;

constexpr std::size_t kWaiting = 16;  // registrations that the hub lets wait
constexpr std::size_t kWave = 400;
constexpr std::size_t kOthers = 12;
constexpr double kLongS = 300;  // far longer than it takes

// Prints the samples without labels, as one JSON object.
constexpr const char* kReader = R"py(
import json, sys, urllib.request
from prometheus_client.parser import text_string_to_metric_families
answer = urllib.request.urlopen(sys.argv[1], timeout=30)
print(json.dumps({sample.name: sample.value for family in text_string_to_metric_families(answer.read().decode())
                  for sample in family.samples if not sample.labels}))
)py";

class Storm : public testing::Test {
 protected:
  static Hub::Options options() {
    Hub::Options options;
    options.retry_after_s = 1;
    options.more = {"--registrations-waiting", std::to_string(kWaiting), "--metrics", "127.0.0.1:0"};
    return options;
  }
  Storm() : hub(options()) { hub.start(); }

  json numbers() {
    const auto endpoints = json::parse(read_text(hub.data() / "endpoints.json"));
    const auto finished = run(
        {LATCHKEY_SYSTEM_PYTHON, "-c", kReader, "http://" + endpoints.at("metrics").get<std::string>() + "/metrics"});
    EXPECT_EQ(finished.exit_status, 0) << finished.err;
    return finished.exit_status == 0 ? json::parse(finished.out) : json::object();
  }
  // All of them at one time, until every one has its chain.
  bench::WaveFigures provision(const std::vector<bench::WaveDevice>& devices) {
    bench::Wave wave(hub);
    bench::WavePlan plan;
    plan.at_once = devices.size();
    plan.seconds = kLongS;
    std::size_t next = 0;
    return wave.run(devices, next, plan);
  }

  Hub hub;
};

// One device that says something over and over, and hears of each message that it arrived.
class Talker {
 public:
  Talker(Hub& hub, const std::string& id)
      : topic_("devices/" + id + "/messages/events/"), client_(hub.hub_options(id, hub.provision(id))) {
    EXPECT_EQ(client_.connect().seen, Seen::kAccepted);
    EXPECT_EQ(client_.subscribe("$iothub/twin/res/#"), 1);
    thread_ = std::thread([this] { talk(); });
  }
  ~Talker() { stop(); }
  void stop() {
    ending_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int acknowledged() const { return acknowledged_; }
  int answered() const { return answered_; }
  int unheard() const { return unheard_; }

 private:
  void talk() {
    for (int i = 0; !ending_; ++i) {
      client_.publish(topic_, "21.5") ? ++acknowledged_ : ++unheard_;
      client_.publish("$iothub/twin/GET/?$rid=" + std::to_string(i), "");
      client_.wait_message([](const Message&) { return true; }) ? ++answered_ : ++unheard_;
    }
  }
  const std::string topic_;
  DeviceClient client_;
  std::atomic<bool> ending_ = false;
  std::atomic<int> acknowledged_ = 0, answered_ = 0, unheard_ = 0;
  std::thread thread_;
};

TEST_F(Storm, wave_is_served_within_bounds_and_holds_up_nobody_else) {
  Cohort cohort(hub, "other");
  Talker talker(hub, "live-1");
  const auto before = numbers();
  EXPECT_EQ(before.at("latchkey_registrations_turned_away_total"), 0.0) << "a calm hub turns nobody away";
  EXPECT_EQ(before.at("latchkey_registrations_retry_after_seconds"), 0.0);

  const auto wave = bench::make_wave(hub, "wave-", kWave);
  const auto others = bench::make_wave(hub, "other-", kOthers, enrollment_key(hub, "other", true));
  bench::WaveFigures served;
  bench::WaveFigures served_others;
  std::atomic<bool> over = false;
  std::thread first([&] {
    served = provision(wave);
    over = true;
  });
  std::thread second([&] { served_others = provision(others); });
  const int said_before = talker.acknowledged();
  double most_waiting = 0;
  do {
    most_waiting = std::max(most_waiting, numbers().value("latchkey_registrations_waiting", 1e9));
  } while (!over);
  first.join();
  second.join();
  const int said_after = talker.acknowledged();
  talker.stop();

  EXPECT_EQ(served.done_s.size(), kWave) << "nobody is lost";
  EXPECT_EQ(served.left + served.refused, 0U);
  EXPECT_EQ(served_others.done_s.size(), kOthers);
  EXPECT_LE(most_waiting, static_cast<double>(kWaiting));
  EXPECT_GT(said_after, said_before) << "live sessions go on meanwhile";
  EXPECT_EQ(talker.unheard(), 0);
  EXPECT_GE(talker.answered(), said_after - 1);

  const auto after = numbers();
  const auto grown = [&](const std::string& name) {
    return after.at(name).get<double>() - before.at(name).get<double>();
  };
  EXPECT_GE(grown("latchkey_registrations_admitted_total"), static_cast<double>(kWave + kOthers));
  const auto told = static_cast<double>(served.told_s.size() + served_others.told_s.size());
  EXPECT_GT(told, 0) << "the wave was to be larger than the room";
  EXPECT_GE(grown("latchkey_registrations_turned_away_total"), told);
  EXPECT_EQ(after.at("latchkey_registrations_waiting"), 0.0);
  EXPECT_EQ(after.at("latchkey_registrations_running"), 0.0);
  EXPECT_GT(after.at("latchkey_registrations_per_second"), 0.0);
  for (const auto seconds : served.told_s) {
    EXPECT_GE(seconds, 1U);
    EXPECT_LE(seconds, 600U);
  }
}

TEST_F(Storm, calm_hub_answers_as_it_always_did) {
  const auto devices = bench::make_wave(hub, "calm-", 3);
  for (const auto& device : devices) {
    const auto figures = provision({device});
    EXPECT_EQ(figures.done_s.size(), 1U);
    EXPECT_EQ(figures.told_s.size(), 0U);
    EXPECT_EQ(figures.broken, 0U);
  }
  EXPECT_EQ(numbers().at("latchkey_registrations_turned_away_total"), 0.0);
}

}  // namespace
}  // namespace latchkey::tests
