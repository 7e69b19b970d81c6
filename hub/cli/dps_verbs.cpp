// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {
namespace {

const Columns kColumns = {{"NAME", "/name"},
                          {"STATE", "/properties/state"},
                          {"ID SCOPE", "/properties/idScope"},
                          {"DEVICES", "/properties/deviceProvisioningHostName"},
                          {"SERVICE", "/properties/serviceOperationsHostName"},
                          {"ALLOCATION", "/properties/allocationPolicy"},
                          {"NAMESPACE", "/properties/deviceRegistryNamespace/resourceId", As::kLastPart}};

int list(Session& session, const Args&) { return session.list("/provisioningServices", kColumns); }
int show(Session& session, const Args& args) {
  return session.show("/provisioningServices/" + percent_encode(args.text("name")), kColumns);
}

}  // namespace

std::vector<Verb> dps_verbs() {
  Option name = name_option("the provisioning service's name");
  name.required = false;
  name.usual = "dps";
  return {
      {"dps", "list", {}, "List the provisioning services: there is one", {}, list},
      {"dps", "show", {}, "Show the provisioning service: its id scope, addresses and hubs", {name}, show},
  };
}

}  // namespace latchkey::hub::cli
