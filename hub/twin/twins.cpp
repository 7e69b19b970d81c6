// SPDX-License-Identifier: Apache-2.0
#include "hub/twin/twins.h"

#include "agent/protocol/hub.h"
#include "hub/text/encoding.h"
#include "hub/text/json.h"
#include "hub/text/time.h"
#include "hub/text/twin_members.h"
#include "registry/operations/told_twins.h"

namespace latchkey::hub::twin {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::Refusal;
using registry::refuse;

namespace {

constexpr int kNotJson = 400006;
constexpr int kStaleVersion = 412001;
constexpr int kServiceFault = 500001;
constexpr int kSessionOver = 503102;
// Somebody else's write in between is possible only if a second process has the registry open.
constexpr int kAttempts = 8;

int error_code(const Refusal& refusal) {
  if (refusal.reason == Reason::kMalformedRequest) return kNotJson;
  if (refusal.reason == Reason::kPreconditionFailed) return kStaleVersion;
  // The session is about to be cut: its device was revoked, or made anew, since it opened.
  if (refusal.reason == Reason::kIdentifierMismatch) return kSessionOver;
  const int code = registry::faces(refusal.reason).hub_error;
  return code != 0 ? code : kServiceFault;
}

// What is wrong with a body by itself.
bool audited_by_caller(const Refusal& refusal) {
  return refusal.reason == Reason::kMalformedRequest || refusal.reason == Reason::kImmutableProperty;
}

Json with_version(Json value, std::uint64_t version) {
  value["$version"] = version;
  return value;
}

Json with_metadata(const Section& section, std::uint64_t version) {
  Json json = with_version(section.value, version);
  json["$metadata"] = section.metadata;
  return json;
}

}  // namespace

// What an operator asks for; absent: leave alone.
struct Twins::Change {
  Write how = Write::kMerge;
  std::optional<Json> tags;
  std::optional<Json> desired;
};

struct Twins::Stored {
  registry::Twin twin;
  std::string patch = {};  // what the device is to be told; empty: nothing
};

Twins::Twins(registry::Registry& registry, const Presence& presence, Outbox& outbox, Options options)
    : registry_(registry), presence_(presence), outbox_(outbox), options_(std::move(options)) {}

std::mutex& Twins::order_of(const std::string& device_id) {
  return order_[std::hash<std::string>{}(device_id) % order_.size()];
}

// --- devices

void Twins::get(const Speaker& speaker, std::string_view request_id) {
  const auto read = [&]() -> Outcome<std::string> {
    LATCHKEY_TRY(twin, registry_.find_twin(options_.namespace_name, speaker.device_id));
    LATCHKEY_TRY(desired, load(twin.desired));
    LATCHKEY_TRY(reported, load(twin.reported));
    return text::dump(Json{{"desired", with_version(std::move(desired.value), twin.desired_version)},
                           {"reported", with_version(std::move(reported.value), twin.reported_version)}});
  };
  const auto body = read();
  if (!body) return answer_refusal(speaker, request_id, body.error());
  answer(speaker, request_id, 200, {}, *body);
}

void Twins::report(const Speaker& speaker, std::string_view request_id, std::optional<std::uint64_t> base,
                   ByteView body) {
  Outcome<std::uint64_t> version = refuse(Reason::kPreconditionFailed, "");
  {
    const std::lock_guard lock(order_of(speaker.device_id));
    version = try_report(speaker, base, body);
  }
  if (!version) return answer_refusal(speaker, request_id, version.error());
  answer(speaker, request_id, 204, *version, "");
}

Outcome<std::uint64_t> Twins::try_report(const Speaker& speaker, std::optional<std::uint64_t> base, ByteView body) {
  if (body.size() > options_.max_body) {
    return refuse(Reason::kInvalidArgument, "a report has at most " + std::to_string(options_.max_body) + " bytes");
  }
  LATCHKEY_TRY(patch, read_object(body.text()));
  LATCHKEY_TRY_VOID(check_properties(patch));
  const registry::Call call{"agent:" + speaker.device_id, options_.now(), speaker.shown};
  for (int attempt = 0;; ++attempt) {
    LATCHKEY_TRY(before, registry_.find_twin(options_.namespace_name, speaker.device_id));
    if (base && *base != before.reported_version) {
      return refuse(Reason::kPreconditionFailed,
                    "the reported version is " + std::to_string(before.reported_version) + " by now");
    }
    LATCHKEY_TRY(section, load(before.reported));
    LATCHKEY_TRY(after, merged(section, patch, {call.now, {}}, kMaxProperties));
    registry::Twin twin = before;
    twin.reported = store(after);
    ++twin.reported_version;
    ++twin.version;
    const auto stored = registry_.report_twin(call, before, twin);
    if (stored) return twin.reported_version;
    if (stored.error().reason != Reason::kPreconditionFailed || attempt == kAttempts) return fail(stored.error());
  }
}

void Twins::answer(const Speaker& speaker, std::string_view request_id, std::uint16_t status,
                   std::optional<std::uint64_t> version, const std::string& body) {
  std::array<std::uint8_t, 256> buffer{};
  const auto topic = agent::hub::write_twin_response_topic(status, request_id, version, buffer);
  if (!topic) return;  // a request id that long was refused when it was parsed
  outbox_.deliver({speaker.connection, std::string(*topic), wire::Bytes(body.begin(), body.end()), 1});
}

void Twins::answer_refusal(const Speaker& speaker, std::string_view request_id, const Refusal& refusal) {
  const int code = error_code(refusal);
  answer(speaker, request_id, static_cast<std::uint16_t>(code / 1000), {},
         text::dump(text::error_json(code, refusal.detail, options_.now())));
}

// --- operators

Outcome<Twins::Shown> Twins::show(const std::string& device_id) {
  LATCHKEY_TRY(twin, registry_.find_twin(options_.namespace_name, device_id));
  return shown(twin);
}

Outcome<Twins::Shown> Twins::shown(const registry::Twin& twin) const {
  LATCHKEY_TRY(tags, load(twin.tags));
  LATCHKEY_TRY(desired, load(twin.desired));
  LATCHKEY_TRY(reported, load(twin.reported));
  const bool live = presence_.live(twin.device.id) || (options_.elsewhere && options_.elsewhere(twin.device.id));
  const text::Json json = {{"deviceId", twin.device.id},
                           {"etag", etag_of(twin.revision)},
                           {"version", twin.version},
                           {"status", twin.device.enabled ? "enabled" : "disabled"},
                           {"connectionState", live ? "Connected" : "Disconnected"},
                           {"tags", tags.value},
                           {"properties",
                            {{"desired", with_metadata(desired, twin.desired_version)},
                             {"reported", with_metadata(reported, twin.reported_version)}}}};
  return Shown{text::dump(json), etag_of(twin.revision)};
}

Outcome<Twins::Written> Twins::write(const registry::Call& call, const std::string& device_id, Write how,
                                     std::string_view body, const std::optional<std::string>& etag) {
  Outcome<Stored> stored = refuse(Reason::kInternal, "");
  std::optional<Notice> notice;
  if (const auto change = read_change(body, how); !change) {
    stored = fail(change.error());
  } else {
    const std::lock_guard lock(order_of(device_id));
    stored = try_write(call, device_id, *change, etag);
    const bool tells = stored && !options_.told_by_registry && !stored->patch.empty();
    if (tells) notice = notice_of(stored->twin.desired_version, std::move(stored->patch));
    if (notice) pass_on(device_id, *notice);
  }
  if (stored) {
    LATCHKEY_TRY(now, shown(stored->twin));
    return Written{std::move(now), std::move(notice)};
  }
  if (!audited_by_caller(stored.error())) audit_refusal(call, device_id, stored.error());
  return fail(stored.error());
}

void Twins::audit_refusal(const registry::Call& call, const std::string& device_id, const Refusal& refusal) {
  (void)registry_.audit(call, "twin.update", "namespaces/" + options_.namespace_name + "/devices/" + device_id,
                        std::string(registry::to_string(refusal.reason)), refusal.detail);
}

Outcome<Twins::Change> Twins::read_change(std::string_view body, Write how) {
  LATCHKEY_TRY(json, read_object(body));
  const auto wrong = [](const std::string& why) { return refuse(Reason::kMalformedRequest, why); };
  Change change;
  change.how = how;
  // A replacement says all: what it does not name is to be empty.
  if (how == Write::kReplace) change.tags = change.desired = Json::object();
  for (auto& [name, value] : json.items()) {
    if (text::is_twin_read_only(name)) continue;
    if (name != "tags" && name != "properties") return wrong("unknown member '" + name.substr(0, 64) + "'");
    if (!value.is_object()) return wrong("'" + name + "' must be an object");
    if (name == "tags") change.tags = value;
  }
  const Json properties = json.value("properties", Json::object());
  for (const auto& [name, value] : properties.items()) {
    if (!value.is_object()) return wrong("'properties." + name.substr(0, 64) + "' must be an object");
    if (name == "desired") {
      change.desired = value;
    } else if (name != "reported") {
      return wrong("unknown member 'properties." + name.substr(0, 64) + "'");
    } else if (how == Write::kMerge) {
      return refuse(Reason::kImmutableProperty, "'properties.reported' is the device's to write");
    }
  }
  if (!change.tags && !change.desired) return wrong("there is nothing to change: give 'tags' or 'properties.desired'");
  if (change.tags) LATCHKEY_TRY_VOID(check_properties(*change.tags));
  if (change.desired) {
    for (const char* name : {"$version", "$metadata"}) change.desired->erase(name);
    LATCHKEY_TRY_VOID(check_properties(*change.desired));
  }
  return change;
}

Outcome<Twins::Stored> Twins::try_write(const registry::Call& call, const std::string& device_id, const Change& change,
                                        const std::optional<std::string>& etag) {
  const auto apply = change.how == Write::kMerge ? merged : replaced;
  for (int attempt = 0;; ++attempt) {
    LATCHKEY_TRY(before, registry_.find_twin(options_.namespace_name, device_id));
    if (etag && *etag != etag_of(before.revision)) {
      return refuse(Reason::kPreconditionFailed, "the twin's etag is " + etag_of(before.revision) + " by now");
    }
    Stored written{before};
    registry::Twin& twin = written.twin;
    ++twin.revision;
    ++twin.version;
    twin.updated = call.now;
    if (change.tags) {
      LATCHKEY_TRY(section, load(before.tags));
      LATCHKEY_TRY(after, apply(section, *change.tags, {call.now, {}}, kMaxTags));
      twin.tags = store(after);
    }
    if (change.desired) {
      ++twin.desired_version;
      LATCHKEY_TRY(section, load(before.desired));
      LATCHKEY_TRY(after, apply(section, *change.desired, {call.now, twin.desired_version}, kMaxProperties));
      twin.desired = store(after);
      const Json patch = change.how == Write::kMerge ? *change.desired : difference(section.value, after.value);
      written.patch = text::dump(with_version(patch, twin.desired_version));
    }
    const auto stored = put(call, before, written);
    if (stored) return written;
    if (stored.error().reason != Reason::kPreconditionFailed || attempt == kAttempts) return fail(stored.error());
  }
}

Outcome<Nothing> Twins::put(const registry::Call& call, const registry::Twin& before, const Stored& written) {
  const auto& ns = options_.namespace_name;
  if (options_.told_by_registry) return put_told_twin(registry_, call, ns, before, written.twin, written.patch);
  LATCHKEY_TRY_VOID(registry_.put_twin(call, ns, before, written.twin));
  return Nothing{};
}

std::optional<Twins::Notice> Twins::notice_of(std::uint64_t desired_version, std::string patch) {
  std::array<std::uint8_t, 128> buffer{};
  const auto topic = agent::hub::write_desired_topic(desired_version, buffer);
  if (!topic) return std::nullopt;
  return Notice{std::string(*topic), std::move(patch)};
}

void Twins::pass_on(const std::string& device_id, const Notice& notice) {
  const auto live = presence_.live(device_id);
  if (!live) return;  // it reads its twin when it is back
  outbox_.deliver({live->connection, notice.topic, wire::Bytes(notice.body.begin(), notice.body.end()), 1});
}

void Twins::tell(const std::string& device_id, const Uuid& device, std::uint64_t desired_version, std::string patch) {
  const auto live = presence_.live(device_id);
  if (!live || !live->shown || live->shown->device != device) return;
  if (const auto notice = notice_of(desired_version, std::move(patch))) pass_on(device_id, *notice);
}

std::string etag_of(std::uint64_t revision) {
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(revision >> (56 - 8 * i));
  return text::base64(ByteView(bytes));
}

}  // namespace latchkey::hub::twin
