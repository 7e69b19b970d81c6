// SPDX-License-Identifier: Apache-2.0
// Forecasts and expiry reports on the command line, over a played API: what is asked, and what people see of it.
#include "hub/cli/internal/what_if.h"

#include <gmock/gmock.h>

#include <sstream>

namespace latchkey::hub::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class PlayedApi final : public Api {
 public:
  Result<Reply, Failure> exchange(const std::string& method, const std::string& target,
                                  const std::string& body) override {
    asked.push_back(method + " " + target + (body.empty() ? "" : " " + body));
    const auto answer = answers.at(asked.size() - 1);
    return Reply{200, answer.dump()};
  }
  std::vector<std::string> asked;
  std::vector<json> answers;
};

json forecast(const std::vector<std::string>& devices, const std::string& next = {}) {
  json body = json::parse(R"({"act":"policy revoke","at":"2026-11-21T13:02:18.123Z","refused":null,
    "losingAccess":{"devices":3,"connected":1,"hubs":[{"hub":"hub","devices":3,"connected":1}]},
    "alreadyDisabled":{"devices":0},"keepingAnotherCertificate":{"devices":0},
    "returning":{"devices":2,"seconds":7,"perMinute":20,"basis":"measuredIssuance"},
    "notReturning":{"devices":1,"reasons":[{"reason":"enrollmentGone","devices":1}]},
    "endingLater":{"devices":0,"first":null,"last":null,"reasons":[]},"value":[]})");
  for (const auto& id : devices) {
    body["value"].push_back({{"device", id},
                             {"fate", "losesAccess"},
                             {"connected", true},
                             {"hubs", {"hub"}},
                             {"obstacle", nullptr},
                             {"lastSeenAt", nullptr},
                             {"validityNotAfter", nullptr}});
  }
  if (!next.empty()) body["nextLink"] = next;
  return body;
}

class WhatIfVerbs : public testing::Test {
 protected:
  int run(Args args, OutputForm form = OutputForm::kTable) {
    std::istringstream in;
    std::ostringstream streams[2];
    const Terminal terminal{in, streams[0], streams[1], false};
    Session session(api, terminal, form, false);
    const int status = what_if(session, args, "POST", "/p/revokeIssuer");
    out = streams[0].str();
    err = streams[1].str();
    return status;
  }
  static Args limit(const std::string& number) {
    Args args;
    args.values["limit"] = {number};
    return args;
  }
  PlayedApi api;
  std::string out;
  std::string err;
};

TEST_F(WhatIfVerbs, people_see_numbers_reasons_and_names) {
  api.answers = {forecast({"dev-1", "dev-2"})};
  EXPECT_EQ(run({}), 0) << err;
  EXPECT_THAT(out, HasSubstr("enrollmentGone"));
  EXPECT_THAT(out, HasSubstr("dev-2"));
  EXPECT_THAT(out, HasSubstr("WITHIN SECONDS"));
  EXPECT_THAT(out, Not(HasSubstr("and more")));
  EXPECT_EQ(api.asked, std::vector<std::string>{"POST /p/revokeIssuer?whatIf=true&top=20"});
}

TEST_F(WhatIfVerbs, options_are_passed_on) {
  api.answers = {forecast({})};
  Args args = limit("5");
  args.values["not-seen-days"] = {"7"};
  args.values["per-minute"] = {"1000"};
  EXPECT_EQ(run(args), 0);
  EXPECT_EQ(api.asked[0], "POST /p/revokeIssuer?whatIf=true&top=5&notSeenDays=7&perMinute=1000");
}

TEST_F(WhatIfVerbs, pages_are_followed_up_to_the_limit_and_what_is_left_out_is_said) {
  api.answers = {forecast({"a", "b"}, "/next-1"), forecast({"c", "d"}, "/next-2")};
  EXPECT_EQ(run(limit("4")), 0);
  EXPECT_EQ(api.asked.size(), 2u);
  EXPECT_THAT(out, HasSubstr("d "));
  EXPECT_THAT(out, HasSubstr("and more"));
}

TEST_F(WhatIfVerbs, json_is_one_document_with_all_pages) {
  api.answers = {forecast({"a"}, "/next-1"), forecast({"b"})};
  EXPECT_EQ(run(limit("10"), OutputForm::kJson), 0);
  const auto all = json::parse(out);
  EXPECT_EQ(all["value"].size(), 2u);
  EXPECT_FALSE(all.contains("nextLink"));
}

TEST_F(WhatIfVerbs, an_act_that_would_be_refused_has_its_exit_status_and_words) {
  api.answers = {{{"act", "credential delete"},
                  {"refused", {{"code", "CredentialHasPolicies"}, {"message", "delete them"}, {"exitStatus", 4}}}}};
  EXPECT_EQ(run({}), 4);
  EXPECT_THAT(err, HasSubstr("would be refused: CredentialHasPolicies: delete them"));
  EXPECT_EQ(out, "");
}

TEST_F(WhatIfVerbs, verbs_that_take_access_away_have_the_option_and_no_others) {
  std::vector<std::string> found;
  for (const auto& verb : all_verbs()) {
    for (const auto& option : verb.options) {
      if (option.names == "--what-if") found.push_back(verb.noun + " " + verb.name);
    }
  }
  EXPECT_THAT(found,
              testing::UnorderedElementsAre("policy revoke", "policy delete", "credential delete", "device revoke",
                                            "device update", "device delete", "hub certificate delete"));
}

}  // namespace
}  // namespace latchkey::hub::cli
