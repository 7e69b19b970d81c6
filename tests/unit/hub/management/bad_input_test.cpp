// SPDX-License-Identifier: Apache-2.0
// Every route against what it must not take: wrong methods, paths, queries, JSON, types. None may end in a 500 or
// change anything.
#include <gmock/gmock.h>

#include <set>

#include "hub/management/internal/answer.h"
#include "hub/management/internal/face.h"
#include "hub/management/internal/router.h"
#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;

class BadInputTest : public ManagementTest {
 protected:
  BadInputTest() {
    furnish();
    put(kDevices + "/dev-1");
    put("/enrollments/dev-1");
    put("/enrollmentGroups/dev-1");
    events();
  }
  static std::string example(std::string_view pattern) {
    std::string path;
    const std::vector<std::string> names =
        pattern.find("/firmwareCampaigns") != std::string_view::npos
            ? std::vector<std::string>{"default", std::string(64, 'a')}
        : pattern.find("/policies") != std::string_view::npos   ? std::vector<std::string>{"default", "pol"}
        : pattern.find("/devices") != std::string_view::npos    ? std::vector<std::string>{"default", "dev-1"}
        : pattern.find("/hubs") != std::string_view::npos       ? std::vector<std::string>{"hub", "some"}
        : pattern.find("/namespaces") != std::string_view::npos ? std::vector<std::string>{"default"}
        : pattern.starts_with("/resourceGroups") ? std::vector<std::string>{"latchkey", "contoso", "release"}
                                                 : std::vector<std::string>{"dev-1"};
    std::size_t next = 0;
    for (std::size_t at = 0; at < pattern.size(); ++at) {
      if (pattern.substr(at, 2) == "{}") {
        path += names.at(next++);
        ++at;
      } else {
        path += pattern[at];
      }
    }
    return path;
  }
  std::uint64_t sequence() { return registry->newest_sequence(); }
};

struct Member {
  Method method;
  std::string path;
  std::string pointer;         // RFC 6901
  std::set<std::string> good;  // JSON types that are taken here
};

std::vector<Member> members() {
  using enum Method;
  const std::string policy = "/namespaces/default/credentials/default/policies/quick";
  const std::string present = "/namespaces/default/credentials/default/policies/pol";
  const std::string device = "/namespaces/default/devices/dev-1";
  const std::string ca = "/properties/certificate/certificateAuthorityConfiguration";
  const std::string leaf = "/properties/certificate/leafCertificateConfiguration";
  std::vector<Member> table = {
      {kPut, "/namespaces/other", "/properties", {"object"}},
      {kPut, "/namespaces/default/credentials/default", "/properties", {"object"}},
      {kPut, "/namespaces/default/credentials/default", "/properties/keyProfile", {"string"}},
      {kPut, policy, "/properties", {"object"}},
      {kPut, policy, "/properties/certificate", {"object"}},
      {kPut, policy, ca, {"object"}},
      {kPut, policy, ca + "/keyType", {"string"}},
      {kPut, policy, ca + "/keyProfile", {"string"}},
      {kPut, policy, ca + "/bringYourOwnRoot", {"object"}},
      {kPut, policy, ca + "/bringYourOwnRoot/enabled", {"boolean"}},
      {kPost, present + "/activateBringYourOwnRoot", "/certificateChain", {"string"}},
      {kPut, policy, leaf, {"object"}},
      {kPut, policy, leaf + "/validityPeriodInDays", {"integer"}},
      {kPatch, present, "/properties", {"object"}},
      {kPatch, present, "/properties/certificate", {"object"}},
      {kPatch, present, ca, {"object"}},
      {kPatch, present, leaf, {"object"}},
      {kPatch, present, leaf + "/validityPeriodInDays", {"integer"}},
      {kPut, "/namespaces/default/devices/dev-2", "/properties", {"object"}},
      {kPatch, device, "/properties", {"object"}},
      {kPatch, device, "/properties/enabled", {"boolean"}},
      {kPost, device + "/revoke", "/disable", {"boolean"}},
      {kPost, device + "/messages", "/message", {"string"}},
      {kPost, device + "/messages", "/messageBase64", {"string"}},
      {kPost, device + "/messages", "/messageId", {"string"}},
      {kPost, device + "/messages", "/timeToLiveSeconds", {"integer"}},
      {kPost, device + "/messages", "/properties", {"object"}},
      {kPost, device + "/messages", "/properties/k", {"string"}},
  };
  for (const std::string noun : {"/enrollments/", "/enrollmentGroups/"}) {
    const bool group = noun == "/enrollmentGroups/";
    const std::string fresh = noun + "new";
    const std::string certificates =
        std::string("/attestation/x509/") + (group ? "signing" : "client") + "Certificates";
    table.push_back({kPut, fresh, group ? "/enrollmentGroupId" : "/registrationId", {"string"}});
    table.push_back({kPut, fresh, "/namespace", {"string"}});
    table.push_back({kPut, fresh, "/credentialPolicyName", {"string", "null"}});
    table.push_back({kPut, fresh, "/provisioningStatus", {"string"}});
    table.push_back({kPut, fresh, "/attestation", {"object"}});
    table.push_back({kPut, fresh, "/attestation/type", {"string"}});
    table.push_back({kPut, fresh, "/attestation/symmetricKey", {"object"}});
    table.push_back({kPut, fresh, "/attestation/symmetricKey/primaryKey", {"string"}});
    table.push_back({kPut, fresh, "/attestation/symmetricKey/secondaryKey", {"string"}});
    table.push_back({kPut, fresh, "/attestation/x509", {"object"}});
    table.push_back({kPut, fresh, certificates, {"object"}});
    table.push_back({kPut, fresh, certificates + "/primary", {"object"}});
    table.push_back({kPut, fresh, certificates + "/primary/certificate", {"string"}});
    table.push_back({kPut, fresh, certificates + "/secondary", {"object"}});
    table.push_back({kPut, fresh, certificates + "/secondary/certificate", {"string"}});
    if (!group) table.push_back({kPut, fresh, "/deviceId", {"string"}});
    table.push_back({kPatch, noun + "dev-1", "/credentialPolicyName", {"string", "null"}});
    table.push_back({kPatch, noun + "dev-1", "/provisioningStatus", {"string"}});
  }
  return table;
}

