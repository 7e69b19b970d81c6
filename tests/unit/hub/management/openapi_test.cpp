// SPDX-License-Identifier: Apache-2.0
// The API's description against the routes: each route is in it, nothing else is, and what it says of requests is so.
#include "hub/management/internal/openapi.h"

#include <set>

#include "tests/unit/hub/management/arm_support.h"

namespace latchkey::hub::management {
namespace {

std::string lower(std::string_view text) {
  std::string result;
  for (const char c : text) result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

// A value that a schema of ours allows, with every property that it names.
json example(const json& schema) {
  const auto type = schema.value("type", "");
  if (type == "boolean") return true;
  if (type == "integer") return schema.value("minimum", 1);
  if (type == "array") return json::array({example(schema["items"])});
  if (type == "string") return schema.contains("enum") ? schema["enum"][0] : json("text");
  json object = json::object();
  if (!schema.contains("properties")) return object;
  for (const auto& [name, property] : schema["properties"].items()) object[name] = example(property);
  return object;
}

class OpenApi : public ArmTest {
 protected:
  const json document = openapi_document();
  std::set<std::string> described() const {
    std::set<std::string> all;
    for (const auto& [path, methods] : document["paths"].items()) {
      for (const auto& [method, operation] : methods.items()) all.insert(method + " " + path);
    }
    return all;
  }
};

TEST_F(OpenApi, every_route_is_described_and_nothing_else_is) {
  std::set<std::string> served;
  for (const auto& route : routes()) {
    served.insert(lower(to_string(route.method)) + " " + openapi_path(route));
    if (const auto full = openapi_full_path(route)) served.insert(lower(to_string(route.method)) + " " + *full);
  }
  EXPECT_EQ(described(), served);
}

TEST_F(OpenApi, operations_have_ids_of_their_own_and_all_parameters) {
  std::set<std::string> ids;
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      EXPECT_TRUE(ids.insert(operation["operationId"]).second) << operation["operationId"];
      std::set<std::string> in_path;
      for (const auto& parameter : operation["parameters"]) {
        if (parameter["in"] != "path") continue;
        EXPECT_EQ(parameter["required"], true);
        EXPECT_TRUE(in_path.insert(parameter["name"]).second) << path << " has two parameters of one name";
      }
      EXPECT_EQ(static_cast<long>(in_path.size()), std::count(path.begin(), path.end(), '{')) << path;
    }
  }
}

TEST_F(OpenApi, api_version_is_required_where_it_is) {
  furnish();
  for (const auto& route : routes()) {
    const auto full = openapi_full_path(route);
    if (!full || route.method != Method::kGet) continue;
    const auto& parameters = document["paths"][*full]["get"]["parameters"];
    const bool required = std::any_of(parameters.begin(), parameters.end(), [](const json& one) {
      return one["name"] == "api-version" && one["required"] == true;
    });
    EXPECT_TRUE(required) << *full;
  }
  EXPECT_EQ(exactly(Method::kGet, ns()).code(), "MissingApiVersionParameter");
}

// What the description allows is understood: it may be refused for what it asks, not for how it is said.
TEST_F(OpenApi, body_of_each_operation_is_read_as_described) {
  furnish();
  for (const auto& route : routes()) {
    const auto schema = body_schema(route);
    if (!schema) continue;
    std::string path(route.pattern);
    while (path.find("{}") != std::string::npos) path.replace(path.find("{}"), 2, "default");
    const auto seen = exactly(route.method, path, example(*schema));
    const auto text = seen.body.dump();
    EXPECT_EQ(text.find("unknown or read-only member"), std::string::npos) << path << text;
    for (const auto* type : {"must be a string", "must be true", "must be an ", "must be a whole"}) {
      EXPECT_EQ(text.find(type), std::string::npos) << path << text;
    }
    EXPECT_LT(seen.status, 500) << path << text;
  }
}

// And the other way round: what it does not allow is refused.
TEST_F(OpenApi, closed_bodies_take_no_other_member) {
  furnish();
  int closed = 0;
  for (const auto& route : routes()) {
    const auto schema = body_schema(route);
    if (!schema || schema->value("additionalProperties", true)) continue;
    std::string path(route.pattern);
    while (path.find("{}") != std::string::npos) path.replace(path.find("{}"), 2, "default");
    auto body = example(*schema);
    body["nobodyKnowsThis"] = 1;
    EXPECT_EQ(exactly(route.method, path, body).status, 400) << path;
    ++closed;
  }
  EXPECT_GT(closed, 10);
}

TEST_F(OpenApi, document_is_served) {
  const auto seen = get("/openapi.json");
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.body, document);
  EXPECT_EQ(seen.body["openapi"], "3.0.3");
}

}  // namespace
}  // namespace latchkey::hub::management
