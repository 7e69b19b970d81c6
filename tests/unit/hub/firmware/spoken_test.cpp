// SPDX-License-Identifier: Apache-2.0
#include "hub/firmware/spoken.h"

#include "tests/unit/hub/firmware/world.h"

namespace latchkey::hub::firmware {
namespace {

const std::string kDigest(64, 'a');

json whole() {
  return {{"report", "refused"}, {"reason", "tooOld"}, {"id", kDigest},    {"version", "1.2.3"},
          {"board", "pump"},     {"pins", 3},          {"revocations", 4}, {"image", std::string(64, 'B')}};
}
std::optional<SpokenReport> read(const json& body) { return read_report(ByteView(body.dump())); }

TEST(SpokenReports, everything_that_is_said_is_read) {
  const auto spoken = read(whole());
  ASSERT_TRUE(spoken);
  EXPECT_EQ(spoken->report.event, Event::kRefused);
  EXPECT_EQ(spoken->report.reason, "tooOld");
  EXPECT_EQ(spoken->report.version, "1.2.3");
  EXPECT_EQ(spoken->report.board, "pump");
  EXPECT_EQ(spoken->report.pins, 3u);
  EXPECT_EQ(spoken->report.revocations, 4u);
  EXPECT_EQ(spoken->report.image, Bytes(32, 0xBB));
  EXPECT_EQ(spoken->bundle, Bytes(32, 0xAA));
}

TEST(SpokenReports, what_has_a_meaning_when_it_is_not_there_may_be_missing_and_unknown_members_are_passed_over) {
  auto body = whole();
  for (const char* name : {"reason", "id", "image", "pins", "revocations"}) body.erase(name);
  body["later"] = {{"a", 1}};
  const auto spoken = read(body);
  ASSERT_TRUE(spoken);
  EXPECT_TRUE(spoken->bundle.empty());
  EXPECT_TRUE(spoken->report.image.empty());
  EXPECT_EQ(spoken->report.reason, "");
  EXPECT_EQ(spoken->report.pins, 0u);
  EXPECT_EQ(spoken->report.revocations, 0u);
}

TEST(SpokenReports, members_that_are_missing_or_wrong_are_refused) {
  for (const char* name : {"report", "version", "board"}) {
    auto body = whole();
    body.erase(name);
    EXPECT_FALSE(read(body)) << name;
  }
  const std::pair<const char*, json> wrong[] = {{"report", "Hello"},
                                                {"report", 1},
                                                {"reason", std::string(65, 'x')},
                                                {"reason", "two words"},
                                                {"version", "1.2.0-rc1"},
                                                {"board", "a\"b"},
                                                {"id", "ab"},
                                                {"id", std::string(64, 'g')},
                                                {"id", 7},
                                                {"version", "a\nb"},
                                                {"version", ""},
                                                {"board", std::string(65, 'x')},
                                                {"board", "p\xc3\xbcmp"},
                                                {"pins", -1},
                                                {"pins", "3"},
                                                {"pins", 1.5},
                                                {"pins", ~std::uint64_t{0}},
                                                {"revocations", nullptr},
                                                {"image", std::string(66, 'a')}};
  for (const auto& [name, value] : wrong) {
    auto body = whole();
    body[name] = value;
    EXPECT_FALSE(read(body)) << name << " " << value;
  }
}

TEST(SpokenReports, what_is_no_object_or_too_long_is_refused) {
  for (const std::string text : {"", "null", "[]", "{", "hello"}) {
    EXPECT_FALSE(read_report(ByteView(text))) << text;
  }
  auto body = whole();
  body["later"] = std::string(agent::firmware::kReportMax - body.dump().size() - 11, ' ');
  ASSERT_EQ(body.dump().size(), agent::firmware::kReportMax);
  EXPECT_TRUE(read(body));
  body["later"] = body["later"].get<std::string>() + " ";
  EXPECT_FALSE(read(body));
}

}  // namespace
}  // namespace latchkey::hub::firmware
