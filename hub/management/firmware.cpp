// SPDX-License-Identifier: Apache-2.0
// Campaigns of firmware, pins, and the public half of the statement key.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "hub/management/internal/firmware_handlers.h"
#include "hub/management/internal/paging.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/shapes.h"
#include "hub/management/internal/text.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;
using registry::firmware::Campaign;

namespace {

constexpr std::size_t kPageMost = 1000;
constexpr std::size_t kEkusMost = 4;
constexpr std::size_t kEkuMost = 128;

Answer<Firmware*> room(const Context& context) {
  if (context.parts.firmware != nullptr) return context.parts.firmware;
  return fault(Reason::kNotConfigured, "this process serves no firmware");
}

// Said after the body was read to its end, so that a member that nobody knows is named before one that nobody gave.
tl::unexpected<Fault> missing(const std::string& member) {
  return fault(Reason::kMalformedRequest, "'" + member + "' is missing", member);
}

Answer<registry::Bytes> id_in(const Context& context) {
  const auto& text = context.names[1];
  registry::Bytes id(Campaign::kIdSize);
  if (text.size() == hex_size(id.size()) && hex_decode(text, {id.data(), id.size()})) return id;
  return fault(Reason::kInvalidName, "a campaign's id is the SHA-256 of its bundle: 64 hexadecimal digits");
}

json lines_json(const std::string& text) {
  json list = json::array();
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    list.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return list;
}

json campaign_json(const Context& context, const Campaign& one) {
  const auto name = hex(ByteView(one.bundle));
  json properties = {
      {"state", to_string(one.state)},           {"board", one.board},    {"version", one.version}, {"size", one.size},
      {"imageSha256", hex(ByteView(one.image))}, {"percent", one.percent}};
  if (one.policy) {
    properties["policy"] = one.policy_name;
  } else {
    properties["devices"] = one.devices;
  }
  json result;
  result["id"] = resource_id(context.place, {"namespaces", context.names[0], "firmwareCampaigns", name});
  result["name"] = name;
  result["type"] = "Latchkey/firmwareCampaigns";
  result["systemData"] = {{"createdAt", iso8601(one.created)}, {"lastModifiedAt", iso8601(one.updated)}};
  result["properties"] = std::move(properties);
  return result;
}

json progress_json(const registry::firmware::Progress& one) {
  return {{"name", one.device},
          {"report", to_string(one.report.event)},
          {"reason", one.report.reason.empty() ? json() : json(one.report.reason)},
          {"runs", one.runs},
          {"version", one.report.version},
          {"at", iso8601(one.report.at)}};
}

json statement_json(const std::optional<registry::firmware::Statement>& one) {
  if (!one) return {{"version", 0}, {"madeAt", nullptr}};
  return {{"version", one->version}, {"madeAt", iso8601(one->made)}};
}

json pins_json(const std::optional<registry::firmware::Statement>& one) {
  auto shown = statement_json(one);
  shown["durableEkus"] = lines_json(one ? one->content : "");
  return shown;
}

}  // namespace

Answer<Response> list_campaigns(const Context& context) {
  LATCHKEY_TRY(firmware, room(context));
  LATCHKEY_TRY(campaigns, firmware->list(context.names[0]));
  json value = json::array();
  for (const auto& one : campaigns) value.push_back(campaign_json(context, one));
  const bool in_pages = context.query_value("top") || context.query_value("$top");
  return in_pages ? paged(context, std::move(value)) : answer(200, list_json(std::move(value)));
}

Answer<Response> show_campaign(const Context& context) {
  LATCHKEY_TRY(firmware, room(context));
  LATCHKEY_TRY(id, id_in(context));
  LATCHKEY_TRY(campaign, firmware->find(context.names[0], id));
  LATCHKEY_TRY(tally, firmware->tally(campaign));
  auto shown = campaign_json(context, campaign);
  json last = json::object();
  for (const auto& [event, count] : tally.last) last[std::string(to_string(event))] = count;
  shown["properties"]["progress"] = {
      {"targeted", tally.targeted}, {"reached", tally.reached}, {"running", tally.running}, {"lastReports", last}};
  return answer(200, shown);
}

