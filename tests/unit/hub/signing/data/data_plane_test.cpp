// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/data/data_plane.h"

#include <nlohmann/json.hpp>
#include <thread>

#include "hub/text/encoding.h"
#include "tests/unit/hub/signing/service/service_world.h"

namespace latchkey::hub::signing {
namespace {

using namespace test;  // NOLINT: the world is for these tests
using nlohmann::json;
using registry::Reason;

constexpr const char* kVersion = "api-version=2023-06-15-preview";

// The token says who it is; "signer" may sign, "reader" read.
class PaperGatekeeper final : public Gatekeeper {
 public:
  Answer<Caller> authenticate(std::string_view field, const std::string&) override {
    if (field.empty()) return registry::refuse(Reason::kNoCredential, "a bearer token is needed");
    if (field == "Bearer expired") return registry::refuse(Reason::kTokenExpired, "the token has expired");
    if (!field.starts_with("Bearer ")) return registry::refuse(Reason::kTokenInvalid, "no bearer token");
    return Caller{std::string(field.substr(7)), Uuid{}};
  }
  Answer<registry::Nothing> authorize(const Caller& caller, Right right, std::string_view, std::string_view) override {
    const bool may = caller.actor == "signer" || (caller.actor == "reader" && right == Right::kRead) ||
                     (caller.actor == "owner" && right != Right::kSign);
    if (may) return registry::Nothing{};
    return registry::refuse(Reason::kUnauthorized, "the caller has no role that allows it");
  }
};

class DataPlaneTest : public testing::Test {
 protected:
  http::Response ask(const std::string& method, const std::string& path, const std::string& body = {},
                     const std::string& query = kVersion) {
    http::Request request{method, path, query, {{"Host", "eus.codesigning.example"}}, body, {}};
    if (!token.empty()) request.fields.emplace_back("authorization", "Bearer " + token);
    DataPlane plane(*world.service, gatekeeper, options);
    return plane.handle(request);
  }
  std::string at(const std::string& rest, const std::string& profile = "release") const {
    return "/codesigningaccounts/contoso/certificateprofiles/" + profile + rest;
  }
  std::string sign_body(const std::string& algorithm = "ES256") const {
    return json{{"signatureAlgorithm", algorithm}, {"digest", text::base64(world.digest())}}.dump();
  }
  void expect_error(const http::Response& response, int status, const std::string& code) {
    EXPECT_EQ(response.status, status) << response.body;
    const auto body = json::parse(response.body);
    EXPECT_EQ(body.at("error").at("code"), code);
    EXPECT_FALSE(body.at("error").at("message").get<std::string>().empty());
    EXPECT_EQ(field(response, "x-ms-error-code"), code);
  }
  static std::string field(const http::Response& response, const std::string& name) {
    for (const auto& [one, value] : response.fields) {
      if (one == name) return value;
    }
    return {};
  }
  // Polls until it has ended.
  json ended(const std::string& id) {
    for (;;) {
      const auto response = ask("GET", at("/sign/" + id));
      EXPECT_EQ(response.status, 200) << response.body;
      auto body = json::parse(response.body);
      if (response.status != 200 || body.at("status") != "InProgress") return body;
      std::this_thread::yield();
    }
  }
  static Bytes decoded(const std::string& encoded) {
    Bytes bytes(base64_decoded_max(encoded.size()));
    bytes.resize(base64_decode(encoded, {bytes.data(), bytes.size()}).value_or(0));
    return bytes;
  }

