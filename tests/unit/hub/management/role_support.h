// SPDX-License-Identifier: Apache-2.0
// Management with principals, for tests of who may do what.
#pragma once

#include <gmock/gmock.h>

#include "hub/management/authenticator.h"
#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::management {

class RolesTest : public ManagementTest {
 protected:
  // A principal without roles.
  Caller person(const std::string& name) {
    registry::NewPrincipal wanted;
    wanted.name = name;
    wanted.digest[0] = static_cast<std::uint8_t>(++made_);
    wanted.digest[1] = static_cast<std::uint8_t>(made_ >> 8);
    wanted.expires = clock.now() + 86'400'000;
    const auto principal = registry->create_principal({"test", clock.now()}, wanted);
    EXPECT_TRUE(principal);
    return Caller::by_token(principal->value.id, name, "127.0.0.1:50000");
  }
  Caller person(const std::string& name, const std::string& role, const std::string& scope) {
    const auto caller = person(name);
    give(name, role, scope);
    return caller;
  }
  void give(const std::string& name, const std::string& role, const std::string& scope) {
    Uuid id;
    id.bytes = {static_cast<std::uint8_t>(++made_), static_cast<std::uint8_t>(made_ >> 8), 1};
    const auto given = registry->create_role_assignment({"test", clock.now()}, {id, name, role, scope});
    EXPECT_TRUE(given) << (given ? "" : given.error().detail);
  }
  Response respond(const Caller& caller, Method method, const std::string& target, const std::string& body = "") {
    const auto question = target.find('?');
    Request request{method, target.substr(0, question), "", body, caller};
    if (question != std::string::npos) request.query = target.substr(question + 1);
    return management->handle(request);
  }
  Seen ask_as(const Caller& caller, Method method, const std::string& target, const json& body = {}) {
    const auto response = respond(caller, method, target, body.is_null() ? "" : body.dump());
    return {response.status, response.body.empty() ? json() : json::parse(response.body)};
  }
  std::string group() {
    return "/subscriptions/" + **registry->setting(std::string(registry::kSubscriptionSetting)) +
           "/resourceGroups/latchkey";
  }
  std::string the_namespace() { return group() + "/providers/Microsoft.DeviceRegistry/namespaces/default"; }
  // The same management, reading roles in another way.
  void reread(registry::roles::Parity parity) {
    Parts parts{*registry, clock, played, played, played, played};
    parts.parity = parity;
    management = std::make_unique<Management>(parts);
  }

 private:
  int made_ = 0;
};

}  // namespace latchkey::hub::management
