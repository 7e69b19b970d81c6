// SPDX-License-Identifier: Apache-2.0
// Management as a client of Azure Resource Manager asks it: full paths, api-version, conditions in the header.
#pragma once

#include <gmock/gmock.h>

#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::management {

struct Answered {
  int status = 0;
  json body;
  std::string etag;
  std::vector<std::pair<std::string, std::string>> fields;

  std::string field(const std::string& name) const {
    for (const auto& [one, value] : fields) {
      if (one == name) return value;
    }
    return {};
  }
  std::string code() const { return body.is_object() && body.contains("error") ? body["error"]["code"] : ""; }
  std::string message() const { return body.is_object() && body.contains("error") ? body["error"]["message"] : ""; }
};

struct Conditions {
  std::string if_match = {};
  std::string if_none_match = {};
  std::string max_item_count = {};
  std::string continuation = {};
};

class ArmTest : public ManagementTest {
 protected:
  const std::string kVersion = "api-version=2026-03-01-preview";

  std::string subscription() { return **registry->setting(std::string(registry::kSubscriptionSetting)); }
  std::string group() { return "/subscriptions/" + subscription() + "/resourceGroups/latchkey"; }
  std::string ns(const std::string& rest = "") {
    return group() + "/providers/Microsoft.DeviceRegistry/namespaces/default" + rest;
  }
  std::string hub(const std::string& rest = "") { return group() + "/providers/Microsoft.Devices/IotHubs/hub" + rest; }

  // As it stands: with its own query.
  Answered exactly(Method method, const std::string& target, const std::string& body, const Conditions& conditions) {
    const auto question = target.find('?');
    Request request{method, target.substr(0, question), "", body, Caller::on_socket(Caller::Kind::kOwner, 0, "root")};
    if (question != std::string::npos) request.query = target.substr(question + 1);
    request.base = base;
    request.if_match = conditions.if_match;
    request.if_none_match = conditions.if_none_match;
    request.max_item_count = conditions.max_item_count;
    request.continuation = conditions.continuation;
    const auto response = management->handle(request);
    return {response.status, response.body.empty() ? json() : json::parse(response.body), response.etag,
            response.fields};
  }
  Answered exactly(Method method, const std::string& target, const json& body = {}) {
    return exactly(method, target, body.is_null() ? "" : body.dump(), {});
  }
  // With the api-version added.
  Answered arm(Method method, const std::string& target, const json& body = {}, const Conditions& conditions = {}) {
    const char mark = target.find('?') == std::string::npos ? '?' : '&';
    return exactly(method, target + mark + kVersion, body.is_null() ? "" : body.dump(), conditions);
  }
  // What an absolute or relative link leads to.
  Answered follow(const std::string& link) {
    return exactly(Method::kGet, link.starts_with(base) ? link.substr(base.size()) : link);
  }

  std::string base = "https://127.0.0.1:8443";
};

}  // namespace latchkey::hub::management
