// SPDX-License-Identifier: Apache-2.0
#include "hub/management/authenticator.h"

#include <set>

#include "hub/management/internal/token.h"
#include "tests/unit/hub/management/role_support.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;
using testing::Not;

class MovableClock : public ports::Clock {
 public:
  UnixMs at = FixedClock().now();
  UnixMs now() const override { return at; }
  ports::MonotonicMs monotonic() const override { return 0; }
};

class Tokens : public RolesTest {
 protected:
  std::string token(const std::string& name, std::int64_t seconds = 3600) {
    const auto made = put("/principals/" + name, {{"properties", {{"lifetimeSeconds", seconds}}}});
    EXPECT_EQ(made.status, 201) << made.body;
    return made.body["properties"].value("token", "");
  }
  registry::Outcome<Caller> show(const std::string& field) { return authenticator.authenticate(field, "127.0.0.1:1"); }
  void expect_refused(const std::string& field, Reason reason) {
    const auto caller = show(field);
    ASSERT_FALSE(caller) << field;
    EXPECT_EQ(caller.error().reason, reason) << field;
    EXPECT_FALSE(caller.error().detail.empty());
  }

  MovableClock moved;
  Authenticator authenticator{*registry, moved};
};

TEST_F(Tokens, token_names_its_principal_and_where_it_comes_from) {
  const auto caller = show("Bearer " + token("ci"));
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->kind, Caller::Kind::kPrincipal);
  EXPECT_EQ(caller->name, "ci");
  EXPECT_EQ(caller->actor(), "principal:ci");
  EXPECT_EQ(caller->source, "127.0.0.1:1");
  EXPECT_TRUE(show("bearer   " + token("other")));  // RFC 9110: the scheme has no case, and spaces are spaces
}

TEST_F(Tokens, token_has_the_announced_form_and_is_never_the_same) {
  std::set<std::string> seen;
  for (int i = 0; i < 20; ++i) {
    const auto made = new_token();
    EXPECT_THAT(made, testing::MatchesRegex("lk1_[A-Za-z0-9_-]{43}"));
    EXPECT_TRUE(token_digest(made));
    EXPECT_TRUE(seen.insert(made).second);
  }
}