Answer<Response> publish_campaign(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto properties = reader->root().object("properties");
  const auto bundle = properties.text("bundle");
  Firmware::Order order;
  order.policy = properties.text("policy").value_or("");
  order.devices = properties.texts("devices");
  order.percent = properties.integer("percent").value_or(100);
  LATCHKEY_TRY_VOID(reader->finish());
  if (!bundle) return missing("properties.bundle");
  LATCHKEY_TRY(firmware, room(context));
  LATCHKEY_TRY(id, id_in(context));
  LATCHKEY_TRY(bytes, from_base64(*bundle, "properties.bundle"));
  order.bundle = std::move(bytes);
  LATCHKEY_TRY(campaign, firmware->publish(context.call, context.names[0], id, order));
  return answer(201, campaign_json(context, campaign));
}

Answer<Response> raise_campaign(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  const auto percent = reader->root().object("properties").integer("percent");
  LATCHKEY_TRY_VOID(reader->finish());
  if (!percent) return missing("properties.percent");
  LATCHKEY_TRY(firmware, room(context));
  LATCHKEY_TRY(id, id_in(context));
  LATCHKEY_TRY(campaign, firmware->raise(context.call, context.names[0], id, *percent));
  return answer(200, campaign_json(context, campaign));
}

Answer<Response> withdraw_campaign(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(firmware, room(context));
  LATCHKEY_TRY(id, id_in(context));
  LATCHKEY_TRY(campaign, firmware->withdraw(context.call, context.names[0], id));
  return answer(200, campaign_json(context, campaign));
}

Answer<Response> list_campaign_devices(const Context& context) {
  LATCHKEY_TRY(firmware, room(context));
  LATCHKEY_TRY(id, id_in(context));
  LATCHKEY_TRY(top, context.top(kPageMost, kPageMost));
  LATCHKEY_TRY(after, page_start(context));
  LATCHKEY_TRY(campaign, firmware->find(context.names[0], id));
  LATCHKEY_TRY(list, firmware->progress(campaign, after, top + 1));
  json value = json::array();
  for (std::size_t i = 0; i < list.size() && i < top; ++i) value.push_back(progress_json(list[i]));
  const bool more = list.size() > top;
  return answer(200, list_json(std::move(value), more ? next_link(context, top, list[top - 1].device) : ""));
}

Answer<Response> show_statements(const Context& context) {
  LATCHKEY_TRY(firmware, room(context));
  LATCHKEY_TRY(pins, firmware->pins());
  LATCHKEY_TRY(revocations, firmware->revocations());
  return answer(200, {{"pins", pins_json(pins)}, {"revocations", statement_json(revocations)}});
}

Answer<Response> write_pins(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  const bool given = reader->root().has("durableEkus");
  const auto ekus = reader->root().texts("durableEkus");
  LATCHKEY_TRY_VOID(reader->finish());
  if (!given) return missing("durableEkus");
  const auto good = [](const std::string& eku) {
    return !eku.empty() && eku.size() <= kEkuMost && eku.find_first_not_of("0123456789.") == std::string::npos;
  };
  if (ekus.empty() || ekus.size() > kEkusMost || !std::all_of(ekus.begin(), ekus.end(), good)) {
    return fault(Reason::kInvalidArgument, "pins are one to four durable EKUs, such as 1.3.6.1.4.1.311.97.990309390",
                 "durableEkus");
  }
  LATCHKEY_TRY(firmware, room(context));
  LATCHKEY_TRY(pins, firmware->pin(context.call, ekus));
  return answer(200, pins_json(pins));
}

Answer<Response> show_statement_key(const Context& context) {
  LATCHKEY_TRY(firmware, room(context));
  LATCHKEY_TRY(der, firmware->statement_key(context.call));
  return answer(200, {{"publicKey", pem_from_der(ByteView(der), "PUBLIC KEY")}});
}

}  // namespace latchkey::hub::management
