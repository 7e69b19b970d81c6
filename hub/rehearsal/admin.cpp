// SPDX-License-Identifier: Apache-2.0
#include "hub/rehearsal/admin.h"

#include <nlohmann/json.hpp>

#include "hub/rehearsal/internal/reader.h"
#include "hub/text/json.h"

namespace latchkey::hub::rehearsal {

using nlohmann::json;
using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::Refusal;
using registry::refuse;

namespace {

constexpr int kExitBadInput = 2;

AdminReply answer(int status, const json& body) { return {status, text::dump(body)}; }
AdminReply error(int status, const std::string& code, const std::string& message, int exit_status) {
  return answer(status, {{"error", {{"code", code}, {"message", message}, {"exitStatus", exit_status}}}});
}
AdminReply refused(const Refusal& refusal) {
  const auto& face = registry::faces(refusal.reason);
  return error(face.http_status, std::string(face.arm_code), refusal.detail, face.exit_status);
}
AdminReply told(const Outcome<json>& outcome) { return outcome ? answer(200, *outcome) : refused(outcome.error()); }
Outcome<Nothing> plain(const Outcome<json>& outcome) {
  if (outcome) return Nothing{};
  return fail(outcome.error());
}
AdminReply done(const Outcome<Nothing>& outcome) { return outcome ? AdminReply{204, {}} : refused(outcome.error()); }

Refusal busy() {
  return {Reason::kOperationInProgress, "an act is under way; the state as a whole is replaced between acts only"};
}

// The answer of a request that a seed made, as an answer to the seed.
AdminReply refused_seed(const Seeded& seeded) {
  const auto body = json::parse(seeded.refusal.body, nullptr, false);
  json why = body.is_object() && body.contains("error") ? body["error"] : json::object();
  why["message"] = seeded.pointer + ": " + why.value("message", "refused") + "; nothing of the seed was kept";
  why["target"] = seeded.pointer;
  return answer(seeded.refusal.status, {{"error", why}});
}

}  // namespace

struct Admin::Route {
  std::string_view method;
  std::string_view pattern;  // a segment "{}" is a name
  Handler handler;
};

const std::vector<Admin::Route>& Admin::routes() {
  static const std::vector<Route> table = {
      {"GET", "/rehearsal", &Admin::show_all},
      {"GET", "/rehearsal/clock", &Admin::show_clock},
      {"PUT", "/rehearsal/clock", &Admin::set_clock},
      {"POST", "/rehearsal/clock/advance", &Admin::advance_clock},
      {"GET", "/rehearsal/faults", &Admin::show_faults},
      {"PUT", "/rehearsal/faults", &Admin::set_faults},
      {"DELETE", "/rehearsal/faults", &Admin::clear_faults},
      {"POST", "/rehearsal/seed", &Admin::seed},
      {"POST", "/rehearsal/reset", &Admin::reset},
      {"GET", "/rehearsal/snapshots", &Admin::list_snapshots},
      {"PUT", "/rehearsal/snapshots/{}", &Admin::take_snapshot},
      {"DELETE", "/rehearsal/snapshots/{}", &Admin::remove_snapshot},
      {"POST", "/rehearsal/snapshots/{}/restore", &Admin::restore_snapshot},
  };
  return table;
}

namespace {

// The name in the pattern's place of one; nothing when the path is another. Names need no escapes (snapshots.h), so
// that one that has any is no name.
std::optional<std::string> name_in(std::string_view pattern, std::string_view path) {
  const auto place = pattern.find("{}");
  if (place == std::string_view::npos) return pattern == path ? std::optional<std::string>("") : std::nullopt;
  const auto tail = pattern.substr(place + 2);
  if (path.size() < place + tail.size() || !path.starts_with(pattern.substr(0, place)) || !path.ends_with(tail)) {
    return std::nullopt;
  }
  const auto name = path.substr(place, path.size() - place - tail.size());
  if (name.find('/') != std::string_view::npos) return std::nullopt;
  return std::string(name);
}

}  // namespace

bool is_admin_path(std::string_view path) {
  return path.starts_with(kAdminRoot) && (path.size() == kAdminRoot.size() || path[kAdminRoot.size()] == '/');
}

AdminReply Admin::handle(const AdminRequest& request) {
  bool known = false;
  for (const auto& route : routes()) {
    const auto name = name_in(route.pattern, request.path);
    if (!name || *name == kBeforeSeed) continue;
    known = true;
    if (route.method == request.method) return (this->*route.handler)(request, *name);
  }
  if (known) return error(405, "MethodNotAllowed", "this path does not know that method", kExitBadInput);
  return error(404, "ResourceNotFound", "there is no such path", kExitBadInput);
}

registry::Call Admin::call(const AdminRequest& request) const {
  registry::Call made{request.actor, parts_.now()};
  made.source = request.source;
  return made;
}

// Is the record not written, what was done or refused stays so.
void Admin::audit(const AdminRequest& request, const char* action, const std::string& resource,
                  const Outcome<Nothing>& outcome, const std::string& detail) {
  (void)parts_.registry.audit(call(request), action, resource,
                              outcome ? "ok" : std::string(registry::to_string(outcome.error().reason)),
                              outcome ? detail : outcome.error().detail);
}

Outcome<Nothing> Admin::no_body(const AdminRequest& request) const {
  if (request.body.empty()) return Nothing{};
  LATCHKEY_TRY(reader, Reader::parse(request.body));
  return reader->finish();
}

AdminReply Admin::show_all(const AdminRequest&, const std::string&) {
  const auto clock = parts_.clock.show();
  if (!clock) return refused(clock.error());
  const auto snapshots = parts_.snapshots.list();
  if (!snapshots) return refused(snapshots.error());
  return answer(200, {{"clock", *clock},
                      {"faults", parts_.faults.document()},
                      {"snapshots", *snapshots},
                      {"actsUnderWay", parts_.acts.count()}});
}

// --- the clock

AdminReply Admin::show_clock(const AdminRequest&, const std::string&) { return told(parts_.clock.show()); }

AdminReply Admin::set_clock(const AdminRequest& request, const std::string&) {
  const auto set = parts_.clock.set(request.body);
  audit(request, "rehearsal.clock.set", "clock", plain(set), set ? "now " + set->value("now", "") : "");
  return told(set);
}

AdminReply Admin::advance_clock(const AdminRequest& request, const std::string&) {
  const auto set = parts_.clock.advance(request.body);
  audit(request, "rehearsal.clock.advance", "clock", plain(set), set ? "now " + set->value("now", "") : "");
  return told(set);
}

// --- faults

AdminReply Admin::show_faults(const AdminRequest&, const std::string&) { return answer(200, parts_.faults.document()); }

AdminReply Admin::set_faults(const AdminRequest& request, const std::string&) {
  auto set = parts_.faults.set(request.body);
  if (set) set = parts_.faults_changed(request.body);
  audit(request, "rehearsal.faults.set", "faults", set);
  return set ? answer(200, parts_.faults.document()) : refused(set.error());
}

AdminReply Admin::clear_faults(const AdminRequest& request, const std::string&) {
  parts_.faults.clear();
  const auto cleared = parts_.faults_changed({});
  audit(request, "rehearsal.faults.clear", "faults", cleared);
  return done(cleared);
}

// --- the state as a whole

AdminReply Admin::seed(const AdminRequest& request, const std::string&) {
  const auto steps = read_seed(request.body);
  if (!steps) {
    audit(request, "rehearsal.seed", "registry", fail(steps.error()));
    return refused(steps.error());
  }
  const auto whole = parts_.acts.whole();
  if (!whole) return refused(busy());
  return seeded(request, *steps);
}

// What was done by then is undone by going back to how it was before.
AdminReply Admin::seeded(const AdminRequest& request, const std::vector<SeedStep>& steps) {
  (void)parts_.snapshots.remove(kBeforeSeed);  // of a seed that a crash interrupted
  if (const auto taken = parts_.snapshots.take(kBeforeSeed, parts_.now()); !taken) return refused(taken.error());
  const auto result =
      apply_seed(steps, [&](const std::string& method, const std::string& path, const std::string& body) {
        return parts_.plane(request, method, path, body);
      });
  if (result.refusal.status != 0) {
    const auto undone = undo_seed(request, result);
    audit(request, "rehearsal.seed", "registry", refuse(Reason::kInvalidArgument, "refused at " + result.pointer));
    return undone ? refused_seed(result) : refused(undone.error());
  }
  (void)parts_.snapshots.remove(kBeforeSeed);
  audit(request, "rehearsal.seed", "registry", Nothing{}, std::to_string(result.made) + " requests");
  json tokens = json::array();
  for (const auto& [name, token] : result.tokens) tokens.push_back({{"name", name}, {"token", token}});
  return answer(200, {{"made", result.made}, {"tokens", tokens}});
}

// A hub is more than its row, so hubs go by the way that they came.
Outcome<Nothing> Admin::undo_seed(const AdminRequest& request, const Seeded& seeded) {
  for (const auto& path : seeded.undo) (void)parts_.plane(request, "DELETE", path, "");
  LATCHKEY_TRY(sequence, parts_.snapshots.restore(call(request), kBeforeSeed));
  (void)parts_.snapshots.remove(kBeforeSeed);
  return parts_.state_changed(sequence);
}

AdminReply Admin::reset(const AdminRequest& request, const std::string&) {
  if (const auto empty = no_body(request); !empty) return refused(empty.error());
  const auto whole = parts_.acts.whole();
  if (!whole) return refused(busy());
  return done(parts_.reset(call(request)));
}

AdminReply Admin::list_snapshots(const AdminRequest&, const std::string&) {
  const auto list = parts_.snapshots.list();
  return list ? answer(200, {{"value", *list}}) : refused(list.error());
}

AdminReply Admin::take_snapshot(const AdminRequest& request, const std::string& name) {
  if (const auto empty = no_body(request); !empty) return refused(empty.error());
  const auto whole = parts_.acts.whole();
  if (!whole) return refused(busy());
  const auto taken = parts_.snapshots.take(name, parts_.now());
  audit(request, "rehearsal.snapshot", "snapshots/" + name, plain(taken));
  return taken ? answer(201, *taken) : refused(taken.error());
}

AdminReply Admin::remove_snapshot(const AdminRequest& request, const std::string& name) {
  const auto whole = parts_.acts.whole();
  if (!whole) return refused(busy());
  const auto removed = parts_.snapshots.remove(name);
  audit(request, "rehearsal.snapshot.delete", "snapshots/" + name, removed);
  return done(removed);
}

AdminReply Admin::restore_snapshot(const AdminRequest& request, const std::string& name) {
  if (const auto empty = no_body(request); !empty) return refused(empty.error());
  const auto whole = parts_.acts.whole();
  if (!whole) return refused(busy());
  const auto sequence = parts_.snapshots.restore(call(request), name);
  if (!sequence) return refused(sequence.error());
  return done(parts_.state_changed(*sequence));
}

}  // namespace latchkey::hub::rehearsal
