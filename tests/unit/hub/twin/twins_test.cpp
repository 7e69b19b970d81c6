// SPDX-License-Identifier: Apache-2.0
#include "hub/twin/twins.h"

#include <thread>

#include "tests/unit/hub/twin/world.h"

namespace latchkey::hub::twin {
namespace {

class TwinsTest : public TwinTest {
 protected:
  TwinsTest() : twins(*registry, presence, outbox, {"default", [] { return test::kNow; }, 65'536}) {}

  // The one answer, by its status.
  int report(const Speaker& speaker, const std::string& body, std::optional<std::uint64_t> base = {}) {
    twins.report(speaker, "7", base, view_of(body));
    last = outbox.only();
    EXPECT_EQ(last.connection, speaker.connection);
    return std::stoi(last.topic.substr(std::string("$iothub/twin/res/").size()));
  }
  Json shown(const std::string& id = "dev-1") { return Json::parse(twins.show(id)->body); }
  registry::Outcome<Twins::Shown> write(const Json& body, std::optional<std::string> etag = {},
                                        Twins::Write how = Twins::Write::kMerge, const std::string& id = "dev-1") {
    LATCHKEY_TRY(written, twins.write(call(), id, how, body.dump(), etag));
    return written.shown;
  }
  static Json desired(const Json& value) { return {{"properties", {{"desired", value}}}}; }

  Twins twins;
  Sent last;
};

TEST_F(TwinsTest, device_that_was_never_written_has_an_empty_twin) {
  twins.get(connect("dev-1"), "abc");
  const auto sent = outbox.only();
  EXPECT_EQ(sent.topic, "$iothub/twin/res/200/?$rid=abc");
  EXPECT_EQ(sent.json(), Json::parse(R"({"desired":{"$version":1},"reported":{"$version":1}})"));
  const Json twin = shown();
  EXPECT_EQ(twin["etag"], "AAAAAAAAAAE=");
  EXPECT_EQ(twin["version"], 1);
  EXPECT_EQ(twin["status"], "enabled");
  EXPECT_EQ(twin["connectionState"], "Connected");
  EXPECT_EQ(shown("dev-2")["connectionState"], "Disconnected");
}

TEST_F(TwinsTest, report_is_answered_204_with_its_version_and_an_empty_body) {
  const auto device = connect("dev-1");
  EXPECT_EQ(report(device, R"({"rate":5})"), 204);
  EXPECT_EQ(last.topic, "$iothub/twin/res/204/?$rid=7&$version=2");
  EXPECT_EQ(last.payload, "");
  EXPECT_EQ(report(device, R"({"rate":null,"led":{"on":true}})"), 204);
  EXPECT_EQ(last.topic, "$iothub/twin/res/204/?$rid=7&$version=3");
  twins.get(device, "x");
  EXPECT_EQ(outbox.only().json()["reported"], Json::parse(R"({"led":{"on":true},"$version":3})"));
}

TEST_F(TwinsTest, report_that_breaks_a_rule_changes_nothing) {
  const auto device = connect("dev-1");
  report(device, R"({"rate":5})");
  const Json before = shown();
  struct Case {
    std::string body;
    int code;
  };
  const Case cases[] = {{"", 400006},
                        {"not json", 400006},
                        {"[1]", 400006},
                        {R"({"a.b":1})", 400004},
                        {R"({"$version":1})", 400004},
                        {R"({"a":")" + std::string(5000, 'x') + "\"}", 400004},
                        {std::string(70'000, ' ') + "{}", 400004}};
  for (const auto& one : cases) {
    EXPECT_EQ(report(device, one.body), 400) << one.body.substr(0, 40);
    const Json error = last.json();
    EXPECT_EQ(error["errorCode"], one.code) << one.body.substr(0, 40);
    for (const char* name : {"message", "trackingId", "timestampUtc"}) EXPECT_TRUE(error[name].is_string());
  }
  EXPECT_EQ(shown(), before);
}

TEST_F(TwinsTest, report_beyond_32_kb_is_refused_and_the_twin_stays) {
  const auto device = connect("dev-1");
  Json half = Json::object();
  for (int i = 0; i < 5; ++i) half["a" + std::to_string(i)] = std::string(4000, 'x');
  EXPECT_EQ(report(device, half.dump()), 204);
  Json other = Json::object();
  for (int i = 0; i < 5; ++i) other["b" + std::to_string(i)] = std::string(4000, 'x');
  EXPECT_EQ(report(device, other.dump()), 400);
  EXPECT_FALSE(shown()["properties"]["reported"].contains("b0"));
}

TEST_F(TwinsTest, report_that_builds_on_another_version_is_412) {
  const auto device = connect("dev-1");
  EXPECT_EQ(report(device, R"({"a":1})", 1), 204);
  EXPECT_EQ(report(device, R"({"a":2})", 1), 412);
  EXPECT_EQ(last.json()["errorCode"], 412001);
  EXPECT_EQ(report(device, R"({"a":2})", 2), 204);
}

TEST_F(TwinsTest, report_of_a_session_from_before_a_revocation_is_refused) {
  const auto device = connect("dev-1");
  registry.must(registry->revoke_device(call(), "default", "dev-1", false));
  EXPECT_EQ(report(device, R"({"a":1})"), 503);
  EXPECT_FALSE(shown()["properties"]["reported"].contains("a"));
}

TEST_F(TwinsTest, deleted_device_has_no_twin_and_its_successor_a_new_one) {
  const auto device = connect("dev-1");
  report(device, R"({"a":1})");
  ASSERT_TRUE(write(desired({{"b", 1}})));
  outbox.take();
  registry.must(registry->delete_device(call(), "default", "dev-1"));
  EXPECT_EQ(report(device, R"({"a":2})"), 404);
  EXPECT_EQ(last.json()["errorCode"], 404001);
  twins.get(device, "8");
  EXPECT_EQ(outbox.only().topic, "$iothub/twin/res/404/?$rid=8");
  EXPECT_EQ(twins.show("dev-1").error().reason, Reason::kNotFound);
  registry.must(registry->create_device(call(), "default", "dev-1"));
  EXPECT_EQ(shown()["version"], 1);
  EXPECT_EQ(shown()["properties"]["reported"]["$version"], 1);
}

TEST_F(TwinsTest, desired_change_is_told_to_the_device_with_its_version) {
  const auto device = connect("dev-1");
  connect("dev-2");
  ASSERT_TRUE(write(desired({{"rate", 5}, {"led", {{"on", nullptr}}}})));
  const auto sent = outbox.only();
  EXPECT_EQ(sent.connection, device.connection);
  EXPECT_EQ(sent.topic, "$iothub/twin/PATCH/properties/desired/?$version=2");
  EXPECT_EQ(sent.json(), Json::parse(R"({"rate":5,"led":{"on":null},"$version":2})"));
}

TEST_F(TwinsTest, replacement_is_told_as_the_difference) {
  ASSERT_TRUE(write(desired({{"old", 1}, {"kept", 2}})));
  connect("dev-1");
  ASSERT_TRUE(write(desired({{"kept", 2}, {"fresh", 3}}), {}, Twins::Write::kReplace));
  EXPECT_EQ(outbox.only().json(), Json::parse(R"({"old":null,"fresh":3,"$version":3})"));
  Json now = shown()["properties"]["desired"];
  now.erase("$metadata");
  EXPECT_EQ(now, Json::parse(R"({"kept":2,"fresh":3,"$version":3})"));
}

TEST_F(TwinsTest, device_that_is_away_reads_what_is_desired_when_it_is_back) {
  ASSERT_TRUE(write(desired({{"rate", 5}})));
  EXPECT_TRUE(outbox.take().empty());
  twins.get(connect("dev-1"), "1");
  EXPECT_EQ(outbox.only().json()["desired"], Json::parse(R"({"rate":5,"$version":2})"));
}

TEST_F(TwinsTest, tags_are_the_operators_alone) {
  const auto device = connect("dev-1");
  ASSERT_TRUE(write({{"tags", {{"plant", "north"}}}}));
  EXPECT_TRUE(outbox.take().empty());
  twins.get(device, "1");
  EXPECT_EQ(outbox.only().payload.find("north"), std::string::npos);
  EXPECT_EQ(shown()["tags"], Json({{"plant", "north"}}));
  EXPECT_EQ(shown()["properties"]["desired"]["$version"], 1);
}

TEST_F(TwinsTest, etag_guards_what_operators_write_and_not_what_devices_report) {
  const std::string first = twins.show("dev-1")->etag;
  report(connect("dev-1"), R"({"a":1})");
  const auto second = write(desired({{"b", 1}}), first);
  ASSERT_TRUE(second);
  EXPECT_NE(second->etag, first);
  EXPECT_EQ(write(desired({{"b", 2}}), first).error().reason, Reason::kPreconditionFailed);
  EXPECT_EQ(newest_audit().outcome, registry::to_string(Reason::kPreconditionFailed));
  EXPECT_EQ(shown()["properties"]["desired"]["b"], 1);
  EXPECT_TRUE(write(desired({{"b", 2}}), second->etag));
  EXPECT_EQ(shown()["version"], 4);
}

TEST_F(TwinsTest, twin_that_was_read_can_be_written_back) {
  ASSERT_TRUE(write(desired({{"b", {{"c", 1}}}})));
  Json read = shown();
  read["properties"]["desired"]["b"]["c"] = 2;
  ASSERT_TRUE(write(read, read["etag"].get<std::string>(), Twins::Write::kReplace));
  EXPECT_EQ(shown()["properties"]["desired"]["b"]["c"], 2);
}

TEST_F(TwinsTest, write_that_breaks_a_rule_is_refused_and_changes_nothing) {
  const Json before = shown();
  const Json malformed[] = {Json::object(),
                            {{"colour", 1}},
                            {{"tags", 5}},
                            {{"tags", nullptr}},
                            {{"properties", 5}},
                            {{"properties", {{"desired", 5}}}},
                            {{"properties", {{"wanted", Json::object()}}}},
                            {{"etag", "x"}}};
  for (const auto& body : malformed) {
    const auto refused = write(body);
    ASSERT_FALSE(refused) << body.dump();
    EXPECT_EQ(refused.error().reason, Reason::kMalformedRequest) << body.dump();
  }
  EXPECT_EQ(write({{"properties", {{"reported", {{"a", 1}}}}}}).error().reason, Reason::kImmutableProperty);
  Json large = Json::object();
  for (int i = 0; i < 3; ++i) large["k" + std::to_string(i)] = std::string(4000, 'x');
  for (const auto& body : {desired({{"a b", 1}}), desired({{"in", {{"$x", 1}}}}), Json{{"tags", large}}}) {
    EXPECT_EQ(write(body).error().reason, Reason::kInvalidArgument) << body.dump().substr(0, 60);
  }
  EXPECT_EQ(shown(), before);
  EXPECT_EQ(write(desired({{"a", 1}}), {}, Twins::Write::kMerge, "nobody").error().reason, Reason::kNotFound);
}

TEST_F(TwinsTest, writes_at_one_time_are_all_kept_and_told_in_order) {
  connect("dev-1");
  constexpr int kWriters = 4;
  constexpr int kEach = 10;
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([this, w] {
      for (int i = 0; i < kEach; ++i) {
        EXPECT_TRUE(write(desired({{"k" + std::to_string(w) + "-" + std::to_string(i), i}})));
      }
    });
  }
  for (auto& one : writers) one.join();
  EXPECT_EQ(shown()["properties"]["desired"]["$version"], 1 + kWriters * kEach);
  std::uint64_t version = 1;
  for (const auto& sent : outbox.take()) EXPECT_EQ(sent.json()["$version"], ++version);
  EXPECT_EQ(version, 1u + kWriters * kEach);
}

TEST_F(TwinsTest, what_the_twins_of_another_hub_wrote_is_told_to_who_is_connected_here) {
  Presence nobody_there;
  FakeOutbox outbox_there;
  Twins there(*registry, nobody_there, outbox_there, {"default", [] { return test::kNow; }, 65'536});
  const auto device = connect("dev-1");
  const auto written = there.write(call(), "dev-1", Twins::Write::kMerge, desired({{"rate", 5}}).dump(), {});
  ASSERT_TRUE(written);
  ASSERT_TRUE(written->notice);
  EXPECT_TRUE(outbox_there.take().empty());
  twins.pass_on("dev-2", *written->notice);
  EXPECT_TRUE(outbox.take().empty()) << "it is not connected";
  twins.pass_on("dev-1", *written->notice);
  const auto told = outbox.only();
  EXPECT_EQ(told.connection, device.connection);
  EXPECT_EQ(told.topic, "$iothub/twin/PATCH/properties/desired/?$version=2");
  EXPECT_EQ(told.json(), Json::parse(R"({"rate":5,"$version":2})"));
}

TEST_F(TwinsTest, change_of_tags_alone_is_no_notice) {
  const auto written = twins.write(call(), "dev-1", Twins::Write::kMerge, R"({"tags":{"floor":3}})", {});
  ASSERT_TRUE(written);
  EXPECT_FALSE(written->notice);
}

}  // namespace
}  // namespace latchkey::hub::twin
