// SPDX-License-Identifier: Apache-2.0
// Forecasts: the act's rule is tried on the writer's thread and taken back, which shows what it leaves of the hubs' and
// the policies' tables; the devices are then counted on a reader's connection, however many there are.
#include "registry/operations/forecast.h"

#include <utility>

#include "registry/operations/internal/head_count.h"
#include "registry/operations/internal/random.h"
#include "registry/operations/internal/rules.h"
#include "registry/operations/internal/trial.h"
#include "registry/store/devices.h"
#include "registry/store/hubs.h"
#include "registry/store/namespaces.h"

namespace latchkey::registry {
namespace {

constexpr UnixMs kDayMs = 24LL * 60 * 60 * 1000;

bool about_a_device(PlannedAct::Kind kind) {
  return kind == PlannedAct::Kind::kRevokeDevice || kind == PlannedAct::Kind::kDisableDevice ||
         kind == PlannedAct::Kind::kDeleteDevice;
}

Outcome<std::optional<Namespace>> place_of(store::Database& db, const PlannedAct& act) {
  if (act.kind != PlannedAct::Kind::kDeleteHubCertificate) return store::find_namespace(db, act.ns);
  LATCHKEY_TRY(hub, store::find_hub(db, act.hub));
  if (!hub) return std::optional<Namespace>();
  LATCHKEY_TRY(all, store::list_namespaces(db));
  for (Namespace& ns : all) {
    if (ns.uuid == hub->namespace_uuid) return std::optional<Namespace>(std::move(ns));
  }
  return std::optional<Namespace>();
}

// Where something is missing the rule itself will say so.
Outcome<Nothing> look_before(store::Database& db, const PlannedAct& act, Consequence& change) {
  LATCHKEY_TRY(ns, place_of(db, act));
  if (!ns) return Nothing{};
  change.ns = ns->uuid;
  change.ns_name = ns->name;
  LATCHKEY_TRY(ground, take_ground(db, ns->uuid));
  change.before = std::move(ground);
  if (about_a_device(act.kind)) {
    LATCHKEY_TRY(uuid, store::device_uuid(db, ns->uuid, act.name));
    change.device = uuid;
  }
  return Nothing{};
}

Outcome<Nothing> look_behind(store::Database& db, Consequence& change) {
  LATCHKEY_TRY(ground, take_ground(db, change.ns));
  change.after = std::move(ground);
  if (!change.device) return Nothing{};
  LATCHKEY_TRY(device, store::find_device_by_uuid(db, *change.device));
  change.device_after = std::move(device);
  return Nothing{};
}

// A CA that satisfies the rule and is never stored: nothing is signed for a forecast.
NewCa placeholder_ca(const Call& call, const Uuid& issuer) {
  NewCa ca;
  ca.id = random_uuid();
  ca.subject = "CN=" + std::string(view(to_text(ca.id)));
  ca.serial = {1};
  ca.not_before = call.now;
  ca.not_after = call.now + 365 * kDayMs;
  ca.der = {0};
  ca.key_ref = "none";
  ca.issuer = issuer;
  return ca;
}

NewCsr placeholder_csr() {
  const Uuid id = random_uuid();
  return {id, "CN=" + std::string(view(to_text(id))), {0}, "none", KeyProfile::kEcP256};
}

Outcome<Nothing> ignore_value(Outcome<Sequence> outcome) {
  if (!outcome) return fail(outcome.error());
  return Nothing{};
}

template <class T>
Outcome<Nothing> nothing_of(Outcome<Committed<T>> outcome) {
  return outcome ? ignore_value(outcome->sequence) : ignore_value(fail(outcome.error()));
}

bool missing(const Refusal& refusal) {
  return refusal.reason == Reason::kNotFound || refusal.reason == Reason::kParentNotFound;
}

// Not the act is refused: nobody can say.
bool ours(const Refusal& refusal) {
  return refusal.reason == Reason::kStorage || refusal.reason == Reason::kInternal ||
         refusal.reason == Reason::kShuttingDown;
}

}  // namespace

std::string_view to_string(Obstacle obstacle) {
  switch (obstacle) {
    case Obstacle::kNone: return "";
    case Obstacle::kDeviceDisabled: return "deviceDisabled";
    case Obstacle::kEnrollmentGone: return "enrollmentGone";
    case Obstacle::kEnrollmentDisabled: return "enrollmentDisabled";
    case Obstacle::kEnrollmentWithoutPolicy: return "enrollmentWithoutPolicy";
    case Obstacle::kPolicyGone: return "policyGone";
    case Obstacle::kPolicyPending: return "policyPendingActivation";
    case Obstacle::kIssuerExpired: return "issuerExpired";
    case Obstacle::kNoHub: return "noHub";
    case Obstacle::kIssuerNotOnHub: return "issuerNotOnHub";
    case Obstacle::kNotSeen: return "notSeen";
  }
  return "";
}

std::string_view to_string(Fate fate) {
  switch (fate) {
    case Fate::kLosesAccess: return "losesAccess";
    case Fate::kHadNone: return "alreadyDisabled";
    case Fate::kEndsLater: return "endsLater";
  }
  return "";
}

Outcome<Nothing> SqlRegistry::run_planned(const Call& call, const PlannedAct& act) {
  using Kind = PlannedAct::Kind;
  switch (act.kind) {
    case Kind::kRevokePolicy: {
      const auto policy = find_policy(act.ns, act.name);
      if (policy && policy->own_root && act.rotate) {
        return nothing_of(rotate_own_root(call, act.ns, act.name, placeholder_csr()));
      }
      const auto credential = find_credential(act.ns);
      const Uuid issuer = credential ? credential->ca : Uuid{};
      return nothing_of(revoke_policy(call, act.ns, act.name, placeholder_ca(call, issuer)));
    }
    case Kind::kDeletePolicy: return nothing_of(delete_policy(call, act.ns, act.name));
    case Kind::kDeleteCredential: return nothing_of(delete_credential(call, act.ns));
    case Kind::kDeleteHubCertificate: return nothing_of(delete_hub_certificate(call, act.hub, act.name));
    case Kind::kRevokeDevice: return nothing_of(revoke_device(call, act.ns, act.name, act.disable));
    case Kind::kDisableDevice: {
      DeviceUpdate update;
      update.enabled = false;
      return nothing_of(update_device(call, act.ns, act.name, update));
    }
    case Kind::kDeleteDevice: return nothing_of(delete_device(call, act.ns, act.name));
  }
  return refuse(Reason::kInvalidArgument, "there is no such act");
}

Outcome<Forecast> SqlRegistry::forecast(const Call& call, const PlannedAct& act, Attendance& attendance,
                                        const ForecastOptions& options) {
  Consequence change;
  Trial trial{[&](store::Database& db) { return look_before(db, act, change); },
              [&](store::Database& db) { return look_behind(db, change); }};
  Call tried = call;
  tried.trial = &trial;
  const auto done = run_planned(tried, act);
  if (!done && (missing(done.error()) || ours(done.error()))) return fail(done.error());
  if (!done) {
    Forecast refused;
    refused.refusal = done.error();
    return refused;
  }
  return read<Forecast>([&](store::Database& db) -> Outcome<Forecast> {
    HeadCount count(db, change, attendance, options, call.now);
    LATCHKEY_TRY_VOID(change.device ? count.one(*change.device) : count.everybody());
    return count.finish();
  });
}

}  // namespace latchkey::registry
