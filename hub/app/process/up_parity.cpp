// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/up_parity.h"

#include <algorithm>

namespace latchkey::hub::app {
namespace {

// docs/parity.md names the source of each.
constexpr std::uint64_t kPoliciesACredential = 1;
constexpr std::uint64_t kDevicesANamespace = 10'000;
constexpr std::uint32_t kRegistrationsAMinute = 1000;
constexpr std::uint32_t kPollsAMinute = 1000;
constexpr std::uint32_t kDeviceActsAMinute = 1000;
constexpr std::uint32_t kIdentityActsAMinute = 100;

void follow_preview(UpOptions& options) {
  options.limits = {
      .policies_a_credential = kPoliciesACredential, .devices_a_namespace = kDevicesANamespace, .usual_validity = true};
  options.quotas = {.device_creations = kDeviceActsAMinute,
                    .device_enables = kDeviceActsAMinute,
                    .device_disables = kDeviceActsAMinute,
                    .identity_acts = kIdentityActsAMinute};
  options.registrations_per_minute = kRegistrationsAMinute;
  options.polls_per_minute = kPollsAMinute;
  options.p384_alone = true;
  options.renewal_windows = false;
  options.key_profile = registry::KeyProfile::kEcP384;
}

}  // namespace

void follow(const std::vector<std::string>& values, UpOptions& options) {
  for (const char* known : {kAzurePreview, kAzureRoles}) {
    if (std::find(values.begin(), values.end(), known) != values.end()) options.parity.emplace_back(known);
  }
  for (const auto& value : options.parity) {
    if (value == kAzureRoles) options.role_parity = registry::roles::Parity::kAzureRoles;
    if (value == kAzurePreview) follow_preview(options);
  }
}

}  // namespace latchkey::hub::app
