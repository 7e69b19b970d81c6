// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/job.h"

#include <gtest/gtest.h>

namespace latchkey::boards::fleet::program {
namespace {

Job example() {
  Job job;
  job.document = "{\n\"name\": \"x\"}";
  job.changes.devices = 5'000;
  job.changes.duration = 1'500'000;
  job.prefix = "pump-";
  job.out = "/tmp/out folder";
  job.worker = 2;
  job.workers = 3;
  job.shard = {100, 50};
  job.target = {"/data", "127.0.0.1:8883", "127.0.0.2:8883", "0ne1", "/data/ca.pem", "/data/group.key", "/data/clock"};
  job.start_us = 123'456'789;
  job.started_ms = 1'700'000'000'000;
  job.handshakes = 96;
  job.retry_max_ms = 5'000;
  job.slow_retry_ms = 7'000;
  return job;
}

TEST(JobTest, job_survives_the_way_to_a_worker_in_one_line) {
  const Job sent = example();
  const auto line = to_line(sent);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto got = parse_job(line);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->document, sent.document);
  EXPECT_EQ(got->changes.devices, sent.changes.devices);
  EXPECT_EQ(got->changes.seed, std::nullopt);
  EXPECT_EQ(got->changes.duration, sent.changes.duration);
  EXPECT_EQ(got->shard.first, 100u);
  EXPECT_EQ(got->shard.count, 50u);
  EXPECT_EQ(got->target.key_file, sent.target.key_file);
  EXPECT_EQ(got->target.clock_document, sent.target.clock_document);
  EXPECT_EQ(got->start_us, sent.start_us);
  EXPECT_EQ(got->handshakes, 96u);
  EXPECT_EQ(to_line(*got), line);
}

TEST(JobTest, line_that_is_no_job_is_refused) {
  EXPECT_FALSE(parse_job(""));
  EXPECT_FALSE(parse_job("{}"));
  EXPECT_FALSE(parse_job("not json"));
  auto line = to_line(example());
  EXPECT_FALSE(parse_job(line.substr(0, line.size() / 2)));
}

TEST(JobTest, counters_survive_the_way_back) {
  swarm::Counters sent;
  sent.provisioned = 1;
  sent.renewed = 2;
  sent.hub_connects = 3;
  sent.refused = 4;
  sent.failed = 5;
  sent.sent = 6;
  sent.acknowledged = 7;
  sent.connected = 8;
  sent.back = 9;
  sent.broken = 10;
  const auto got = parse_counters(to_line(sent));
  ASSERT_TRUE(got);
  EXPECT_EQ(to_line(*got), "1 2 3 4 5 6 7 8 9 10");
  EXPECT_FALSE(parse_counters("1 2 3"));
  EXPECT_FALSE(parse_counters("problem 1 2 3 4 5 6 7 8 9 10"));
  EXPECT_FALSE(parse_counters("1 2 3 4 5 6 7 8 9 10 11"));
}

TEST(JobTest, every_ending_has_its_word) {
  using history::Ending;
  for (const auto why : {Ending::kTimeUp, Ending::kAllBack, Ending::kInterrupted, Ending::kFailed}) {
    EXPECT_EQ(parse_ending(to_line(why)), why);
  }
  EXPECT_EQ(parse_ending("end"), std::nullopt);
  EXPECT_EQ(parse_ending("end otherwise"), std::nullopt);
}

}  // namespace
}  // namespace latchkey::boards::fleet::program