TEST_F(BadInputTest, every_member_of_a_wrong_type_is_refused_by_name) {
  const std::map<std::string, json> values = {
      {"null", nullptr}, {"boolean", true},        {"integer", 7},         {"float", 7.5},
      {"string", "x"},   {"array", json::array()}, {"object", {{"a", 1}}}, {"huge", 18446744073709551615u}};
  for (const auto& member : members()) {
    for (const auto& [type, value] : values) {
      if (member.good.count(type)) continue;
      json body = json::object();
      if (member.pointer.starts_with("/attestation/x509")) body["attestation"]["type"] = "x509";
      body[json::json_pointer(member.pointer)] = value;
      const auto before = sequence();
      const auto seen = ask(member.method, member.path, body.dump());
      EXPECT_EQ(seen.status, 400) << member.path << ' ' << body;
      EXPECT_EQ(seen.code(), "BadRequest") << member.path << ' ' << body;
      std::string dotted = member.pointer.substr(1);
      std::replace(dotted.begin(), dotted.end(), '/', '.');
      EXPECT_EQ(seen.target(), dotted) << member.path << ' ' << body << seen.body;
      EXPECT_EQ(sequence(), before);
    }
  }
}

TEST_F(BadInputTest, every_route_with_a_body_refuses_unknown_members_and_what_is_not_an_object) {
  for (const auto& route : routes()) {
    if (route.method == Method::kGet || route.method == Method::kDelete) continue;
    if (route.pattern == "/devices") continue;  // a list: identities_in_bulk_test.cpp
    const auto path = example(route.pattern);
    const auto unknown = ask(route.method, path, R"({"surprise":1})");
    EXPECT_EQ(unknown.code(), "BadRequest") << path;
    EXPECT_EQ(unknown.target(), "surprise") << path;
    std::string deep;
    for (int i = 0; i < 2000; ++i) deep += "[";
    for (const std::string& text :
         {std::string("{"), std::string("[]"), std::string("null"), std::string("7"), std::string("{}{}"),
          std::string("{\"a\":1,\"a\":1}"), std::string("\xFF"), std::string("{\"a\":\"\xFF\"}"), std::string(1, '\0'),
          std::string("{'a':1}"), std::string("NaN"), deep, std::string("{\"a\":") + deep}) {
      const auto seen = ask(route.method, path, text);
      EXPECT_EQ(seen.status, 400) << path << ' ' << text.substr(0, 20);
      EXPECT_EQ(seen.code(), "BadRequest") << path << ' ' << text.substr(0, 20);
    }
  }
  EXPECT_TRUE(events().empty());
}

// Rows: R-2-01, R-2-02, R-2-03
TEST_F(BadInputTest, every_route_refuses_unknown_queries_and_api_versions) {
  for (const auto& route : routes()) {
    const auto path = example(route.pattern);
    EXPECT_EQ(ask(route.method, path + "?surprise=1").target(), "surprise") << path;
    const auto refused = [&](const std::string& version, const std::string& code) {
      const auto seen = ask(route.method, path + "?api-version=" + version);
      EXPECT_EQ(seen.status, 400) << path << version;
      // The service APIs have errors of their own form, without such a word.
      EXPECT_EQ(seen.code(), service_of(route) == Service::kNone ? code : "") << path << version;
    };
    refused("1999-01-01", "NoSupportedApiVersion");
    refused("%zz", "BadRequest");
    refused("2026-03-01-preview&api-version=2026-03-01-preview", "BadRequest");
  }
  EXPECT_EQ(get("/namespaces?api-version=2026-03-01-preview").status, 200);
  EXPECT_EQ(get("/namespaces?api-version=2025-11-01-preview").status, 200);
}

