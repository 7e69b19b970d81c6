// SPDX-License-Identifier: Apache-2.0
// The verbs of twins and methods, over an API on paper.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class PaperApi : public Api {
 public:
  Result<Reply, Failure> exchange(const std::string& method, const std::string& target,
                                  const std::string& body) override {
    asked.push_back(method + " " + target + (body.empty() ? "" : " " + body));
    return reply;
  }
  std::vector<std::string> asked;
  Reply reply{200, R"({"deviceId":"dev-1","etag":"AAA=","properties":{)"
                   R"("desired":{"rate":5,"$metadata":{"x":1}},"reported":{"rate":4}}})"};
};

class TwinVerbs : public testing::Test {
 protected:
  int run(const std::string& noun, const std::string& name, std::map<std::string, std::string> values,
          OutputForm form = OutputForm::kTable) {
    Args args;
    values.emplace("name", "dev-1");
    values.emplace("namespace", "default");
    for (const auto& [key, value] : values) args.values[key] = {value};
    out.str("");
    err.str("");
    const Terminal terminal{in, out, err};
    Session session(api, terminal, form, false);
    for (const auto& verb : twin_verbs()) {
      if (verb.noun == noun && verb.name == name) return verb.run(session, args);
    }
    ADD_FAILURE() << "no verb " << noun << " " << name;
    return -1;
  }
  PaperApi api;
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
};

TEST_F(TwinVerbs, each_sends_the_request_that_it_stands_for) {
  EXPECT_EQ(run("device twin", "show", {{"name", "a:1"}}), 0);
  EXPECT_EQ(run("device twin", "update", {{"desired", R"({"rate":5})"}}), 0);
  EXPECT_EQ(run("device twin", "update", {{"tags", R"({"plant":null})"}, {"replace", ""}, {"namespace", "plant-2"}}),
            0);
  EXPECT_EQ(run("device method", "invoke", {{"method-name", "reboot"}}), 0);
  EXPECT_EQ(run("device method", "invoke",
                {{"method-name", "x"}, {"payload", "[1]"}, {"timeout", "20"}, {"connect-timeout", "10"}}),
            0);
  EXPECT_THAT(api.asked, ElementsAre("GET /twins/a%3A1?namespace=default",
                                     R"(PATCH /twins/dev-1?namespace=default {"properties":{"desired":{"rate":5}}})",
                                     R"(PUT /twins/dev-1?namespace=plant-2 {"tags":{"plant":null}})",
                                     R"(POST /twins/dev-1/methods?namespace=default {"methodName":"reboot"})",
                                     R"(POST /twins/dev-1/methods?namespace=default {"connectTimeoutInSeconds":10,)"
                                     R"("methodName":"x","payload":[1],"responseTimeoutInSeconds":20})"));
}

TEST_F(TwinVerbs, bad_words_are_told_before_anything_is_sent) {
  EXPECT_EQ(run("device twin", "update", {}), kExitBadInput);
  EXPECT_EQ(run("device twin", "update", {{"desired", "rate=5"}}), kExitBadInput);
  EXPECT_EQ(run("device twin", "update", {{"tags", "[]"}}), kExitBadInput);
  EXPECT_EQ(run("device method", "invoke", {{"method-name", "x"}, {"payload", "not json"}}), kExitBadInput);
  EXPECT_EQ(run("device method", "invoke", {{"method-name", "x"}, {"timeout", "100"}, {"connect-timeout", "100"}}),
            kExitBadInput);
  EXPECT_THAT(api.asked, IsEmpty());
}

TEST_F(TwinVerbs, people_see_the_properties_and_programs_all) {
  run("device twin", "show", {});
  EXPECT_THAT(out.str(), HasSubstr(R"({"rate":5})"));
  EXPECT_THAT(out.str(), Not(HasSubstr("$metadata")));
  run("device twin", "show", {}, OutputForm::kJson);
  EXPECT_EQ(json::parse(out.str()), json::parse(api.reply.body));
}

TEST_F(TwinVerbs, answer_of_a_device_is_shown) {
  api.reply.body = R"({"status":207,"payload":{"done":true}})";
  EXPECT_EQ(run("device method", "invoke", {{"method-name", "x"}}), 0);
  EXPECT_THAT(out.str(), HasSubstr("207"));
  EXPECT_THAT(out.str(), HasSubstr(R"({"done":true})"));
}

TEST_F(TwinVerbs, refusal_is_told_with_its_exit_status) {
  api.reply = {404, R"({"error":{"code":"DeviceNotOnline","message":"404103: timed out","exitStatus":5}})"};
  EXPECT_EQ(run("device method", "invoke", {{"method-name", "x"}}), kExitTryAgain);
  EXPECT_THAT(err.str(), HasSubstr("404103"));
}

TEST_F(TwinVerbs, answer_without_the_usual_members_is_shown_all_the_same) {
  api.reply.body = "{}";
  EXPECT_EQ(run("device twin", "show", {}), 0);
}

}  // namespace
}  // namespace latchkey::hub::cli
