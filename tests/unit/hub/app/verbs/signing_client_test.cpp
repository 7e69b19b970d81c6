// SPDX-License-Identifier: Apache-2.0
// The signing service as `latchkey sign` asks it: against the real data plane, and against one that answers nonsense.
#include "hub/app/verbs/signing_client.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "hub/signing/data/data_plane.h"
#include "hub/text/encoding.h"
#include "platform/base/percent.h"
#include "tests/unit/hub/signing/service/service_world.h"

namespace latchkey::hub::app {
namespace {

using namespace signing;        // NOLINT: the client is theirs
using namespace signing::test;  // NOLINT
using nlohmann::json;
using testing::HasSubstr;

// Anybody may.
class OpenGate final : public Gatekeeper {
 public:
  Answer<Caller> authenticate(std::string_view, const std::string&) override { return Caller{"signer", {}}; }
  Answer<registry::Nothing> authorize(const Caller&, Right, std::string_view, std::string_view) override {
    if (may) return registry::Nothing{};
    return registry::refuse(registry::Reason::kUnauthorized, "no role");
  }
  bool may = true;
};

class PlaneApi final : public cli::Api {
 public:
  explicit PlaneApi(Service& service) : plane_(service, gate, {}) {}
  Result<cli::Reply, cli::Failure> exchange(const std::string& method, const std::string& target,
                                            const std::string& body) override {
    const auto question = target.find('?');
    const http::Request request{method,
                                target.substr(0, question),
                                target.substr(question + 1),
                                {{"Host", "localhost"}, {"authorization", "Bearer x"}},
                                body,
                                {}};
    const auto answered = plane_.handle(request);
    return cli::Reply{answered.status, answered.body};
  }
  OpenGate gate;

 private:
  DataPlane plane_;
};

// Says what it was told to, one after the other, and the last for ever.
class PaperApi final : public cli::Api {
 public:
  explicit PaperApi(std::vector<cli::Reply> replies) : replies_(std::move(replies)) {}
  Result<cli::Reply, cli::Failure> exchange(const std::string& method, const std::string& target,
                                            const std::string&) override {
    asked.push_back(method + " " + target.substr(0, target.find('?')));
    const auto reply = replies_.front();
    if (replies_.size() > 1) replies_.erase(replies_.begin());
    return reply;
  }
  std::vector<std::string> asked;

 private:
  std::vector<cli::Reply> replies_;
};

const std::string kId = "0f0e0d0c-0b0a-4908-8706-050403020100";

class SigningClient : public testing::Test {
 protected:
  SignQuestion question(const std::string& profile = "release") const {
    return {"contoso", profile, Algorithm::kEs256, world.digest()};
  }
  ServiceWorld world;
};

TEST_F(SigningClient, signature_is_over_the_digest_and_its_path_begins_with_the_signer) {
  const auto facts = world.profile();
  PlaneApi api(*world.service);
  const auto signature = sign_remotely(api, question());
  ASSERT_TRUE(signature) << signature.error().message;
  ASSERT_EQ(signature->path.size(), 2u) << "without the root";
  const auto row = world.certificates(facts).back();
  EXPECT_EQ(certificate_der(signature->views().front()), row.der);
  EXPECT_EQ(X509_verify(signature->views()[0], X509_get0_pubkey(signature->views()[1])), 1);
  EXPECT_TRUE(
      verify_digest(X509_get0_pubkey(signature->views().front()), Algorithm::kEs256, world.digest(), signature->value));
}

TEST_F(SigningClient, whoever_may_not_is_told_what_to_look_at) {
  world.profile();
  PlaneApi api(*world.service);
  for (const bool may : {false, true}) {  // no role; no such profile
    api.gate.may = may;
    const auto refused = sign_remotely(api, question(may ? "another" : "release"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().exit_status, cli::kExitRefused) << refused.error().message;
    EXPECT_THAT(refused.error().message, HasSubstr("Signer' --scope /"));
  }
}

TEST_F(SigningClient, names_do_not_leave_their_place_in_the_path) {
  PaperApi api({{404, R"({"error":{"code":"NotFound","message":"nothing here"}})"}});
  SignQuestion odd{"a/../b", "p?x=1#", Algorithm::kEs256, world.digest()};
  EXPECT_FALSE(sign_remotely(api, odd));
  EXPECT_EQ(api.asked.at(0), "POST /codesigningaccounts/a%2F..%2Fb/certificateprofiles/p%3Fx%3D1%23/sign");
}

TEST_F(SigningClient, operation_that_fails_says_why) {
  PaperApi api({{202, json{{"id", kId}, {"status", "InProgress"}}.dump()},
                {200, json{{"id", kId}, {"status", "InProgress"}}.dump()},
                {200, json{{"id", kId}, {"status", "Failed"}, {"error", {{"message", "was revoked"}}}}.dump()}});
  const auto failed = sign_remotely(api, question());
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().exit_status, cli::kExitRefused);
  EXPECT_THAT(failed.error().message, HasSubstr("was revoked"));
  EXPECT_EQ(api.asked.size(), 3u);
  EXPECT_THAT(api.asked.back(), HasSubstr("/sign/" + kId));
}

TEST_F(SigningClient, operation_that_becomes_nonsense_has_failed) {
  const std::string begun = json{{"id", kId}, {"status", "InProgress"}}.dump();
  for (const char* body : {"[]", "7", "null", "{}", R"({"status":7})", R"({"status":"Failed","error":"x"})"}) {
    PaperApi api({{202, begun}, {200, body}});
    const auto failed = sign_remotely(api, question());
    ASSERT_FALSE(failed) << body;
    EXPECT_THAT(failed.error().message, HasSubstr("did not sign")) << body;
  }
}

TEST_F(SigningClient, what_is_not_understood_is_said_and_never_taken) {
  const auto ended = [](const json& result) {
    return json{{"id", kId}, {"status", "Succeeded"}, {"result", result}}.dump();
  };
  for (const std::string& body :
       {std::string("[]"), std::string("7"), std::string("{}"), json{{"id", 7}, {"status", "InProgress"}}.dump(),
        json{{"id", "../x"}, {"status", "InProgress"}}.dump(), ended(nullptr), ended("x"), ended(json::object()),
        ended({{"signature", "!!"}, {"signingCertificate", "AAAA"}}),
        ended({{"signature", ""}, {"signingCertificate", "AAAA"}}),
        ended({{"signature", "AAAA"}, {"signingCertificate", "AAAA"}}),
        ended({{"signature", 1}, {"signingCertificate", json::array()}})}) {
    PaperApi api({{202, body}});
    const auto taken = sign_remotely(api, question());
    ASSERT_FALSE(taken) << body;
    EXPECT_NE(taken.error().exit_status, 0) << body;
    EXPECT_FALSE(taken.error().message.empty()) << body;
  }
}

TEST_F(SigningClient, no_timestamp_comes_from_nobody_or_nowhere) {
  EXPECT_EQ(timestamp_from("http://127.0.0.1:1/", Hash::kSha256, signing::test::text("stamped")).error().exit_status,
            cli::kExitTryAgain);
  EXPECT_EQ(timestamp_from("ftp://127.0.0.1/", Hash::kSha256, signing::test::text("stamped")).error().exit_status,
            cli::kExitBadInput);
}

}  // namespace
}  // namespace latchkey::hub::app