  ServiceWorld world;
  const ProfileFacts facts = world.profile();
  PaperGatekeeper gatekeeper;
  DataPlane::Options options;
  std::string token = "signer";
};

// Rows: S-6-120
TEST_F(DataPlaneTest, a_digest_is_signed_as_an_operation) {
  const auto accepted = ask("POST", at(":sign"), sign_body());
  ASSERT_EQ(accepted.status, 202) << accepted.body;
  const auto body = json::parse(accepted.body);
  const auto id = body.at("id").get<std::string>();
  EXPECT_EQ(body.at("status"), "InProgress");
  EXPECT_EQ(field(accepted, "Operation-Location"),
            "https://eus.codesigning.example" + at("/sign/" + id) + "?" + kVersion);
  const auto done = ended(id);
  EXPECT_EQ(done.at("id"), id);
  ASSERT_EQ(done.at("status"), "Succeeded");
  const auto signature = decoded(done.at("result").at("signature"));
  const auto certificate = certificate_from_der(world.certificates(facts).at(0).der);
  EXPECT_TRUE(verify_digest(X509_get0_pubkey(certificate.get()), Algorithm::kEs256, world.digest(), signature));
  EXPECT_FALSE(decoded(done.at("result").at("signingCertificate")).empty());
}

// Rows: S-6-120
TEST_F(DataPlaneTest, the_other_path_and_the_other_version_do_the_same) {
  const auto accepted = ask("POST", "/codeSigningAccounts/CONTOSO/certificateProfiles/Release/sign", sign_body(),
                            "api-version=2022-06-15-preview");
  ASSERT_EQ(accepted.status, 202) << accepted.body;
  EXPECT_EQ(ended(json::parse(accepted.body).at("id")).at("status"), "Succeeded");
}

// Rows: S-6-125
TEST_F(DataPlaneTest, live_endpoints_spelling_by_switch) {
  options.spelling = Spelling::kLive;
  const auto accepted = ask("POST", at("/sign"), sign_body());
  ASSERT_EQ(accepted.status, 202) << accepted.body;
  const auto body = json::parse(accepted.body);
  EXPECT_FALSE(body.contains("id"));
  const auto done = ended(body.at("operationId"));
  ASSERT_EQ(done.at("status"), "Succeeded");
  EXPECT_FALSE(decoded(done.at("signature")).empty());
  // Base64 of the base64 text of the collection.
  const auto inner = decoded(done.at("signingCertificate"));
  const Bytes collection = decoded(std::string(inner.begin(), inner.end()));
  const auto row = world.certificates(facts).at(0);
  EXPECT_EQ(collection, world.service->certificates().collection_of(row));
  const auto refused = ask("POST", at("/sign"), "{}");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(json::parse(refused.body).at("errorDetail").at("code"), "BadRequest");
}

// Rows: S-6-124
TEST_F(DataPlaneTest, ekus_and_root_certificate) {
  token = "reader";
  const auto ekus = ask("GET", at("/sign/eku"));
  ASSERT_EQ(ekus.status, 200) << ekus.body;
  const auto body = json::parse(ekus.body);
  EXPECT_EQ(body.at("value").at(0).at("ekus"),
            (json{std::string(kCodeSigning), std::string(kPublicTrustMark), facts.durable_eku}));
  EXPECT_TRUE(body.at("nextLink").is_null());
  const auto root = ask("GET", at("/sign/rootcert"));
  EXPECT_EQ(root.status, 200);
  EXPECT_EQ(root.content_type, "application/x-x509-ca-cert");
  const auto certificate = certificate_from_der(ByteView(root.body));
  ASSERT_TRUE(certificate);
  EXPECT_EQ(X509_cmp(certificate.get(), world.service->authorities().root(TrustKind::kPublic).certificate.get()), 0);
}

// Rows: S-6-121
TEST_F(DataPlaneTest, without_a_good_token_401) {
  token = "";
  auto response = ask("POST", at(":sign"), sign_body());
  expect_error(response, 401, "NoCredential");
  EXPECT_EQ(field(response, "WWW-Authenticate"), "Bearer");
  token = "expired";
  response = ask("GET", at("/sign/eku"));
  expect_error(response, 401, "TokenExpired");
  EXPECT_EQ(field(response, "WWW-Authenticate"), "Bearer error=\"invalid_token\"");
  // Whatever the path.
  expect_error(ask("GET", "/nowhere"), 401, "TokenExpired");
}

// Rows: S-6-122
TEST_F(DataPlaneTest, who_may_not_hears_403_whether_there_is_such_a_profile_or_not) {
  const auto missing = ask("POST", at(":sign", "nothing"), sign_body());
  token = "reader";
  const auto forbidden = ask("POST", at(":sign"), sign_body());
  expect_error(forbidden, 403, "AuthorizationFailed");
  expect_error(missing, 403, "AuthorizationFailed");
  EXPECT_EQ(missing.body, forbidden.body);
  token = "signer";
  options.region = "WestUS";
  EXPECT_EQ(ask("POST", at(":sign"), sign_body()).body, missing.body);
  options.region = "eastus";
  EXPECT_EQ(ask("POST", at(":sign"), sign_body()).status, 202);
}

// Rows: S-6-102
TEST_F(DataPlaneTest, a_profile_that_is_not_active_or_not_validated_answers_403) {
  auto disabled = facts;
  disabled.profile_standing = Standing::kDisabled;
  world.directory.put(disabled);
  expect_error(ask("POST", at(":sign"), sign_body()), 403, "AuthorizationFailed");
  auto unproved = facts;
  unproved.validation = ValidationStanding::kNotCompleted;
  world.directory.put(unproved);
  expect_error(ask("POST", at(":sign"), sign_body()), 403, "AuthorizationFailed");
}

TEST_F(DataPlaneTest, bad_bodies_are_refused) {
  const auto with = [&](const char* member, const json& value) {
    auto body = json::parse(sign_body());
    body[member] = value;
    return body.dump();
  };
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"), with("signatureAlgorithm", 1),
        with("digest", nullptr), R"({"digest":"AAAA"})" + std::string(), with("digest", json::array())}) {
    expect_error(ask("POST", at(":sign"), body), 400, "BadRequest");
  }
  for (const std::string& body :
       {with("signatureAlgorithm", "es256"), with("signatureAlgorithm", "HS256"), with("signatureAlgorithm", "RS256"),
        with("digest", "not base64!"), with("digest", ""), with("digest", "AAAA"), with("fileHashList", "AAAA"),
        with("fileHashList", json{1}), with("authenticodeHashList", json{"?"})}) {
    expect_error(ask("POST", at(":sign"), body), 400, "InvalidArgument");
  }
  EXPECT_EQ(ask("POST", at(":sign"), with("authenticodeHashList", json{"AAAA"})).status, 202);
  EXPECT_EQ(ask("POST", at(":sign"), with("correlationId", "x")).status, 202);
}

