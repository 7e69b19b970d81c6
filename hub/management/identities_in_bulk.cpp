// SPDX-License-Identifier: Apache-2.0
// Up to a hundred identities in one request, as hubs take them: each with its own import mode and its own outcome.
// Those that are to be created one after the other share their commits.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "hub/management/internal/actions.h"
#include "hub/management/internal/authorization.h"
#include "hub/management/internal/face.h"
#include "hub/management/internal/identity_body.h"
#include "hub/management/internal/throttles.h"
#include "hub/text/json.h"
#include "hub/text/strict_json.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;
using registry::Refusal;

namespace {

constexpr std::size_t kMostAtOnce = 100;

enum class Mode : std::uint8_t { kCreate, kUpdate, kUpdateIfMatch, kDelete, kDeleteIfMatch };

struct Item {
  std::string id;
  Mode mode = Mode::kCreate;
  std::string etag;
  std::string body;  // what is left of it: the identity as a single request would have it
};

std::optional<Mode> mode_of(const std::string& text) {
  constexpr std::pair<std::string_view, Mode> kModes[] = {{"create", Mode::kCreate},
                                                          {"update", Mode::kUpdate},
                                                          {"updateIfMatchETag", Mode::kUpdateIfMatch},
                                                          {"delete", Mode::kDelete},
                                                          {"deleteIfMatchETag", Mode::kDeleteIfMatch}};
  for (const auto& [name, mode] : kModes) {
    if (name == text) return mode;
  }
  return std::nullopt;
}

bool deletes(const Item& item) { return item.mode == Mode::kDelete || item.mode == Mode::kDeleteIfMatch; }

Answer<Item> read_item(json one, const std::string& place) {
  if (!one.is_object() || !one.contains("id") || !one["id"].is_string()) {
    return fault(Reason::kMalformedRequest, "'" + place + "' has no 'id'", place);
  }
  const auto text = one.contains("importMode") && one["importMode"].is_string() ? one["importMode"].get<std::string>()
                                                                                : std::string();
  const auto mode = mode_of(text);
  if (!mode) {
    return fault(Reason::kInvalidArgument,
                 "'importMode' is none of create, update, updateIfMatchETag, delete and deleteIfMatchETag",
                 place + ".importMode");
  }
  Item item{one["id"], *mode, {}, {}};
  if (one.contains("eTag") && one["eTag"].is_string()) item.etag = one["eTag"];
  for (const char* name : {"id", "importMode", "eTag"}) one.erase(name);
  item.body = text::dump(one);
  return item;
}

Answer<std::vector<Item>> read_items(const Context& context) {
  auto list = text::parse_strict(context.body.empty() ? std::string_view("null") : context.body);
  if (!list) return fault(Reason::kMalformedRequest, "the body is refused: " + list.error());
  if (!list->is_array()) return fault(Reason::kMalformedRequest, "the body is not a JSON array");
  if (list->empty() || list->size() > kMostAtOnce) {
    return fault(Reason::kInvalidArgument, "the body has to be 1 to 100 devices");
  }
  std::vector<Item> items;
  for (std::size_t i = 0; i < list->size(); ++i) {
    LATCHKEY_TRY(item, read_item(std::move((*list)[i]), "[" + std::to_string(i) + "]"));
    items.push_back(std::move(item));
  }
  return items;
}

// The route asks for the leave to write, and an item can ask for more than that.
Answer<registry::Nothing> check_may_delete(const Context& context) {
  const Question question{kDeleteIdentity, resource_id(context.place, {"devices"})};
  auto no = refused(context.registry(), context.parts.parity, context.request->caller, context.call.now, question);
  if (no) return tl::unexpected<Fault>(Fault(*std::move(no)));
  return registry::Nothing{};
}

class Bulk {
 public:
  explicit Bulk(const Context& context) : context_(context), ns_(namespace_of(context)) {}

  Answer<registry::Nothing> run(std::span<const Item> items) {
    while (!items.empty()) {
      const auto other =
          std::find_if(items.begin(), items.end(), [](const Item& item) { return item.mode != Mode::kCreate; });
      const auto alike = static_cast<std::size_t>(other - items.begin());
      if (alike == 0) {
        note(items.front(), change(items.front()));
      } else {
        LATCHKEY_TRY_VOID(create(items.first(alike)));
      }
      items = items.subspan(std::max<std::size_t>(alike, 1));
    }
    return registry::Nothing{};
  }
  json errors() && { return std::move(errors_); }

 private:
  Answer<DeviceBody> read(const Item& item) const {
    Context single{context_.parts, context_.ca_acts, context_.call,    item.body,         {item.id}, context_.query, {},
                   context_.place, context_.face,    context_.request, context_.throttles};
    single.call.if_match.clear();
    return read_identity(single);
  }

  Answer<registry::Nothing> create(std::span<const Item> items) {
    std::vector<registry::NewDevice> wanted;
    std::vector<const Item*> whose;
    for (const Item& item : items) {
      auto body = read(item);
      if (!body) {
        note(item, tl::unexpected<Fault>(body.error()));
        continue;
      }
      body->call.labels->extra = text::dump(body->extra);
      wanted.push_back({item.id, body->update, body->call.labels});
      whose.push_back(&item);
    }
    LATCHKEY_TRY_VOID(admit(context_, Counted::kDeviceCreation, static_cast<std::uint32_t>(wanted.size())));
    LATCHKEY_TRY(made, context_.registry().create_devices(context_.call, ns_, wanted));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (!made.value[i]) note(*whose[i], tl::unexpected<Fault>(Fault(made.value[i].error())));
    }
    LATCHKEY_TRY_VOID(context_.parts.enforcement.wait_applied(made.sequence));
    return registry::Nothing{};
  }

  Answer<registry::Nothing> change(const Item& item) {
    registry::Call call = context_.call;
    call.if_match.clear();
    const bool tagged = item.mode == Mode::kUpdateIfMatch || item.mode == Mode::kDeleteIfMatch;
    if (tagged) call.if_match = {item.etag};  // without one nothing fits
    if (deletes(item)) {
      LATCHKEY_TRY(gone, context_.registry().delete_device(call, ns_, item.id));
      context_.parts.ca.crl_due();
      LATCHKEY_TRY_VOID(context_.parts.enforcement.wait_cut(gone.sequence));
      return registry::Nothing{};
    }
    LATCHKEY_TRY(body, read(item));
    body.call.if_match = call.if_match;
    LATCHKEY_TRY_VOID(change_device(context_, ns_, item.id, body, DeviceAct::kPut));
    return registry::Nothing{};
  }

  void note(const Item& item, const Answer<registry::Nothing>& outcome) {
    if (outcome) return;
    const Refusal& refusal = outcome.error().refusal;
    errors_.push_back(
        {{"deviceId", item.id}, {"errorCode", hub_error_code(refusal.reason)}, {"errorStatus", refusal.detail}});
  }

  const Context& context_;
  const std::string ns_;
  json errors_ = json::array();
};

}  // namespace

Answer<Response> change_identities(const Context& context) {
  LATCHKEY_TRY(items, read_items(context));
  if (std::any_of(items.begin(), items.end(), deletes)) LATCHKEY_TRY_VOID(check_may_delete(context));
  Bulk bulk(context);
  LATCHKEY_TRY_VOID(bulk.run(items));
  json errors = std::move(bulk).errors();
  const bool good = errors.empty();
  return answer(good ? 200 : 400, {{"isSuccessful", good}, {"errors", std::move(errors)}, {"warnings", json::array()}});
}

}  // namespace latchkey::hub::management
