// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/signing_shapes.h"

#include <nlohmann/json.hpp>

#include "hub/management/internal/envelope.h"
#include "hub/management/internal/text.h"
#include "hub/signing/certificates/profile.h"
#include "platform/base/percent.h"
#include "registry/signing/regions.h"
#include "registry/signing/sku.h"

namespace latchkey::hub::management {

using nlohmann::json;
using namespace registry::signing;  // NOLINT: its nouns are what this file is about

namespace {

std::string lowered(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

std::string group_id_of(const Where& where) {
  return "/subscriptions/" + where.subscription + "/resourceGroups/" + percent_encode(where.group);
}

std::string account_id_of(const Where& where, const std::string& account) {
  return group_id_of(where) + "/providers/Microsoft.CodeSigning/codeSigningAccounts/" + percent_encode(account);
}

void put_stamp(json& resource, const Stamp& stamp, const std::string& location, const std::string& tags, Kept kept) {
  resource["systemData"] = json::object();
  if (stamp.created != 0) resource["systemData"]["createdAt"] = iso8601(stamp.created);
  put_labels(resource, {location, tags, {}, stamp.created_by, stamp.created, stamp.modified_by, stamp.modified}, kept);
}

}  // namespace

Where where_of(const Context& context) { return {context.place.subscription, context.names[0]}; }

registry::RowKeeper& rows_of(const Context& context) { return registry::rows_of(context.registry()); }

tl::unexpected<Fault> missing_member(const std::string& member) {
  return fault(registry::Reason::kMalformedRequest, "'" + member + "' is missing", member);
}

json group_json(const ResourceGroup& group) {
  json body = {{"id", group_id_of({group.subscription, group.name})},
               {"name", group.name},
               {"type", "Microsoft.Resources/resourceGroups"},
               {"properties", {{"provisioningState", "Succeeded"}}}};
  put_stamp(body, group.stamp, group.location, group.tags, Kept::kTracked);
  return body;
}

json provider_json(const Context& context, const Provider& provider) {
  return {{"id", subscription_id(context.place) + "/providers/" + provider.name},
          {"name", provider.name},
          {"namespace", provider.name},
          {"registrationPolicy", "RegistrationRequired"},
          {"registrationState", provider.registered ? "Registered" : "NotRegistered"}};
}

json account_json(const Account& account) {
  const auto* place = region(account.region);
  json body = {{"id", account_id_of(account.where, account.name)},
               {"name", account.name},
               {"type", "Microsoft.CodeSigning/codeSigningAccounts"},
               {"properties",
                {{"accountUri", place != nullptr ? std::string(place->endpoint) + "/" : std::string()},
                 {"sku", {{"name", quota_of(account.sku).name}}},
                 {"provisioningState", "Succeeded"}}}};
  if (account.suspended) body["properties"]["suspended"] = true;
  put_stamp(body, account.stamp, lowered(account.region), account.tags, Kept::kTracked);
  return body;
}

json profile_json(const Where& where, const std::string& account, const Profile& profile) {
  const auto included = [&](std::uint32_t bit) { return (profile.includes & bit) != 0; };
  json body = {{"id", account_id_of(where, account) + "/certificateProfiles/" + percent_encode(profile.name)},
               {"name", profile.name},
               {"type", "Microsoft.CodeSigning/codeSigningAccounts/certificateProfiles"},
               {"properties",
                {{"profileType", to_string(profile.type)},
                 {"identityValidationId", uuid_text(profile.validation)},
                 {"includeStreetAddress", included(kIncludeStreet)},
                 {"includePostalCode", included(kIncludePostalCode)},
                 {"includeCity", included(kIncludeCity)},
                 {"includeState", included(kIncludeState)},
                 {"includeCountry", included(kIncludeCountry)},
                 {"enhancedKeyUsage", profile.eku},
                 {"status", to_string(profile.status)},
                 {"certificates", json::array()},
                 {"provisioningState", "Succeeded"}}}};
  put_stamp(body, profile.stamp, {}, {}, Kept::kProxy);
  return body;
}

json validation_json(const Context& context, const Validation& one) {
  json properties = {{"identityType", to_string(one.identity.kind)},
                     {"subjectType", to_string(one.identity.subject)},
                     {"status", to_string(one.state)},
                     {"emailVerified", one.email_verified != 0},
                     {"documentSubmissions", one.submissions},
                     {"certificateSubjectPreview",
                      subject_preview(one.identity,
                                      one.identity.kind == IdentityKind::kPublic ? ProfileType::kPublicTrust
                                                                                 : ProfileType::kPrivateTrust,
                                      kIncludeCity | kIncludeState | kIncludeCountry)}};
  for (const auto& rule : field_rules()) {
    if (!one.identity[rule.field].empty()) properties[std::string(rule.name)] = one.identity[rule.field];
  }
  if (!one.identity.incorporated.empty()) properties["incorporatedOn"] = one.identity.incorporated;
  if (!one.reason.empty()) properties["statusReason"] = one.reason;
  if (one.state == ValidationState::kRenewing) properties["renewalStatus"] = "In Progress";
  if (one.expires != 0) properties["expiresOn"] = iso8601(one.expires);
  if (one.email_verified == 0) properties["verificationLinkExpiresOn"] = iso8601(one.link_sent + kLinkLivesMs);
  const auto id = uuid_text(one.uuid);
  json body = {{"id", subscription_id(context.place) + "/providers/Microsoft.CodeSigning/identityValidations/" + id},
               {"name", id},
               {"type", "Microsoft.CodeSigning/identityValidations"},
               {"properties", std::move(properties)}};
  put_stamp(body, one.stamp, {}, {}, Kept::kProxy);
  return body;
}

std::string subject_preview(const Identity& identity, ProfileType type, std::uint32_t includes) {
  const auto parts = subject_of(identity, type, includes);
  return hub::signing::subject_text({parts.common_name, parts.organization, parts.organizational_unit, parts.street,
                                     parts.city, parts.state, parts.postal_code, parts.country});
}

}  // namespace latchkey::hub::management