TEST_F(DataPlaneTest, other_versions_are_refused) {
  for (const char* query : {"", "api-version=", "api-version=2021-01-01", "apiversion=2023-06-15-preview"}) {
    expect_error(ask("POST", at(":sign"), sign_body(), query), 400, "NoSupportedApiVersion");
  }
}

TEST_F(DataPlaneTest, other_paths_and_methods_are_refused) {
  for (const char* path : {"/", "", "/codesigningaccounts", "/codesigningaccounts/contoso/certificateprofiles/release",
                           "/codesigningaccounts/contoso/certificateprofiles/:sign",
                           "/codesigningaccounts/contoso/certificateprofiles/release/sign/a/b",
                           "/codesigningaccounts/contoso/profiles/release/sign",
                           "codesigningaccounts/contoso/certificateprofiles/release/sign"}) {
    expect_error(ask("POST", path, sign_body()), 404, "NotFound");
  }
  expect_error(ask("GET", at(":sign")), 405, "MethodNotAllowed");
  expect_error(ask("POST", at("/sign/eku")), 405, "MethodNotAllowed");
  expect_error(ask("DELETE", at("/sign/rootcert")), 405, "MethodNotAllowed");
}

TEST_F(DataPlaneTest, operations_of_others_are_not_found) {
  world.profile("other");
  const auto id = json::parse(ask("POST", at(":sign"), sign_body()).body).at("id").get<std::string>();
  expect_error(ask("GET", at("/sign/" + id, "other")), 404, "ResourceNotFound");
  expect_error(ask("GET", at("/sign/nothing")), 404, "ResourceNotFound");
  expect_error(ask("GET", at("/sign/00000000-0000-8000-8000-000000000000")), 404, "ResourceNotFound");
}

TEST_F(DataPlaneTest, an_operation_that_failed_says_why) {
  auto broken = facts;
  broken.subject.country = "Narnia";  // no certificate can be made
  world.directory.put(broken);
  const auto id = json::parse(ask("POST", at(":sign"), sign_body()).body).at("id").get<std::string>();
  const auto done = ended(id);
  EXPECT_EQ(done.at("status"), "Failed");
  EXPECT_EQ(done.at("error").at("code"), "SigningFailed");
  EXPECT_FALSE(done.contains("result"));
}

// Rows: S-6-123
TEST_F(DataPlaneTest, the_history_is_for_signers_and_owners) {
  const auto id = json::parse(ask("POST", at(":sign"), sign_body()).body).at("id").get<std::string>();
  ended(id);
  for (const char* who : {"signer", "owner"}) {
    token = who;
    const auto response = ask("GET", at("/signTransactions"));
    ASSERT_EQ(response.status, 200) << response.body;
    const auto body = json::parse(response.body);
    ASSERT_EQ(body.at("value").size(), 1u);
    EXPECT_EQ(body.at("value").at(0).at("category"), "SignTransactions");
    EXPECT_EQ(body.at("value").at(0).at("properties").at("operationId"), id);
    EXPECT_EQ(body.at("value").at(0).at("properties").at("caller"), "signer");
    EXPECT_EQ(body.at("signaturesThisMonth"), 1);
  }
  expect_error(ask("GET", at("/signTransactions"), {}, std::string(kVersion) + "&before=x"), 400, "InvalidArgument");
  expect_error(ask("POST", at(":sign"), sign_body()), 403, "AuthorizationFailed");  // the owner does not sign
  token = "reader";
  expect_error(ask("GET", at("/signTransactions")), 403, "AuthorizationFailed");
}

TEST_F(DataPlaneTest, a_full_queue_answers_429) {
  auto limited = quick_options();
  limited.signing.queue_limit = 0;
  ServiceWorld full(limited);
  full.profile();
  DataPlane plane(*full.service, gatekeeper, options);
  const auto response =
      plane.handle({"POST", at(":sign"), kVersion, {{"authorization", "Bearer signer"}}, sign_body(), {}});
  expect_error(response, 429, "TooManyRequests");
  EXPECT_EQ(field(response, "Retry-After"), "1");
}

}  // namespace
}  // namespace latchkey::hub::signing
