// SPDX-License-Identifier: Apache-2.0
#include "hub/rehearsal/seed.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/unit/hub/rehearsal/documents.h"

namespace latchkey::hub::rehearsal {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::StartsWith;

std::vector<std::string> requests(const std::string& document) {
  const auto steps = read_seed(document);
  EXPECT_TRUE(steps) << (steps ? "" : steps.error().detail);
  std::vector<std::string> lines;
  if (!steps) return lines;
  for (const auto& step : *steps) lines.push_back(step.method + " " + step.path + " " + step.pointer);
  return lines;
}

TEST(Seed, what_is_named_later_is_made_first) {
  EXPECT_THAT(
      requests(R"({
    "namespaces": [{"name": "plant", "credential": {}, "policies": [{"name": "line-a"}],
                    "devices": [{"id": "pump/7", "enabled": false}]}],
    "hubs": [{"name": "east", "namespace": "plant"}],
    "enrollments": [{"id": "line", "group": true, "namespace": "plant", "policy": "line-a"}, {"id": "pump-8"}],
    "roles": [{"name": "Revoker", "actions": ["a/b/c"]}],
    "tokens": [{"name": "ci"}]})"),
      ElementsAre("PUT /namespaces/plant /namespaces/0",
                  "PUT /namespaces/plant/credentials/default /namespaces/0/credential",
                  "PUT /namespaces/plant/credentials/default/policies/line-a /namespaces/0/policies/0",
                  "PUT /hubs/east /hubs/0", "PUT /enrollmentGroups/line /enrollments/0",
                  "PUT /enrollments/pump-8 /enrollments/1", "PUT /roleDefinitions/Revoker /roles/0",
                  "PUT /principals/ci /tokens/0", "PUT /namespaces/plant/devices/pump%2F7 /namespaces/0/devices/0",
                  "PATCH /namespaces/plant/devices/pump%2F7 /namespaces/0/devices/0/enabled"));
}

TEST(Seed, bodies_are_those_of_the_management_api) {
  const auto steps = read_seed(R"({
    "namespaces": [{"name": "plant", "policies": [{"name": "p", "validityDays": 7, "keyProfile": "ec-p384"}]}],
    "enrollments": [{"id": "e", "symmetricKey": {"primaryKey": "a"}, "enabled": false, "deviceId": "d"}],
    "tokens": [{"name": "ci", "lifetimeSeconds": 60, "assignments": [{"role": "Reader", "scope": "/namespaces/plant"}]}]})");
  ASSERT_TRUE(steps) << steps.error().detail;
  ASSERT_EQ(steps->size(), 5u);
  EXPECT_EQ(json::parse((*steps)[1].body), json::parse(R"({"properties": {"certificate": {
      "certificateAuthorityConfiguration": {"keyProfile": "ec-p384"},
      "leafCertificateConfiguration": {"validityPeriodInDays": 7}}}})"));
  EXPECT_EQ(json::parse((*steps)[2].body),
            json::parse(R"({"attestation": {"type": "symmetricKey", "symmetricKey": {"primaryKey": "a"}},
                            "provisioningStatus": "disabled", "deviceId": "d"})"));
  EXPECT_EQ(json::parse((*steps)[3].body), json::parse(R"({"properties": {"lifetimeSeconds": 60}})"));
  EXPECT_THAT((*steps)[4].path, StartsWith("/roleAssignments/"));
  EXPECT_THAT((*steps)[4].path, testing::EndsWith("?scope=%2Fnamespaces%2Fplant"));
}

TEST(Seed, bad_documents_are_refused_by_the_pointer_of_what_is_wrong) {
  for (const auto& [text, pointer] : bad_seeds()) {
    const auto steps = read_seed(text);
    ASSERT_FALSE(steps) << text;
    EXPECT_EQ(steps.error().reason, registry::Reason::kMalformedRequest) << text;
    EXPECT_THAT(steps.error().detail, StartsWith(pointer)) << text;
  }
}

TEST(Seed, stops_at_the_first_refusal_and_says_where) {
  const auto steps = read_seed(R"({"enrollments": [{"id": "a"}, {"id": "b"}, {"id": "c"}]})");
  ASSERT_TRUE(steps);
  std::vector<std::string> asked;
  const auto seeded = apply_seed(*steps, [&](const std::string&, const std::string& path, const std::string&) {
    asked.push_back(path);
    return path == "/enrollments/b" ? PlaneReply{409, R"({"error":{"code":"X"}})"} : PlaneReply{201, "{}"};
  });
  EXPECT_THAT(asked, ElementsAre("/enrollments/a", "/enrollments/b"));
  EXPECT_EQ(seeded.refusal.status, 409);
  EXPECT_EQ(seeded.pointer, "/enrollments/1");
}

