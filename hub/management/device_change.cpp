// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/device_body.h"
#include "hub/management/internal/envelope.h"
#include "hub/management/internal/throttles.h"
#include "hub/text/json.h"
#include "registry/model/etag.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

constexpr int kTries = 8;  // of a change that others' changes get in the way of

// The device's extra properties after that change, as the registry keeps them.
Answer<std::string> merged_extra(const json& before, const json& change, DeviceAct act) {
  json after = before.is_object() ? before : json::object();
  for (const auto& [name, value] : change.items()) {
    const bool stays = !after.contains(name) || after[name] == value;
    if (fixed_property(name) && act == DeviceAct::kPut && !stays) {
      return fault(Reason::kImmutableProperty, "'properties." + name + "' cannot be changed", "properties." + name);
    }
    after[name] = value;
  }
  return after.empty() ? std::string() : text::dump(after);
}

Answer<registry::Committed<registry::Device>> try_change(const Context& context, const std::string& ns, DeviceBody body,
                                                         DeviceAct act, const registry::Device& seen) {
  LATCHKEY_TRY(labels, context.registry().labels_of({device_labels_path(ns, seen.id)}));
  LATCHKEY_TRY_VOID(check_location(body.call, labels.front()));
  if (!body.extra.empty()) {
    LATCHKEY_TRY(extra, merged_extra(json::parse(labels.front().extra, nullptr, false), body.extra, act));
    body.call.labels->extra = std::move(extra);
    // What was merged with has to be what is there still.
    if (body.call.if_match.empty()) body.call.if_match.push_back(registry::etag_of(seen));
  }
  LATCHKEY_TRY(updated, context.registry().update_device(body.call, ns, seen.id, body.update));
  return updated;
}

}  // namespace

std::string device_labels_path(const std::string& ns, const std::string& id) {
  return "namespaces/" + ns + "/devices/" + id;
}

Answer<registry::Device> change_device(const Context& context, const std::string& ns, const std::string& id,
                                       const DeviceBody& body, DeviceAct act) {
  bool admitted = false;  // once, however often it takes
  for (int tried = 1;; ++tried) {
    LATCHKEY_TRY(seen, context.registry().find_device(ns, id));
    const bool switches = body.update.enabled && *body.update.enabled != seen.enabled;
    if (switches && !admitted) {
      LATCHKEY_TRY_VOID(admit(context, *body.update.enabled ? Counted::kDeviceEnable : Counted::kDeviceDisable));
      admitted = true;
    }
    auto updated = try_change(context, ns, body, act, seen);
    const bool overtaken = !updated && updated.error().refusal.reason == Reason::kPreconditionFailed &&
                           body.call.if_match.empty() && tried < kTries;
    if (overtaken) continue;
    if (!updated) return tl::unexpected<Fault>(updated.error());
    auto& enforcement = context.parts.enforcement;
    auto enforced = body.update.enabled.value_or(true) ? enforcement.wait_applied(updated->sequence)
                                                       : enforcement.wait_cut(updated->sequence);
    LATCHKEY_TRY_VOID(std::move(enforced));
    return std::move(updated->value);
  }
}

}  // namespace latchkey::hub::management
