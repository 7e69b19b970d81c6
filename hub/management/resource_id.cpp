// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/resource_id.h"

#include <algorithm>

#include "platform/base/percent.h"
#include "registry/roles/scope.h"

namespace latchkey::hub::management {

using registry::roles::same_text;

namespace {

constexpr std::string_view kDeviceRegistry = "Microsoft.DeviceRegistry";
constexpr std::string_view kDevices = "Microsoft.Devices";

// The first segment of a short path, and where its resources hang below the resource group.
struct Family {
  std::string_view first;  // of the short path
  std::string_view provider;
  std::string_view type;  // that stands for `first`; empty: `first` itself, below the provisioning service
};
constexpr Family kFamilies[] = {
    {"namespaces", kDeviceRegistry, "namespaces"},
    {"hubs", kDevices, "IotHubs"},
    {"provisioningServices", kDevices, "provisioningServices"},
    {"enrollments", kDevices, {}},
    {"enrollmentGroups", kDevices, {}},
    {"registrations", kDevices, {}},
};
constexpr std::string_view kServices = "provisioningServices";

// Types below those, and acts on them, as the routes spell them.
constexpr std::string_view kTypes[] = {"credentials",
                                       "policies",
                                       "devices",
                                       "firmwareCampaigns",
                                       "withdraw",
                                       "certificates",
                                       "synchronize",
                                       "revokeIssuer",
                                       "revoke",
                                       "activateBringYourOwnRoot",
                                       "verify",
                                       "generateVerificationCode",
                                       "codeSigningAccounts",
                                       "certificateProfiles",
                                       "revokeCertificate",
                                       "revokeCertificates",
                                       "settleRevocation",
                                       "identityValidations",
                                       "checkNameAvailability",
                                       "register",
                                       "previewSubject",
                                       "previewIdentity"};

const Family* family_of(std::string_view first) {
  const auto* found = std::find_if(std::begin(kFamilies), std::end(kFamilies),
                                   [&](const Family& family) { return family.first == first; });
  return found == std::end(kFamilies) ? nullptr : found;
}

std::string as_routes_spell(const std::string& type) {
  for (const auto known : kTypes) {
    if (same_text(known, type)) return std::string(known);
  }
  return type;
}

using Segments = std::vector<std::string>;

// From `at` on, every other segment is a type.
Segments spelled(Segments segments, std::size_t at) {
  for (std::size_t i = at; i < segments.size(); i += 2) segments[i] = as_routes_spell(segments[i]);
  return segments;
}

constexpr std::string_view kCodeSigning = "Microsoft.CodeSigning";
constexpr std::string_view kGroups = "resourceGroups";

// ".../resourceGroups/rg/providers/Microsoft.CodeSigning/codeSigningAccounts/a/..." of a short path that begins with
// the group; what is left over is a collection or an act.
std::string id_in_group(const Place& place, const Segments& segments) {
  std::string id = subscription_id(place);
  if (segments.size() < 2) return id;
  id += "/" + std::string(kGroups) + "/" + percent_encode(segments[1]);
  for (std::size_t i = 1; i < segments.size() / 2; ++i) {
    if (i == 1) id += "/providers/" + std::string(kCodeSigning);
    id += "/" + percent_encode(segments[2 * i]) + "/" + percent_encode(segments[2 * i + 1]);
  }
  return id;
}

// Resource groups, providers, and what lies below Microsoft.CodeSigning in any group.
std::optional<Segments> signing_segments(const Segments& full) {
  constexpr std::size_t kSubscription = 2;
  if (full.size() <= kSubscription) return std::nullopt;
  Segments rest(full.begin() + kSubscription, full.end());
  if (same_text(rest[0], kGroups)) {
    rest[0] = std::string(kGroups);
    if (rest.size() <= 2) return rest;
    const bool signing = rest.size() > 4 && same_text(rest[2], "providers") && same_text(rest[3], kCodeSigning);
    if (!signing) return std::nullopt;
    rest.erase(rest.begin() + 2, rest.begin() + 4);
    return spelled(std::move(rest), 2);
  }
  if (!same_text(rest[0], "providers")) return std::nullopt;
  rest[0] = "providers";
  const bool act = rest.size() == 3 && same_text(rest[2], "register");
  if (rest.size() <= 2 || act) return spelled(std::move(rest), 2);
  if (rest.size() != 3 || !same_text(rest[1], kCodeSigning)) return std::nullopt;
  return Segments{as_routes_spell(rest[2])};
}

}  // namespace

std::string subscription_id(const Place& place) { return "/subscriptions/" + place.subscription; }

std::string group_id(const Place& place) {
  return subscription_id(place) + "/resourceGroups/" + percent_encode(place.group);
}

Place place_of(const Place& place, const Segments& segments) {
  return {place.subscription, segments.size() > 1 && segments[0] == kGroups ? segments[1] : place.group};
}

std::string resource_id(const Place& place, const Segments& segments) {
  if (!segments.empty() && segments[0] == kGroups) return id_in_group(place, segments);
  const auto* family = segments.empty() ? nullptr : family_of(segments[0]);
  std::string id = group_id(place);
  if (!family) return id;
  const bool in_service = family->type.empty();
  const auto pairs = segments.size() / 2;  // what is left over is a collection or an act
  if (pairs == 0 && !in_service) return id;
  id += "/providers/" + std::string(family->provider);
  if (in_service) id += "/" + std::string(kServices) + "/" + std::string(kProvisioningService);
  for (std::size_t i = 0; i < pairs; ++i) {
    const bool renamed = i == 0 && !in_service;
    id += "/" + (renamed ? std::string(family->type) : percent_encode(segments[2 * i]));
    id += "/" + percent_encode(segments[2 * i + 1]);
  }
  return id;
}

std::optional<std::string> full_scope(const Place& place, std::string_view text) {
  using registry::roles::valid_scope;
  if (valid_scope(text)) return std::string(text);
  std::string full;
  const auto first = text.empty() || text.front() != '/' ? std::string_view() : text.substr(1, text.find('/', 1) - 1);
  if (same_text(first, "resourceGroups")) {
    full = subscription_id(place) + std::string(text);
  } else if (const auto* family = family_of(first)) {
    const auto rest = text.substr(1 + first.size());
    const bool in_service = family->type.empty();
    full = group_id(place) + "/providers/" + std::string(family->provider) + "/";
    full += in_service ? std::string(kServices) + "/" + std::string(kProvisioningService) : std::string(family->type);
    if (in_service && !rest.empty()) full += "/" + std::string(first);
    full += rest;
  }
  return valid_scope(full) ? std::optional(full) : std::nullopt;
}

std::optional<Segments> short_segments(const Place& place, const Segments& full) {
  constexpr std::size_t kPrefix = 6;  // subscriptions S resourceGroups G providers P
  if (full.size() > 2 && same_text(full[0], "subscriptions") && same_text(full[1], place.subscription)) {
    if (auto of_signing = signing_segments(full)) return of_signing;
  }
  const bool ours = full.size() > kPrefix && same_text(full[0], "subscriptions") &&
                    same_text(full[1], place.subscription) && same_text(full[2], "resourceGroups") &&
                    same_text(full[3], place.group) && same_text(full[4], "providers");
  if (!ours) return std::nullopt;
  const std::string& provider = full[5];
  const std::string& type = full[kPrefix];
  Segments rest(full.begin() + kPrefix + 1, full.end());
  if (same_text(provider, kDevices) && same_text(type, kServices)) {
    if (rest.size() < 2) {  // itself, under any name, or all that there are
      if (!rest.empty() && same_text(rest[0], kProvisioningService)) rest[0] = std::string(kProvisioningService);
      rest.insert(rest.begin(), std::string(kServices));
      return rest;
    }
    if (!same_text(rest[0], kProvisioningService)) return std::nullopt;
    rest.erase(rest.begin());
    for (const auto& family : kFamilies) {
      if (!family.type.empty() || !same_text(family.first, rest[0])) continue;
      rest[0] = std::string(family.first);
      return rest;
    }
    return std::nullopt;
  }
  for (const auto& family : kFamilies) {
    if (family.type.empty() || !same_text(family.provider, provider) || !same_text(family.type, type)) continue;
    rest.insert(rest.begin(), std::string(family.first));
    auto segments = spelled(std::move(rest), 2);
    // The credential's name is one word, however it is spelled.
    const bool credential = segments.size() > 3 && segments[2] == "credentials" && same_text(segments[3], "default");
    if (credential) segments[3] = "default";
    return segments;
  }
  return std::nullopt;
}

}  // namespace latchkey::hub::management
