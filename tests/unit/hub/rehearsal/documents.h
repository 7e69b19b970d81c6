// SPDX-License-Identifier: Apache-2.0
// Documents that are refused, each with how the refusal begins, and documents that are not: for the readers of this
// room, and for the schemas that are published.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace latchkey::hub::rehearsal {

using Documents = std::vector<std::pair<std::string, std::string>>;

inline std::string document(const std::vector<nlohmann::json>& rules, std::int64_t seed = 0) {
  return nlohmann::json{{"seed", seed}, {"rules", rules}}.dump();
}
inline nlohmann::json rule(const nlohmann::json& match, const nlohmann::json& effect) {
  return {{"match", match}, {"effect", effect}};
}

inline Documents bad_faults() {
  using nlohmann::json;
  const json match = {{"operation", "dps.register"}};
  const json effect = {{"kind", "failed"}};
  auto with = [&](const std::string& name, const json& value) {
    auto one = rule(match, effect);
    one[name] = value;
    return document({one});
  };
  const Documents documents = {
      {"", "the document is refused: not JSON"},
      {"[]", "the document is refused: it is not a JSON object"},
      {R"({"rules":[],"rules":[]})", "the document is refused: the member 'rules' is given twice"},
      {"{}", "/rules: is missing"},
      {R"({"rules":{}})", "/rules: must be an array"},
      {R"({"rules":[1]})", "/rules/0: must be an object"},
      {R"({"rules":[],"seed":-1})", "/seed: must be a whole number"},
      {R"({"rules":[],"sead":1})", "/sead: there is no such member"},
      {document({{{"effect", effect}}}), "/rules/0/match: is missing"},
      {document({{{"match", match}}}), "/rules/0/effect: is missing"},
      {document({rule({{"operation", "dps"}}, effect)}), "/rules/0/match/operation: is not an operation"},
      {document({rule({{"operation", 1}}, effect)}), "/rules/0/match/operation: must be a string"},
      {document({rule({{"operation", "dps.register"}, {"hub", "h"}}, effect)}),
       "/rules/0/match/hub: dps.register has no"},
      {document({rule({{"operation", "dps.register"}, {"device", ""}}, effect)}), "/rules/0/match/device: must not be"},
      {document({rule(match, {{"kind", "explode"}})}), "/rules/0/effect/kind: is not an effect"},
      {document({rule(match, {{"kind", "stale"}})}), "/rules/0/effect/kind: dps.register cannot be stale"},
      {document({rule(match, {{"kind", "failed"}, {"seconds", 1}})}), "/rules/0/effect/seconds: there is no such"},
      {document({rule(match, {{"kind", "stuck"}, {"polls", 1}, {"seconds", 1}})}), "/rules/0/effect: is stuck for"},
      {document({rule({{"operation", "store.commit"}}, {{"kind", "slow"}})}),
       "/rules/0/effect/milliseconds: is missing"},
      {document({rule({{"operation", "store.commit"}}, {{"kind", "slow"}, {"milliseconds", 0}})}),
       "/rules/0/effect/milliseconds: must be a whole number"},
      {document({rule({{"operation", "hub.sync"}}, {{"kind", "late"}, {"seconds", 0}})}),
       "/rules/0/effect/seconds: must be a whole number"},
      {document({rule({{"operation", "hub.sync"}}, {{"kind", "skipped"}, {"old", "lost"}})}),
       "/rules/0/effect/old: is"},
      {with("probability", 1.5), "/rules/0/probability: must be a number"},
      {with("probability", "1"), "/rules/0/probability: must be a number"},
      {with("count", 0), "/rules/0/count: must be a whole number"},
      {with("count", 1.5), "/rules/0/count: must be a whole number"},
      {with("name", 1), "/rules/0/name: must be a string"},
  };
  return documents;
}

inline Documents bad_seeds() {
  const Documents documents = {
      {"", "the document is refused"},
      {R"({"namespace": []})", "/namespace: there is no such member"},
      {R"({"namespaces": {}})", "/namespaces: must be an array"},
      {R"({"namespaces": [{}]})", "/namespaces/0/name: is missing"},
      {R"({"namespaces": [{"name": ""}]})", "/namespaces/0/name: must not be empty"},
      {R"({"namespaces": [{"name": "n", "policies": [{"name": "p"}, {"name": "q", "validityDays": 0}]}]})",
       "/namespaces/0/policies/1/validityDays: must be"},
      {R"({"namespaces": [{"name": "n", "devices": [{"id": "d", "enabled": 1}]}]})",
       "/namespaces/0/devices/0/enabled: must be"},
      {R"({"namespaces": [{"name": "n", "devices": [{"id": "d{}", "count": 0}]}]})",
       "/namespaces/0/devices/0/count: must be"},
      {R"({"namespaces": [{"name": "n", "devices": [{"id": "d{}", "count": 1000001}]}]})",
       "/namespaces/0/devices/0/count: must be"},
      {R"({"namespaces": [{"name": "n", "devices": [{"id": "d", "count": 2}]}]})",
       "/namespaces/0/devices/0/id: has to have {}"},
      {R"({"namespaces": [{"name": "n", "devices": [{"id": "d{}{}", "count": 2}]}]})",
       "/namespaces/0/devices/0/id: has to have {}"},
      {R"({"namespaces": [{"name": "n", "devices": [{"id": "d", "first": 2}]}]})",
       "/namespaces/0/devices/0/first: there is no such member"},
      {R"({"namespaces": [{"name": "n", "devices": [{"id": "d{}", "count": 2, "first": -1}]}]})",
       "/namespaces/0/devices/0/first: must be"},
      {R"({"hubs": [{"name": "h", "latencyMs": -1}]})", "/hubs/0/latencyMs: must be"},
      {R"({"enrollments": [{"id": "e", "x509": {}}]})", "/enrollments/0/x509/primary: is missing"},
      {R"({"enrollments": [{"id": "e", "x509": {"primary": "P"}, "symmetricKey": {}}]})", "/enrollments/0: give"},
      {R"({"enrollments": [{"id": "e", "group": true, "deviceId": "d"}]})", "/enrollments/0/deviceId: is of"},
      {R"({"roles": [{"name": "r", "actions": [1]}]})", "/roles/0/actions: must be an array of strings"},
      {R"({"tokens": [{"name": "t", "lifetimeSeconds": 59}]})", "/tokens/0/lifetimeSeconds: must be"},
      {R"({"tokens": [{"name": "t", "assignments": [{}]}]})", "/tokens/0/assignments/0/role: is missing"},
      {R"({"signing": {}})", "/signing: there is no such member"},
  };
  return documents;
}

