// SPDX-License-Identifier: Apache-2.0
// The provisioning service itself, as Azure Resource Manager shows it. There is one, it is there from the first start
// on, and all that can be changed of it are its tags. What is in it has files of its own: enrollments.cpp,
// provisioning_service.cpp, registrations.cpp.
#include <nlohmann/json.hpp>

#include "hub/management/internal/envelope.h"
#include "hub/management/internal/handlers.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/shapes.h"
#include "registry/roles/scope.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

constexpr const char* kType = "Microsoft.Devices/provisioningServices";
constexpr const char* kUsualNamespace = "default";  // of an enrollment that names none

std::string name() { return std::string(kProvisioningService); }

Answer<registry::Nothing> check_name(const Context& context) {
  if (registry::roles::same_text(context.names[0], kProvisioningService)) return registry::Nothing{};
  return fault(Reason::kNotFound, "there is one provisioning service, '" + name() + "'");
}

// Every hub is linked; each takes the devices of its namespace, and none more than another.
json linked_hubs(const std::vector<registry::Hub>& hubs) {
  json list = json::array();
  for (const auto& hub : hubs) {
    list.push_back(
        {{"name", hub.host}, {"location", kUsualLocation}, {"allocationWeight", 1}, {"applyAllocationPolicy", true}});
  }
  return list;
}

std::string address_of(const HubState& state, std::string_view endpoint) {
  for (const auto& gate : state.gates) {
    if (gate.endpoint == endpoint) return gate.address;
  }
  return {};
}

// "127.0.0.1:8443" of "https://127.0.0.1:8443".
json without_scheme(const std::string& url) {
  const auto behind = url.find("://");
  return behind == std::string::npos ? json() : json(url.substr(behind + 3));
}

// A service in Azure has one namespace; this one serves all, each enrollment in its own. It shows that of enrollments
// which name none, as long as it is there.
json namespace_link(const Context& context) {
  const auto ns = context.registry().find_namespace(kUsualNamespace);
  if (!ns) return json();
  return {{"resourceId", resource_id(context.place, {"namespaces", ns->name})}};
}

Answer<json> shape(const Context& context) {
  LATCHKEY_TRY(hubs, context.registry().list_hubs());
  LATCHKEY_TRY(labels, labels_at(context, {std::string("provisioningServices"), name()}));
  const auto state = context.parts.insight.status();
  json result = {{"id", resource_id(context.place, {"provisioningServices", name()})},
                 {"name", name()},
                 {"type", kType},
                 {"sku", {{"name", "S1"}, {"tier", "Standard"}, {"capacity", 1}}},
                 {"systemData", json::object()},
                 {"properties",
                  {{"state", "Active"},
                   {"provisioningState", "Succeeded"},
                   {"idScope", state.id_scope},
                   {"allocationPolicy", "Hashed"},
                   {"iotHubs", linked_hubs(hubs)},
                   {"deviceProvisioningHostName", address_of(state, "dps")},
                   {"serviceOperationsHostName", without_scheme(state.https)},
                   {"authorizationPolicies", json::array()}}}};
  if (auto link = namespace_link(context); !link.is_null()) {
    result["properties"]["deviceRegistryNamespace"] = std::move(link);
  }
  put_labels(result, labels, Kept::kTracked);
  if (labels.modified == 0) result.erase("systemData");  // nobody has touched it, and nobody knows when it was made
  return result;
}

}  // namespace

Answer<Response> list_provisioning_services(const Context& context) {
  LATCHKEY_TRY(only, shape(context));
  return answer(200, list_json(json::array({std::move(only)})));
}

Answer<Response> show_provisioning_service(const Context& context) {
  LATCHKEY_TRY_VOID(check_name(context));
  LATCHKEY_TRY(body, shape(context));
  return answer(200, body);
}

Answer<Response> update_provisioning_service(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  registry::Call call = context.call;
  read_envelope(root, Kept::kTracked, call);
  root.immutable("properties");
  root.immutable("sku");
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY_VOID(check_name(context));
  LATCHKEY_TRY(labels, labels_at(context, {std::string("provisioningServices"), name()}));
  LATCHKEY_TRY_VOID(check_location(call, labels));
  LATCHKEY_TRY_VOID(context.registry().relabel_provisioning_service(call, name()));
  LATCHKEY_TRY(body, shape(context));
  return answer(200, body);
}

}  // namespace latchkey::hub::management
