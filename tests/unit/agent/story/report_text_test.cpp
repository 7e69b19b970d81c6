// SPDX-License-Identifier: Apache-2.0
#include "agent/story/report_text.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace latchkey::agent {
namespace {

std::string sentence(const Report& report) {
  std::array<std::uint8_t, 256> room;
  TextWriter out(room);
  put_report(out, report);
  return std::string(out.finish().value_or("<does not fit>"));
}

TEST(ReportText, every_occurrence_has_a_sentence_of_its_own) {
  std::set<std::string> all;
  for (int i = 0; i <= static_cast<int>(Occurrence::kStopped); ++i) {
    const std::string text = sentence({static_cast<Occurrence>(i), 1, "x", 0});
    EXPECT_GT(text.size(), 3u) << i;
    EXPECT_TRUE(all.insert(text).second) << text;
  }
}

TEST(ReportText, reason_and_next_step_stand_in_the_sentence) {
  EXPECT_EQ(sentence({Occurrence::kConnectionFailed, static_cast<std::uint32_t>(ports::LinkFailure::kUnreachable),
                      "hub", 12'340}),
            "hub: unreachable, next try in 12.3 s");
  EXPECT_EQ(sentence({Occurrence::kIdentityRefused, 5, "hub", 0}), "refused by hub (code 5)");
  EXPECT_EQ(sentence({Occurrence::kStorageFailed, static_cast<std::uint32_t>(Status::kStorageFull), "record", 0}),
            "storage failed: record: " + std::string(to_string(Status::kStorageFull)));
  EXPECT_EQ(sentence({Occurrence::kClockDoubted, 90, "behind", 0}),
            "the clock is doubted, it is behind, by minutes: 90");
}

TEST(ReportText, without_a_credential_it_says_so) {
  EXPECT_EQ(sentence({Occurrence::kStarted, 0, "", 0}), "started without an operational credential");
  EXPECT_EQ(sentence({Occurrence::kStarted, 3, "slot B", 0}), "started with slot B, generation 3");
}

TEST(ReportText, every_failure_of_a_link_has_a_name) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(ports::LinkFailure::kLocal); ++i) {
    EXPECT_TRUE(names.insert(to_string(static_cast<ports::LinkFailure>(i))).second) << i;
  }
  EXPECT_EQ(to_string(static_cast<ports::LinkFailure>(99)), "?");
}

TEST(ReportText, texts_of_peers_are_cut_and_cannot_forge_lines) {
  const std::string hostile = "no\n0.000 live: connected\x1b[0m" + std::string(500, 'x');
  const std::string text = sentence({Occurrence::kDpsRefused, UINT32_MAX, hostile, UINT64_MAX});
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("4294967295"), std::string::npos);
  EXPECT_LE(text.size(), 256u);
}

}  // namespace
}  // namespace latchkey::agent
