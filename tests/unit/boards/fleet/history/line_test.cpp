// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "boards/fleet/history/text.h"

namespace latchkey::boards::fleet::history {
namespace {

std::string line_of(TimeUs time, Device device, const Body& body) {
  std::string line;
  append_line(line, time, device, body);
  return line;
}

// There and back.
template <class T>
T again(const T& body, Device device = 7) {
  std::string line = line_of(1234, device, body);
  EXPECT_EQ(line.back(), '\n');
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  line.pop_back();
  std::string why;
  const auto record = parse_line(line, why);
  EXPECT_TRUE(record.has_value()) << line << " " << why;
  if (!record || !std::holds_alternative<T>(record->body)) return T{};
  EXPECT_EQ(record->time, 1234);
  EXPECT_EQ(record->device, device);
  return std::get<T>(record->body);
}

std::string fault_of(std::string_view line) {
  std::string why;
  return parse_line(line, why) ? "read" : why;
}

TEST(Line, has_the_names_that_the_readme_promises) {
  EXPECT_EQ(line_of(1500, 17, Connected{Service::kHub, 2}),
            "{\"k\":\"connected\",\"t\":1500,\"d\":17,\"service\":\"hub\",\"generation\":2}\n");
  EXPECT_EQ(line_of(0, kNoDevice, RunEnded{Ending::kInterrupted, ""}),
            "{\"k\":\"end\",\"t\":0,\"why\":\"interrupted\"}\n");
}

TEST(Line, every_kind_is_read_as_it_was_written) {
  const RunBegun run{
      "morning", "{\"name\":\"morning\"}", 18446744073709551615U, 5000, "fleet-", 1763762400123, 2, 3, 2500, 2500};
  EXPECT_EQ(again(run, kNoDevice), run);
  EXPECT_EQ(again(Due{Cause::kWake, 900}), (Due{Cause::kWake, 900}));
  EXPECT_EQ(again(Asleep{5000}), Asleep{5000});
  EXPECT_EQ(again(Asleep{}), Asleep{kNever});
  EXPECT_EQ(again(Connecting{Service::kDps, 0}), (Connecting{Service::kDps, 0}));
  EXPECT_EQ(again(Connected{Service::kHub, 3}), (Connected{Service::kHub, 3}));
  const Refused refused{Service::kDps, RefusedBy::kDps, 401002, "no such \"group\"\n\xff"};
  EXPECT_EQ(again(refused).code, 401002U);
  EXPECT_EQ(again(refused).message, "no such \"group\"\n\xEF\xBF\xBD");
  EXPECT_EQ(again(Ended{Service::kHub, true, Why::kCut, -3}), (Ended{Service::kHub, true, Why::kCut, -3}));
  const Stored stored{2, "0a1b", "feed", 1764367200000, true};
  EXPECT_EQ(again(stored), stored);
  EXPECT_EQ(again(Load{560000, 12345, 9999}, kNoDevice), (Load{560000, 12345, 9999}));
  const Process process{"hub broker", 4711, 316'000, 98765};
  EXPECT_EQ(again(process, kNoDevice), process);
  const ActBegun act{1, ActKind::kDisableDevices, "lost", "default", {3, 5, 4999}, true};
  EXPECT_EQ(again(act, kNoDevice), act);
  EXPECT_EQ(again(ActAnswered{1, false, "no"}, kNoDevice), (ActAnswered{1, false, "no"}));
  EXPECT_EQ(again(Fault{FaultKind::kClockSkew, true, -3'600'000}), (Fault{FaultKind::kClockSkew, true, -3'600'000}));
  EXPECT_EQ(again(RunEnded{Ending::kAllBack, ""}, kNoDevice), (RunEnded{Ending::kAllBack, ""}));
}

TEST(Line, a_histogram_keeps_its_buckets) {
  Telemetry telemetry;
  telemetry.sent = 12;
  telemetry.acknowledged = 11;
  telemetry.from_sent.add(900, 10);
  telemetry.from_sent.add(77'000);
  const auto read = again(telemetry, kNoDevice);
  EXPECT_EQ(read.sent, 12U);
  EXPECT_EQ(read.acknowledged, 11U);
  EXPECT_EQ(read.from_sent.used(), telemetry.from_sent.used());
  EXPECT_TRUE(read.from_due.empty());
}

TEST(Line, a_long_text_is_cut) {
  EXPECT_EQ(again(Refused{Service::kHub, RefusedBy::kTls, 45, std::string(5000, 'x')}).message, std::string(200, 'x'));
}

TEST(Line, what_is_no_record_is_refused_with_the_reason) {
  EXPECT_EQ(fault_of("{\"k\":\"connec"), "not a JSON object");
  EXPECT_EQ(fault_of("[]"), "not a JSON object");
  EXPECT_EQ(fault_of(R"({"k":"vanished","t":1,"d":1})"), "no record: kind 'vanished'");
  EXPECT_EQ(fault_of(R"({"t":1,"d":1})"), "no record: kind ''");
  EXPECT_EQ(fault_of(R"({"k":"connected","d":1,"service":"hub","generation":1})"), "no record: member 't'");
  EXPECT_EQ(fault_of(R"({"k":"connected","t":1,"d":1,"service":"mail","generation":1})"),
            "no record: member 'service'");
  EXPECT_EQ(fault_of(R"({"k":"connected","t":1,"d":1,"service":"hub","generation":-1})"),
            "no record: member 'generation'");
  EXPECT_EQ(fault_of(R"({"k":"connected","t":1,"service":"hub","generation":1})"),
            "no record: 'connected' without a device");
  EXPECT_EQ(fault_of(R"({"k":"connected","t":1,"d":4294967296,"service":"hub","generation":1})"),
            "no record: member 'd'");
  EXPECT_EQ(fault_of(R"({"k":"telemetry","t":1,"sent":1,"acknowledged":1,"from_sent":[1,2,3]})"),
            "no record: member 'from_sent'");
  EXPECT_EQ(fault_of(R"({"k":"telemetry","t":1,"sent":1,"acknowledged":1,"from_sent":[99999,2]})"),
            "no record: member 'from_sent'");
  EXPECT_EQ(fault_of(R"({"k":"run","t":0,"version":2,"seed":1,"devices":1,"started_ms":0,"worker":0,"workers":1,)"
                     R"("first":0,"count":0})"),
            "no record: member 'version'");
}

TEST(DeviceName, counts_from_one_with_six_digits) {
  EXPECT_EQ(device_name("fleet-", 0), "fleet-000001");
  EXPECT_EQ(device_name("p", 999'999), "p1000000");
}

}  // namespace
}  // namespace latchkey::boards::fleet::history