TEST_F(Tokens, missing_malformed_and_unknown_tokens_are_nobodys) {
  const auto good = token("ci");
  expect_refused("", Reason::kNoCredential);
  for (const std::string& field :
       {std::string("Bearer"), std::string("Bearer "), "Basic " + good, good, "Bearer " + good.substr(0, 46),
        "Bearer " + good + "A", "Bearer " + good + " " + good, "Bearer lk2_" + good.substr(4),
        "Bearer lk1_" + std::string(43, '+'), "Bearer " + std::string(100'000, 'a'), "Bearer\t" + good}) {
    expect_refused(field, Reason::kTokenInvalid);
  }
  auto near = good;
  near[10] = near[10] == 'A' ? 'B' : 'A';
  expect_refused("Bearer " + near, Reason::kTokenInvalid);
}

TEST_F(Tokens, token_of_another_data_folder_is_nobodys) {
  const auto mine = token("ci");
  tests::MemoryFolder elsewhere;
  auto opened = registry::Registry::open({elsewhere.file("registry.db"), 256, false}, openssl::host_digest());
  ASSERT_TRUE(opened);
  registry::NewPrincipal namesake{"ci", {}, clock.now() + 1000};
  ASSERT_TRUE((*opened)->create_principal({"test", clock.now()}, namesake));
  const Authenticator other(**opened, clock);
  const auto caller = other.authenticate("Bearer " + mine, "");
  ASSERT_FALSE(caller);
  EXPECT_EQ(caller.error().reason, Reason::kTokenInvalid);
}

TEST_F(Tokens, token_expires_by_the_hubs_clock_and_not_before) {
  const auto made = token("ci", 60);
  moved.at += 59'999;
  EXPECT_TRUE(show("Bearer " + made));
  moved.at += 1;
  expect_refused("Bearer " + made, Reason::kTokenExpired);
  EXPECT_EQ(newest_audit()["action"], "management.authenticate");
  EXPECT_EQ(newest_audit()["actor"], "principal:ci");
  EXPECT_EQ(newest_audit()["outcome"], "token expired");
}

TEST_F(Tokens, revoked_token_proves_nothing_and_deleted_one_neither) {
  const auto revoked = token("ci");
  const auto deleted = token("other");
  EXPECT_EQ(post("/principals/ci/revoke").body["properties"]["status"], "revoked");
  expect_refused("Bearer " + revoked, Reason::kTokenInvalid);
  EXPECT_EQ(remove("/principals/other").status, 204);
  expect_refused("Bearer " + deleted, Reason::kTokenInvalid);
}

// A caller that was good when its request came in is asked again when it acts.
TEST_F(Tokens, caller_whose_token_ended_meanwhile_gets_401) {
  const auto made = token("ci");
  give("ci", "Reader", "/");
  const auto caller = show("Bearer " + made);
  ASSERT_TRUE(caller);
  EXPECT_EQ(respond(*caller, Method::kGet, "/status").status, 200);
  post("/principals/ci/revoke");
  const auto refused = respond(*caller, Method::kGet, "/status");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.challenge, R"(Bearer realm="latchkey", error="invalid_token")");
  remove("/principals/ci");
  EXPECT_EQ(respond(*caller, Method::kGet, "/status").status, 401);
}

TEST_F(Tokens, unauthenticated_answer_has_azures_code_and_a_challenge) {
  const auto code = [](const Response& response) { return json::parse(response.body)["error"]["code"]; };
  const auto missing = unauthenticated({Reason::kNoCredential, "no field"});
  EXPECT_EQ(missing.status, 401);
  EXPECT_EQ(missing.challenge, R"(Bearer realm="latchkey")");
  EXPECT_EQ(code(missing), "AuthenticationFailed");
  EXPECT_EQ(code(unauthenticated({Reason::kTokenInvalid, "bad"})), "InvalidAuthenticationToken");
  EXPECT_EQ(code(unauthenticated({Reason::kTokenExpired, "old"})), "ExpiredAuthenticationToken");
  const auto broken = unauthenticated({Reason::kStorage, "disk"});
  EXPECT_EQ(broken.status, 500);
  EXPECT_EQ(broken.challenge, "");
}

TEST_F(Tokens, nobody_may_do_nothing) {
  const auto response = respond(Caller{}, Method::kGet, "/status");
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.challenge, R"(Bearer realm="latchkey")");
}

TEST_F(Tokens, token_is_shown_once_and_its_digest_never) {
  const auto made = token("ci");
  const auto shown = get("/principals/ci");
  EXPECT_EQ(shown.body["properties"]["status"], "active");
  EXPECT_FALSE(shown.body["properties"].contains("token"));
  EXPECT_FALSE(shown.body["properties"].contains("digest"));
  EXPECT_THAT(get("/principals").body.dump(), Not(HasSubstr(made)));
  EXPECT_THAT(get("/audit?top=1000").body.dump(), Not(HasSubstr(made.substr(4))));
}

TEST_F(Tokens, lifetime_is_from_a_minute_to_two_years) {
  for (const json& bad : {json(59), json(0), json(-1), json(63'072'001), json("60"), json(1.5), json(nullptr)}) {
    const auto refused = put("/principals/ci", {{"properties", {{"lifetimeSeconds", bad}}}});
    EXPECT_EQ(refused.status, 400) << bad;
    EXPECT_EQ(refused.target(), "properties.lifetimeSeconds") << bad;
  }
  EXPECT_EQ(get("/principals").body["value"].size(), 0u);
  EXPECT_EQ(put("/principals/ci").status, 201);
  EXPECT_EQ(put("/principals/ci").status, 409);
  EXPECT_EQ(put("/principals/a%20b").status, 400);
  EXPECT_EQ(put("/principals/x", {{"token", "mine"}}).status, 400);
}

}  // namespace
}  // namespace latchkey::hub::management
