// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/internal/ground.h"

#include <algorithm>

#include "registry/store/cas.h"
#include "registry/store/fold.h"
#include "registry/store/hubs.h"
#include "registry/store/policies.h"

namespace latchkey::registry {
namespace {

// As provisioning chooses: an individual enrollment speaks alone for its id.
Obstacle obstacle_at_door(const std::optional<store::FleetDevice::Door>& door, const Ground& ground, UnixMs now) {
  if (!door) return Obstacle::kEnrollmentGone;
  if (!door->enabled) return Obstacle::kEnrollmentDisabled;
  if (door->policy_name.empty()) return Obstacle::kEnrollmentWithoutPolicy;
  const auto policy = ground.policies.find(store::fold(door->policy_name));
  if (policy == ground.policies.end()) return Obstacle::kPolicyGone;
  if (policy->second.pending) return Obstacle::kPolicyPending;
  return policy->second.ca_ends <= now ? Obstacle::kIssuerExpired : Obstacle::kNone;
}

bool accepted_somewhere(const store::FleetDevice& device, const Ground& ground, const Uuid& ca) {
  const auto is_assigned = [&](const Hub& hub) { return device.assigned_hub == hub.uuid; };
  const bool stays = std::any_of(ground.hubs.begin(), ground.hubs.end(), is_assigned);
  return std::any_of(ground.hubs.begin(), ground.hubs.end(),
                     [&](const Hub& hub) { return (!stays || is_assigned(hub)) && ground.trusts(hub.uuid, ca); });
}

}  // namespace

bool Ground::issues(const Uuid& policy) const {
  return std::any_of(policies.begin(), policies.end(), [&](const auto& one) { return one.second.uuid == policy; });
}

Outcome<Ground> take_ground(store::Database& db, const Uuid& ns) {
  Ground ground;
  LATCHKEY_TRY(hubs, store::hubs_of(db, ns));
  for (const Hub& hub : hubs) {
    LATCHKEY_TRY(certificates, store::hub_certificates_of(db, hub.uuid));
    for (const HubCertificate& certificate : certificates) {
      ground.trusted[hub.uuid].insert(certificate.ca);
      if (certificate.policy) ground.policy_of[certificate.ca] = *certificate.policy;
    }
  }
  ground.hubs = std::move(hubs);
  LATCHKEY_TRY(policies, store::list_policies(db, ns));
  for (const Policy& policy : policies) {
    LATCHKEY_TRY(ca, store::find_ca(db, policy.ca));
    if (!ca) return refuse(Reason::kInternal, "policy '" + policy.name + "' has no issuing CA");
    ground.policies[store::fold(policy.name)] = {policy.uuid, ca->id, ca->status == CaStatus::kPending, ca->not_after};
  }
  return ground;
}

Obstacle obstacle_of(const store::FleetDevice& device, const Ground& ground, UnixMs now) {
  if (!device.enabled) return Obstacle::kDeviceDisabled;
  if (const auto obstacle = obstacle_at_door(device.door, ground, now); obstacle != Obstacle::kNone) return obstacle;
  if (ground.hubs.empty()) return Obstacle::kNoHub;
  const Uuid& ca = ground.policies.at(store::fold(device.door->policy_name)).ca;
  return accepted_somewhere(device, ground, ca) ? Obstacle::kNone : Obstacle::kIssuerNotOnHub;
}

}  // namespace latchkey::registry