inline std::vector<std::string> good_faults() {
  using nlohmann::json;
  const auto on = [](const char* operation) { return json{{"operation", operation}}; };
  std::vector<std::string> documents = {R"({"rules": []})", R"({"$schema": "x", "seed": 7, "rules": []})"};
  const json rules = {
      rule({{"operation", "dps.register"}, {"device", "a*"}, {"policy", "p"}}, {{"kind", "throttled"}}),
      rule(on("dps.register"), {{"kind", "throttled"}, {"retryAfterSeconds", 0}}),
      rule(on("dps.register"), {{"kind", "failed"}, {"message", "m"}, {"code", "c"}}),
      rule(on("dps.register"), {{"kind", "withoutCertificate"}}),
      rule(on("dps.register"), {{"kind", "stuck"}}),
      rule(on("dps.register"), {{"kind", "stuck"}, {"polls", 3}}),
      rule(on("dps.register"), {{"kind", "stuck"}, {"seconds", 3}}),
      rule(on("dps.poll"), {{"kind", "throttled"}}),
      rule({{"operation", "management.request"}, {"method", "PUT"}, {"resource", "*"}}, {{"kind", "failed"}}),
      rule(on("management.request"), {{"kind", "throttled"}}),
      rule(on("management.request"), {{"kind", "resultFailed"}}),
      rule({{"operation", "management.operation"}, {"action", "*"}}, {{"kind", "stuck"}}),
      rule(on("management.operation"), {{"kind", "failed"}}),
      rule({{"operation", "policy.revoke"}, {"resource", "*"}}, {{"kind", "halfDone"}}),
      rule({{"operation", "hub.sync"}, {"hub", "h"}, {"policy", "p"}, {"action", "a"}}, {{"kind", "skipped"}}),
      rule(on("hub.sync"), {{"kind", "late"}, {"seconds", 3.0}, {"old", "kept"}}),
      rule(on("hub.sync"), {{"kind", "late"}}),
      rule(on("crl.publish"), {{"kind", "stale"}}),
      rule({{"operation", "crl.publish"}, {"resource", "CN=*"}}, {{"kind", "wronglySigned"}}),
      rule(on("store.commit"), {{"kind", "slow"}, {"milliseconds", 1}}),
      rule({{"operation", "store.commit"}, {"action", "a"}, {"resource", "r"}}, {{"kind", "full"}}),
  };
  for (const auto& one : rules) documents.push_back(document({one}));
  json all = rule(on("crl.publish"), {{"kind", "stale"}});
  all.update({{"name", "n"}, {"count", 2}, {"probability", 0.25}});
  documents.push_back(document({all, all}, 42));
  return documents;
}

inline std::vector<std::string> good_seeds() {
  return {
      "{}",
      R"({"$schema": "x", "namespaces": [{"name": "default"}]})",
      R"({"namespaces": [{"name": "n", "credential": {"keyProfile": "ec-p384"},
           "policies": [{"name": "p", "validityDays": 7, "keyProfile": "ec-p256", "ownRoot": true}],
           "devices": [{"id": "d"}, {"id": "e", "enabled": false}]}]})",
      R"({"namespaces": [{"name": "n", "devices": [{"id": "{}", "count": 2}, {"id": "a-{}", "count": 3, "first": 0}]}]})",
      R"({"hubs": [{"name": "h"}, {"name": "i", "namespace": "n", "listen": "127.0.0.9:0", "latencyMs": 5}]})",
      R"({"enrollments": [{"id": "e", "deviceId": "d", "group": false, "policy": "p", "namespace": "n", "enabled": true},
           {"id": "g", "group": true, "symmetricKey": {"primaryKey": "a", "secondaryKey": "b"}},
           {"id": "x", "x509": {"primary": "PEM", "secondary": "PEM"}}]})",
      R"({"roles": [{"name": "r", "description": "d", "actions": ["a"], "notActions": [], "dataActions": ["b"],
           "notDataActions": [], "assignableScopes": ["/"]}]})",
      R"({"tokens": [{"name": "t", "lifetimeSeconds": 60, "assignments": [{"role": "r", "scope": "/"}, {"role": "s"}]}]})",
  };
}

}  // namespace latchkey::hub::rehearsal
