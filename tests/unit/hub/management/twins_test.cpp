// SPDX-License-Identifier: Apache-2.0
// The paths of twins and methods, and what of a request reaches the room behind them.
#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::management {
namespace {

class PlayedTwins : public DeviceTwins {
 public:
  registry::Outcome<registry::InitialTwin> read_initial(const std::string&) override { return registry::InitialTwin{}; }
  registry::Outcome<Shown> show(const std::string& ns, const std::string& device) override {
    return shown("show " + ns + " " + device);
  }
  registry::Outcome<Shown> write(const registry::Call& call, const std::string& ns, const std::string& device,
                                 Write how, const std::string& body, const std::optional<std::string>& etag) override {
    EXPECT_EQ(call.actor, "uid:0 (root)");
    return shown(std::string(how == Write::kMerge ? "merge " : "replace ") + ns + " " + device + " " + body + " " +
                 etag.value_or("any"));
  }
  registry::Outcome<std::string> invoke(const registry::Call&, const std::string& ns, const std::string& device,
                                        const std::string& body) override {
    LATCHKEY_TRY(answer, shown("invoke " + ns + " " + device + " " + body));
    return std::move(answer.body);
  }
  std::vector<std::string> asked;
  std::optional<registry::Refusal> refusal;

 private:
  registry::Outcome<Shown> shown(const std::string& what) {
    asked.push_back(what);
    if (refusal) return tl::unexpected<registry::Refusal>(*refusal);
    return Shown{R"({"deviceId":"dev-1"})", "AAAAAAAAAAI="};
  }
};

class TwinPaths : public ManagementTest {
 protected:
  TwinPaths() {
    Parts parts{*registry, clock, played, played, played, played};
    parts.twins = &twins;
    management = std::make_unique<Management>(parts);
  }
  Response send(Method method, const std::string& path, const std::string& query = "", const std::string& body = "",
                const std::string& if_match = "") {
    Request request;
    request.method = method;
    request.path = path;
    request.query = query;
    request.body = body;
    request.caller = Caller::on_socket(Caller::Kind::kOwner, 0, "root");
    request.if_match = if_match;
    return management->handle(request);
  }
  std::string only() {
    EXPECT_EQ(twins.asked.size(), 1u);
    const auto asked = std::exchange(twins.asked, {});
    return asked.empty() ? "" : asked.front();
  }
  PlayedTwins twins;
};

TEST_F(TwinPaths, each_method_of_a_twin_reaches_its_act) {
  EXPECT_EQ(send(Method::kGet, "/twins/dev-1").status, 200);
  EXPECT_EQ(only(), "show default dev-1");
  EXPECT_EQ(send(Method::kPatch, "/twins/dev%3A1", "namespace=plant-2", "{}").status, 200);
  EXPECT_EQ(only(), "merge plant-2 dev:1 {} any");
  EXPECT_EQ(send(Method::kPut, "/twins/dev-1", "", "{}").status, 200);
  EXPECT_EQ(only(), "replace default dev-1 {} any");
  EXPECT_EQ(send(Method::kPost, "/twins/dev-1/methods", "", "{}").status, 200);
  EXPECT_EQ(only(), "invoke default dev-1 {}");
  EXPECT_EQ(send(Method::kDelete, "/twins/dev-1").status, 405);
  EXPECT_EQ(send(Method::kGet, "/twins").status, 404);
}

TEST_F(TwinPaths, etag_of_the_twin_is_answered) {
  EXPECT_EQ(send(Method::kGet, "/twins/dev-1").etag, "AAAAAAAAAAI=");
  EXPECT_EQ(send(Method::kPatch, "/twins/dev-1", "", "{}").etag, "AAAAAAAAAAI=");
}

TEST_F(TwinPaths, if_match_is_one_strong_tag_or_any) {
  const std::pair<std::string, std::string> good[] = {
      {"", "any"}, {"*", "any"}, {"\"*\"", "any"}, {"\"AAA=\"", "AAA="}, {"AAA=", "AAA="}};
  for (const auto& [field, etag] : good) {
    EXPECT_EQ(send(Method::kPatch, "/twins/dev-1", "", "{}", field).status, 200) << field;
    EXPECT_EQ(only(), "merge default dev-1 {} " + etag);
  }
  for (const char* field : {"\"\"", "W/\"a\"", "\"a\", \"b\"", "a b", "\"a"}) {
    EXPECT_EQ(send(Method::kPatch, "/twins/dev-1", "", "{}", field).status, 400) << field;
  }
  EXPECT_TRUE(twins.asked.empty());
}

TEST_F(TwinPaths, refusals_keep_their_status_and_code) {
  const std::tuple<Reason, int, std::string> cases[] = {{Reason::kNotFound, 404, "ResourceNotFound"},
                                                        {Reason::kPreconditionFailed, 412, "PreconditionFailed"},
                                                        {Reason::kDeviceNotOnline, 404, "DeviceNotOnline"},
                                                        {Reason::kDeviceSilent, 504, "GatewayTimeout"},
                                                        {Reason::kDeviceAnswerUnreadable, 502, "BadDeviceResponse"},
                                                        {Reason::kThrottled, 429, "TooManyRequests"}};
  for (const auto& [reason, status, code] : cases) {
    twins.refusal = registry::Refusal{reason, "why"};
    const auto refused = send(Method::kPost, "/twins/dev-1/methods", "", "{}");
    EXPECT_EQ(refused.status, status);
    EXPECT_EQ(json::parse(refused.body)["error"]["code"], code);
  }
}

TEST_F(TwinPaths, refused_body_leaves_one_audit_record) {
  twins.refusal = registry::Refusal{Reason::kMalformedRequest, "the body is not JSON"};
  EXPECT_EQ(send(Method::kPatch, "/twins/dev-1", "", "{}").status, 400);
  const auto records = *registry->list_audit(0, 10);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records.front().resource, "/twins/dev-1");
}

TEST_F(TwinPaths, process_that_serves_no_hub_says_so) {
  management = std::make_unique<Management>(Parts{*registry, clock, played, played, played, played});
  EXPECT_EQ(send(Method::kGet, "/twins/dev-1").status, 412);
}

}  // namespace
}  // namespace latchkey::hub::management
