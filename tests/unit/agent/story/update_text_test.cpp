// SPDX-License-Identifier: Apache-2.0
#include "agent/story/update_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace latchkey::agent {
namespace {

using Kind = UpdateReport::Kind;
using State = Updater::State;

std::string sentence(const UpdateReport& report) {
  std::array<std::uint8_t, 128> room;
  TextWriter out(room);
  put_update(out, report);
  return std::string(out.finish().value_or("<does not fit>"));
}
std::string sentence(const Result<StatementKind>& taken, const UpdateSummary& held) {
  std::array<std::uint8_t, 128> room;
  TextWriter out(room);
  put_statement(out, taken, held);
  return std::string(out.finish().value_or("<does not fit>"));
}
nlohmann::json status(const UpdateSummary& summary) {
  std::array<std::uint8_t, kMaxUpdateStatus> room;
  TextWriter out(room);
  put_update_status(out, summary);
  return nlohmann::json::parse(std::string(out.finish().value_or("<does not fit>")));
}

TEST(UpdateText, every_report_has_a_sentence_of_its_own_that_fits) {
  std::set<std::string> all;
  for (int i = 1; i <= static_cast<int>(Kind::kUpToDate); ++i) {
    const std::string text =
        sentence({static_cast<Kind>(i), Reason::kMissingDependency, {UINT32_MAX, UINT32_MAX, UINT32_MAX}, {}});
    EXPECT_NE(text, "<does not fit>") << i;
    EXPECT_TRUE(all.insert(text).second) << text;
  }
}

TEST(UpdateText, says_which_version_and_why) {
  EXPECT_EQ(sentence({Kind::kConfirmed, Reason::kGood, {1, 2, 0}, {}}), "firmware 1.2.0 confirmed: it stays");
  EXPECT_EQ(sentence({Kind::kRefused, Reason::kWrongBoard, {}, {}}), "firmware refused: wrongBoard");
  EXPECT_EQ(sentence({Kind::kGoingBack, Reason::kGood, {1, 0, 0}, {}}), "going back to firmware 1.0.0");
}

TEST(UpdateText, says_what_became_of_a_statement) {
  UpdateSummary held;
  held.pins = 3;
  held.revocations = 9;
  EXPECT_EQ(sentence(StatementKind::kPins, held), "holds what the hub says about pins, version 3");
  EXPECT_EQ(sentence(StatementKind::kRevocations, held), "holds what the hub says about revocations, version 9");
  EXPECT_EQ(sentence(tl::unexpected<Status>(Status::kNotTrusted), held),
            "a statement about firmware is not taken: " + std::string(to_string(Status::kNotTrusted)));
}

TEST(UpdateStatus, of_a_device_that_never_had_an_update) {
  UpdateSummary summary;
  summary.state = State::kIdle;
  summary.version = {1, 0, 0};
  const auto json = status(summary);
  EXPECT_EQ(json.at("state"), "idle");
  EXPECT_EQ(json.at("version"), "1.0.0");
  EXPECT_EQ(json.at("slot"), "a");
  EXPECT_EQ(json.at("image"), "");
  EXPECT_EQ(json.at("size"), 0);
  EXPECT_EQ(json.at("pins"), 0);
  EXPECT_TRUE(json.at("last").is_null());
}

TEST(UpdateStatus, longest_one_fits_and_is_json) {
  const crypto::Sha256 image = [] {
    crypto::Sha256 made;
    made.fill(0xAB);
    return made;
  }();
  UpdateSummary summary;
  summary.state = State::kRehashing;
  summary.slot = ports::FirmwareSlot::kB;
  summary.version = {UINT32_MAX, UINT32_MAX, UINT32_MAX};
  summary.image = image;
  summary.progress = {UINT64_MAX, UINT64_MAX};
  summary.pins = summary.revocations = UINT64_MAX;
  summary.last = {Kind::kReverted, Reason::kRevocationUnknown, summary.version, image};
  const auto json = status(summary);
  EXPECT_EQ(json.at("state"), "fetching");
  EXPECT_EQ(json.at("slot"), "b");
  EXPECT_EQ(json.at("image").get<std::string>().size(), 64u);
  EXPECT_EQ(json.at("stored"), UINT64_MAX);
  EXPECT_EQ(json.at("last").at("report"), "reverted");
  EXPECT_EQ(json.at("last").at("reason"), "revocationUnknown");
  EXPECT_EQ(json.at("last").at("id"), json.at("image"));
}

TEST(UpdateStatus, every_state_of_the_updater_has_its_stage) {
  const std::set<std::string_view> stages = {"idle", "fetching", "restarting", "trial"};
  for (int i = 0; i <= static_cast<int>(State::kSettling); ++i) {
    UpdateSummary summary;
    summary.state = static_cast<State>(i);
    EXPECT_TRUE(stages.count(stage_of(summary))) << i;
  }
}

}  // namespace
}  // namespace latchkey::agent
