// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/throttles.h"

namespace latchkey::hub::management {

using registry::Nothing;
using registry::Reason;

namespace {

constexpr std::uint64_t kSecondMs = 1000;

const char* words_for(Counted act) {
  switch (act) {
    case Counted::kDeviceCreation: return "devices are created";
    case Counted::kDeviceEnable: return "devices are enabled";
    case Counted::kDeviceDisable: return "devices are disabled";
    case Counted::kIdentityAct: return "requests are made to the identity registry";
  }
  return "requests are made";
}

}  // namespace

Throttles::Throttles(const Quotas& quotas)
    : creations_(quotas.device_creations),
      enables_(quotas.device_enables),
      disables_(quotas.device_disables),
      identity_acts_(quotas.identity_acts) {}

throttle::Throttle& Throttles::of(Counted act) {
  switch (act) {
    case Counted::kDeviceCreation: return creations_;
    case Counted::kDeviceEnable: return enables_;
    case Counted::kDeviceDisable: return disables_;
    case Counted::kIdentityAct: break;
  }
  return identity_acts_;
}

Answer<Nothing> Throttles::admit(Counted act, std::uint64_t now_ms, std::uint32_t count) {
  const auto wait_ms = of(act).take(now_ms, count);
  if (wait_ms == 0) return Nothing{};
  Fault why(Reason::kThrottled, std::string("more ") + words_for(act) + " than a minute has room for here");
  why.retry_after_s = static_cast<std::uint32_t>((wait_ms + kSecondMs - 1) / kSecondMs);
  return tl::unexpected<Fault>(std::move(why));
}

Answer<Nothing> admit(const Context& context, Counted act, std::uint32_t count) {
  if (context.throttles == nullptr) return Nothing{};
  return context.throttles->admit(act, context.parts.clock.monotonic(), count);
}

Answer<Nothing> admit_route(const Context& context, const Route& route) {
  // Queries and statistics have limits of their own there.
  if (route.pattern != "/devices" && route.pattern != "/devices/{}") return Nothing{};
  return admit(context, Counted::kIdentityAct);
}

}  // namespace latchkey::hub::management
