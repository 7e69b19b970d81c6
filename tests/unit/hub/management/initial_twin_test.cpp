// SPDX-License-Identifier: Apache-2.0
// initialTwin on its way from a body to the registry and back. Whoever reads twins is played: what he makes of one is
// hub/twin's business.
#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::management {
namespace {

class PlayedReader : public DeviceTwins {
 public:
  registry::Outcome<registry::InitialTwin> read_initial(const std::string& text) override {
    asked.push_back(json::parse(text));
    if (refusal) return tl::unexpected<registry::Refusal>(*refusal);
    return registry::InitialTwin{R"({"floor":3})", asked.back().contains("properties") ? R"({"rate":5})" : ""};
  }
  registry::Outcome<Shown> show(const std::string&, const std::string&) override { return none(); }
  registry::Outcome<Shown> write(const registry::Call&, const std::string&, const std::string&, Write,
                                 const std::string&, const std::optional<std::string>&) override {
    return none();
  }
  registry::Outcome<std::string> invoke(const registry::Call&, const std::string&, const std::string&,
                                        const std::string&) override {
    return registry::refuse(Reason::kNotFound, "none");
  }
  std::vector<json> asked;
  std::optional<registry::Refusal> refusal;

 private:
  static registry::Outcome<Shown> none() { return registry::refuse(Reason::kNotFound, "none"); }
};

class InitialTwinTest : public ManagementTest {
 protected:
  void SetUp() override {
    furnish();
    Parts parts{*registry, clock, played, played, played, played};
    parts.twins = &twins;
    management = std::make_unique<Management>(parts);
  }
  static json with(json twin) { return {{"initialTwin", std::move(twin)}}; }
  const json kTwin = {{"tags", {{"floor", 3}}}, {"properties", {{"desired", {{"rate", 5}}}}}};
  PlayedReader twins;
};

// Rows: R-10-16
TEST_F(InitialTwinTest, is_shown_as_it_was_given_and_not_at_all_without) {
  for (const char* path : {"/enrollments/pump-7", "/enrollmentGroups/fleet"}) {
    const auto created = put(path, with(kTwin));
    ASSERT_EQ(created.status, 201) << created.body;
    EXPECT_EQ(created.body["initialTwin"], kTwin) << path;
    EXPECT_EQ(get(path).body["initialTwin"], kTwin) << path;
  }
  ASSERT_EQ(twins.asked.size(), 2u);
  EXPECT_EQ(twins.asked[0], kTwin);
  EXPECT_FALSE(put("/enrollments/pump-8").body.contains("initialTwin"));
  EXPECT_FALSE(put("/enrollments/pump-9", with(nullptr)).body.contains("initialTwin"));
  EXPECT_EQ(twins.asked.size(), 2u) << "nothing was given to be read";
}

TEST_F(InitialTwinTest, update_replaces_it_as_a_whole_or_takes_it_away) {
  put("/enrollments/pump-7", with(kTwin));
  const auto changed = patch("/enrollments/pump-7", with({{"tags", {{"floor", 3}}}}));
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.body["initialTwin"]["properties"]["desired"], json::object());
  EXPECT_TRUE(patch("/enrollments/pump-7", {{"provisioningStatus", "disabled"}}).body.contains("initialTwin"));
  EXPECT_FALSE(patch("/enrollments/pump-7", with(nullptr)).body.contains("initialTwin"));
}

TEST_F(InitialTwinTest, service_that_replaces_an_enrollment_replaces_it_too) {
  put("/enrollments/pump-7", with(kTwin));
  Request request{Method::kPut, "/enrollments/pump-7", "api-version=2021-10-01", R"({"registrationId":"pump-7"})",
                  Caller::on_socket(Caller::Kind::kOwner, 0, "root")};
  request.if_match = "*";
  const auto replaced = management->handle(request);
  ASSERT_EQ(replaced.status, 200) << replaced.body;
  EXPECT_FALSE(json::parse(replaced.body).contains("initialTwin"));
}

TEST_F(InitialTwinTest, what_breaks_the_rules_of_twins_is_400_and_nothing_is_made) {
  twins.refusal = {Reason::kInvalidArgument, "in 'initialTwin': 'a.b' has a name with '.'"};
  EXPECT_EQ(put("/enrollments/pump-7", with(kTwin)).status, 400);
  EXPECT_EQ(get("/enrollments/pump-7").status, 404);
  for (const json& no_object : {json("x"), json(1), json::array()}) {
    EXPECT_EQ(put("/enrollments/pump-7", with(no_object)).target(), "initialTwin") << no_object;
  }
}

TEST_F(InitialTwinTest, process_that_serves_no_hub_does_not_take_what_nobody_checked) {
  management = std::make_unique<Management>(Parts{*registry, clock, played, played, played, played});
  EXPECT_EQ(put("/enrollments/pump-7", with(kTwin)).code(), "NotConfigured");
}

}  // namespace
}  // namespace latchkey::hub::management
