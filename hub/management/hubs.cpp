// SPDX-License-Identifier: Apache-2.0
// Hubs, and the CA certificates that each of them trusts.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "hub/management/internal/handlers.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/shapes.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

Answer<json> shape(const Context& context, const registry::HubCertificate& certificate, Names& names) {
  LATCHKEY_TRY(ca, context.registry().find_ca(certificate.ca));
  return hub_certificate_json(certificate, context.names[0], ca, names);
}

Answer<HubActs*> acts(const Context& context) {
  if (context.parts.hubs) return context.parts.hubs;
  return fault(Reason::kNotConfigured, "this process runs no hubs");
}

Answer<Response> hub_answer(const Context& context, int status, const registry::Hub& hub) {
  Names names(context.registry());
  return answer(status, hub_json(hub, names));
}

// Of "/namespaces/NAME" or the whole resource id, the name.
std::string read_namespace(Fields& properties) {
  auto link = properties.object("deviceRegistry");
  const auto id = link.text("namespaceResourceId");
  if (!id) return "default";
  constexpr std::string_view kParent = "/namespaces";
  const auto slash = id->rfind('/');
  const auto parent = slash == std::string::npos ? std::string() : id->substr(0, slash);
  if (!parent.ends_with(kParent) || slash + 1 == id->size()) {
    link.refuse(Reason::kInvalidArgument, "is not the id of a namespace", "namespaceResourceId");
    return {};
  }
  return id->substr(slash + 1);
}

// The outer nothing: there is no word of it. The inner: none is to be declared.
std::optional<std::optional<std::int64_t>> read_latency(Fields& properties) {
  if (properties.is_null("latencyMs")) return std::optional<std::int64_t>();
  const auto latency = properties.integer("latencyMs");
  if (!latency) return std::nullopt;
  return latency;
}

}  // namespace

Answer<Response> list_hubs(const Context& context) {
  LATCHKEY_TRY(list, context.registry().list_hubs());
  Names names(context.registry());
  json value = json::array();
  for (const auto& hub : list) value.push_back(hub_json(hub, names));
  return answer(200, list_json(std::move(value)));
}

Answer<Response> show_hub(const Context& context) {
  LATCHKEY_TRY(hub, context.registry().find_hub(context.names[0]));
  return hub_answer(context, 200, hub);
}

Answer<Response> create_hub(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto properties = reader->root().object("properties");
  registry::NewHub wanted;
  wanted.name = context.names[0];
  wanted.namespace_name = read_namespace(properties);
  wanted.listen = properties.text("listen").value_or("");
  wanted.latency_ms = read_latency(properties).value_or(std::nullopt);
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(hubs, acts(context));
  LATCHKEY_TRY(created, hubs->create(context.call, std::move(wanted)));
  return hub_answer(context, 201, created);
}

Answer<Response> update_hub(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto properties = reader->root().object("properties");
  for (const char* name : {"deviceRegistry", "listen", "hostName"}) properties.immutable(name);
  registry::HubUpdate update;
  update.latency_ms = read_latency(properties);
  LATCHKEY_TRY_VOID(reader->finish());
  if (!update.latency_ms) return fault(Reason::kMalformedRequest, "there is nothing to change: give latencyMs");
  LATCHKEY_TRY(updated, context.registry().update_hub(context.call, context.names[0], update));
  return hub_answer(context, 200, updated.value);
}

Answer<Response> delete_hub(const Context& context) {
  LATCHKEY_TRY(hubs, acts(context));
  registry::Call call = context.call;
  call.override_name = context.query_value("override").value_or("");
  LATCHKEY_TRY_VOID(hubs->remove(call, context.names[0]));
  return no_content();
}

Answer<Response> list_hub_certificates(const Context& context) {
  LATCHKEY_TRY(list, context.registry().list_hub_certificates(context.names[0]));
  Names names(context.registry());
  json value = json::array();
  for (const auto& certificate : list) {
    LATCHKEY_TRY(item, shape(context, certificate, names));
    value.push_back(std::move(item));
  }
  return answer(200, list_json(std::move(value)));
}

Answer<Response> show_hub_certificate(const Context& context) {
  LATCHKEY_TRY(list, context.registry().list_hub_certificates(context.names[0]));
  const auto found =
      std::find_if(list.begin(), list.end(), [&context](const auto& item) { return item.name == context.names[1]; });
  if (found == list.end()) {
    return fault(Reason::kNotFound, "hub '" + context.names[0] + "' has no certificate '" + context.names[1] + "'");
  }
  Names names(context.registry());
  LATCHKEY_TRY(body, shape(context, *found, names));
  auto response = answer(200, body);
  response.etag = body["etag"];
  return response;
}

// Azure's hubs let devices in below a CA certificate that a customer uploads and proves to hold the key of. Here a
// device is let in by the identifier in a certificate that a policy issued, and a certificate of another CA has none:
// to take the upload would be to promise what the gate refuses.
Answer<Response> upload_hub_certificate(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  for (const char* name : {"id", "name", "type", "etag", "systemData"}) root.pass(name);
  auto properties = root.object("properties");
  for (const char* name : {"certificate", "isVerified", "policyResourceId", "subject", "expiry", "thumbprint",
                           "created", "updated", "certificateAuthority"}) {
    properties.pass(name);
  }
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(hub, context.registry().find_hub(context.names[0]));
  return fault(Reason::kNotSupported,
               "hub '" + hub.name +
                   "' takes no CA certificates of others: it knows devices by the identifier in certificates that "
                   "policies issue, so devices below this CA would not get in; a policy with a root of your own "
                   "(bringYourOwnRoot) puts a CA of yours above them");
}

Answer<Response> prove_hub_certificate(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  reader->root().pass("certificate");
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(shown, show_hub_certificate(context));
  (void)shown;
  return fault(Reason::kNotSupported, "certificate '" + context.names[1] +
                                          "' came from a policy of the hub's namespace and counts as verified: nobody "
                                          "has to prove to hold its key");
}

Answer<Response> delete_hub_certificate(const Context& context) {
  if (context.arm() && context.if_match.empty()) {
    return fault(Reason::kPreconditionFailed, "deleting a certificate needs the 'If-Match' that says which",
                 "If-Match");
  }
  LATCHKEY_TRY(gone, context.registry().delete_hub_certificate(context.call, context.names[0], context.names[1]));
  LATCHKEY_TRY_VOID(context.parts.enforcement.wait_cut(gone.sequence));
  return no_content();
}

}  // namespace latchkey::hub::management