TEST(Seed, hubs_that_it_made_are_to_be_taken_back_the_last_one_first) {
  const auto steps = read_seed(R"({"hubs": [{"name": "there"}, {"name": "a"}, {"name": "b"}, {"name": "wrong"}]})");
  ASSERT_TRUE(steps);
  const auto seeded = apply_seed(*steps, [&](const std::string& method, const std::string& path, const std::string&) {
    if (method == "GET") return PlaneReply{path == "/hubs/there" ? 200 : 404, "{}"};
    return PlaneReply{path == "/hubs/wrong" ? 400 : 201, "{}"};
  });
  EXPECT_EQ(seeded.refusal.status, 400);
  EXPECT_THAT(seeded.undo, ElementsAre("/hubs/b?override=b", "/hubs/a?override=a"));
}

TEST(Seed, pattern_stands_for_as_many_devices_as_it_counts) {
  const auto steps = read_seed(
      R"({"namespaces": [{"name": "plant", "devices": [{"id": "p-{}.x", "count": 201, "first": 99, "enabled": false}]}]})");
  ASSERT_TRUE(steps) << steps.error().detail;
  ASSERT_EQ(steps->size(), 4u);
  std::vector<std::string> ids;
  for (std::size_t i = 1; i < steps->size(); ++i) {
    EXPECT_EQ((*steps)[i].method, "POST");
    EXPECT_EQ((*steps)[i].path, "/devices?namespace=plant");
    EXPECT_EQ((*steps)[i].pointer, "/namespaces/0/devices/0");
    const auto items = json::parse((*steps)[i].body);
    EXPECT_LE(items.size(), 100u);
    for (const auto& item : items) {
      EXPECT_EQ(item["importMode"], "create");
      EXPECT_EQ(item["status"], "disabled");
      ids.push_back(item["id"]);
    }
  }
  ASSERT_EQ(ids.size(), 201u);
  EXPECT_EQ(ids.front(), "p-099.x");
  EXPECT_EQ(ids.back(), "p-299.x");
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
}

TEST(Seed, refusal_of_one_of_many_is_told_as_if_it_were_alone) {
  const auto steps = read_seed(R"({"namespaces": [{"name": "plant", "devices": [{"id": "p{}", "count": 2}]}]})");
  ASSERT_TRUE(steps);
  const auto seeded = apply_seed(*steps, [](const std::string& method, const std::string&, const std::string&) {
    return method == "POST" ? PlaneReply{400, R"({"isSuccessful":false,"errors":[
        {"deviceId":"p2","errorCode":"DeviceAlreadyExists","errorStatus":"device 'p2' is there already"}]})"}
                            : PlaneReply{200, "{}"};
  });
  EXPECT_EQ(seeded.refusal.status, 400);
  EXPECT_EQ(seeded.pointer, "/namespaces/0/devices/0");
  EXPECT_EQ(json::parse(seeded.refusal.body)["error"]["message"], "device 'p2' is there already");
}

TEST(Seed, namespace_that_is_there_is_added_to) {
  const auto steps = read_seed(R"({"namespaces": [{"name": "default", "devices": [{"id": "a"}]}]})");
  ASSERT_TRUE(steps);
  std::vector<std::string> asked;
  const auto seeded = apply_seed(*steps, [&](const std::string& method, const std::string& path, const std::string&) {
    asked.push_back(method + " " + path);
    return PlaneReply{200, "{}"};
  });
  EXPECT_THAT(asked, ElementsAre("GET /namespaces/default", "PUT /namespaces/default/devices/a"));
  EXPECT_EQ(seeded.made, 1u);
}

TEST(Seed, tokens_are_told_to_whoever_seeds) {
  const auto steps = read_seed(R"({"tokens": [{"name": "ci"}]})");
  ASSERT_TRUE(steps);
  const auto seeded = apply_seed(*steps, [](const std::string&, const std::string&, const std::string&) {
    return PlaneReply{201, R"({"properties":{"token":"secret"}})"};
  });
  EXPECT_THAT(seeded.tokens, ElementsAre(testing::Pair("ci", "secret")));
}

}  // namespace
}  // namespace latchkey::hub::rehearsal
