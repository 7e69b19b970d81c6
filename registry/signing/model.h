// SPDX-License-Identifier: Apache-2.0
// The resources of the signing service's control plane, as plain values. Enum values are stored: never renumber.
// Sources: issue rows S-6-NN in docs/signing-behaviour.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/ids.h"
#include "registry/model/resources.h"

namespace latchkey::registry::signing {

// Where a resource lies: a subscription's uuid as text, and the name of one of its resource groups.
struct Where {
  std::string subscription;
  std::string group;
};

// Who made it and who changed it last.
struct Stamp {
  std::string created_by;
  UnixMs created = 0;
  std::string modified_by;
  UnixMs modified = 0;
};

struct Tenant {
  std::string id;  // a uuid
  std::string name;
};

struct ResourceGroup {
  std::string subscription;
  std::string name;
  std::string location;
  std::string tags;  // a JSON object as text; may be empty
  Stamp stamp;
};

enum class Sku : std::uint8_t { kBasic = 1, kPremium = 2 };

struct Account {
  Uuid uuid;
  Where where;
  std::string name;
  std::string region;  // its code (regions.h)
  Sku sku = Sku::kBasic;
  bool suspended = false;
  std::string tags;
  Stamp stamp;
};

enum class ProfileType : std::uint8_t {
  kPublicTrust = 1,
  kPrivateTrust = 2,
  kPrivateTrustCiPolicy = 3,
  kVbsEnclave = 4,
  kPublicTrustTest = 5,
};
inline constexpr std::array kProfileTypes = {ProfileType::kPublicTrust, ProfileType::kPrivateTrust,
                                             ProfileType::kPrivateTrustCiPolicy, ProfileType::kVbsEnclave,
                                             ProfileType::kPublicTrustTest};
std::string_view to_string(ProfileType type);  // "PublicTrust", as the API has it
std::optional<ProfileType> profile_type(std::string_view name);

// Optional parts of the subject; those of city, state and country mean something to private types only.
enum Include : std::uint32_t {
  kIncludeStreet = 1,
  kIncludePostalCode = 2,
  kIncludeCity = 4,
  kIncludeState = 8,
  kIncludeCountry = 16,
};

enum class ProfileStatus : std::uint8_t { kActive = 1, kDisabled = 2, kSuspended = 3 };
std::string_view to_string(ProfileStatus status);

struct Profile {
  Uuid uuid;
  Uuid account;
  std::string name;
  ProfileType type = ProfileType::kPublicTrust;
  Uuid validation;
  std::uint32_t includes = 0;  // Include, or-ed
  ProfileStatus status = ProfileStatus::kActive;
  std::string eku;  // the durable one, given once
  Stamp stamp;
};

enum class IdentityKind : std::uint8_t { kPublic = 1, kPrivate = 2 };
enum class IdentitySubject : std::uint8_t { kOrganization = 1, kIndividual = 2 };
std::string_view to_string(IdentityKind kind);
std::string_view to_string(IdentitySubject subject);

// What is asked of whoever wants to be validated (identity_form.h). Stored in this order: append only.
enum class Field : std::uint8_t {
  kOrganizationName,
  kOrganizationalUnit,
  kWebsite,
  kPrimaryEmail,
  kSecondaryEmail,
  kBusinessIdentifier,
  kSellerId,
  kFirstName,
  kLastName,
  kStreet,
  kCity,
  kState,
  kCountry,
  kPostalCode,
};
inline constexpr std::size_t kFields = 14;

struct Identity {
  IdentityKind kind = IdentityKind::kPublic;
  IdentitySubject subject = IdentitySubject::kOrganization;
  std::array<std::string, kFields> fields;
  std::string incorporated;  // "2015-03-31": since when an organization exists

  std::string& operator[](Field field) { return fields[static_cast<std::size_t>(field)]; }
  const std::string& operator[](Field field) const { return fields[static_cast<std::size_t>(field)]; }
};

// kRenewing is Completed, with a renewal under way.
enum class ValidationState : std::uint8_t {
  kInProgress = 1,
  kActionRequired = 2,
  kCompleted = 3,
  kRenewing = 4,
  kFailed = 5,
  kExpired = 6,
};
std::string_view to_string(ValidationState state);  // "In Progress", as the portal has it

struct Validation {
  Uuid uuid;
  std::string subscription;
  std::optional<Uuid> account;  // that it was made in; nothing once that is deleted
  Identity identity;
  ValidationState state = ValidationState::kInProgress;
  std::string reason;         // why it failed, or what is needed; a sentence
  UnixMs link_sent = 0;       // of the e-mail verification under way
  UnixMs email_verified = 0;  // 0: not yet
  std::int64_t submissions = 0;
  UnixMs expires = 0;  // 0: never completed
  bool reminded = false;
  Stamp stamp;

  // A profile may be made from it, and its certificates are renewed.
  bool completed() const { return state == ValidationState::kCompleted || state == ValidationState::kRenewing; }
};

struct Mail {
  std::int64_t number = 0;
  Uuid validation;
  std::string recipient;
  std::string subject;
  std::string body;
  UnixMs created = 0;
};

}  // namespace latchkey::registry::signing