TEST_F(BadInputTest, every_route_that_takes_no_body_refuses_one) {
  for (const auto& route : routes()) {
    if (route.method != Method::kGet && route.method != Method::kDelete) continue;
    EXPECT_EQ(ask(route.method, example(route.pattern), "{}").code(), "BadRequest") << route.pattern;
  }
}

TEST_F(BadInputTest, every_path_answers_405_to_the_methods_that_it_does_not_know) {
  using enum Method;
  std::map<std::string_view, std::set<Method>> known;
  for (const auto& route : routes()) known[route.pattern].insert(route.method);
  for (const auto& [pattern, methods] : known) {
    for (const auto method : {kGet, kPut, kPatch, kPost, kDelete}) {
      // "query" may also be the name of a device.
      if (methods.count(method) || find_route(method, example(pattern)).route) continue;
      const auto seen = ask(method, example(pattern));
      EXPECT_EQ(seen.status, 405) << pattern;
      EXPECT_EQ(seen.code(), "MethodNotAllowed") << pattern;
    }
  }
}

// Rows: R-1-02
TEST_F(BadInputTest, paths_that_are_none_answer_404) {
  for (const char* path : {"/", "", "status", "/statuses", "/status/", "//status", "/namespaces//credentials/default",
                           "/namespaces/default/credentials/other", "/namespaces/../status", "/namespaces/a%00b",
                           "/namespaces/a%2", "/namespaces/a%zz", "/namespaces/default/", "/%2e%2e/status"}) {
    EXPECT_EQ(get(path).status, 404) << path;
  }
}

TEST_F(BadInputTest, escaped_separator_is_part_of_a_name) {
  EXPECT_EQ(get("/namespaces%2Fdefault").status, 404);
  EXPECT_EQ(get("/namespaces/default%2Fdevices").code(), "ResourceNotFound");
  EXPECT_THAT(put("/namespaces/default%2Fx").body["error"]["message"].get<std::string>(),
              testing::Not(HasSubstr("path")));
}

TEST_F(BadInputTest, pages_have_limits) {
  for (const char* top : {"0", "-1", "1001", "x", "", "1e3", "99999999999999999999", " 5"}) {
    EXPECT_EQ(get(kDevices + "?top=" + (std::string(top) == " 5" ? "%205" : top)).target(), "top") << top;
  }
  EXPECT_EQ(get("/audit?before=x").target(), "before");
  EXPECT_EQ(get("/audit?before=0").target(), "before");
}

// Rows: R-5-01, R-10-10, R-10-13
TEST_F(BadInputTest, unknown_choices_are_refused_by_name) {
  const json authority = {{"keyProfile", "rsa"}};
  const json policy = {{"properties", {{"certificate", {{"certificateAuthorityConfiguration", authority}}}}}};
  EXPECT_EQ(put(kPolicies + "/quick", policy).target(),
            "properties.certificate.certificateAuthorityConfiguration.keyProfile");
  const json rsa = {{"properties", {{"certificate", {{"certificateAuthorityConfiguration", {{"keyType", "RSA"}}}}}}}};
  EXPECT_EQ(put(kPolicies + "/quick", rsa).code(), "InvalidArgument");
  EXPECT_EQ(put("/enrollments/new", {{"provisioningStatus", "Enabled"}}).target(), "provisioningStatus");
  EXPECT_EQ(put("/enrollments/new", {{"attestation", {{"type", "tpm"}}}}).target(), "attestation.type");
  EXPECT_TRUE(events().empty());
}

// Rows: R-3-11
TEST(ErrorAnswer, every_reason_is_answered_with_its_face) {
  for (int i = 1; i < registry::kReasonLimit; ++i) {
    const auto& face = registry::faces(static_cast<Reason>(i));
    const auto response = error_answer(Fault(face.reason, "why", "where"));
    EXPECT_EQ(response.status, face.http_status);
    EXPECT_GE(response.status, 400);
    EXPECT_EQ(
        json::parse(response.body),
        (json{{"error",
               {{"code", face.arm_code}, {"message", "why"}, {"target", "where"}, {"exitStatus", face.exit_status}}}}));
  }
}

}  // namespace
}  // namespace latchkey::hub::management
