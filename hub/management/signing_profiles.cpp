// SPDX-License-Identifier: Apache-2.0
// Certificate profiles, and the certificates that are shown in them.
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "hub/management/internal/envelope.h"
#include "hub/management/internal/paging.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/shapes.h"
#include "hub/management/internal/signing_handlers.h"
#include "hub/management/internal/signing_shapes.h"
#include "hub/management/internal/text.h"
#include "hub/signing/certificates/profile.h"
#include "registry/signing/certificates.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;
using registry::signing::Accounts;
using registry::signing::Certificate;
using registry::signing::NewProfile;
using registry::signing::Profile;
using registry::signing::ProfileType;
using registry::signing::RevocationStatus;

namespace {

struct IncludeFlag {
  const char* member;
  std::uint32_t bit;
};
constexpr IncludeFlag kIncludes[] = {{"includeStreetAddress", registry::signing::kIncludeStreet},
                                     {"includePostalCode", registry::signing::kIncludePostalCode},
                                     {"includeCity", registry::signing::kIncludeCity},
                                     {"includeState", registry::signing::kIncludeState},
                                     {"includeCountry", registry::signing::kIncludeCountry}};

struct Wanted {
  std::optional<std::string> type;
  std::optional<std::string> validation;
  std::uint32_t includes = 0;
};

Wanted read_properties(Fields& properties) {
  Wanted wanted;
  wanted.type = properties.text("profileType");
  wanted.validation = properties.text("identityValidationId");
  for (const auto& one : kIncludes) {
    if (properties.flag(one.member).value_or(false)) wanted.includes |= one.bit;
  }
  return wanted;
}

// "properties." stands before a member's name in its target, or nothing does.
Answer<NewProfile> checked(const Wanted& wanted, const std::string& before) {
  if (!wanted.type) return missing_member(before + "profileType");
  if (!wanted.validation) return missing_member(before + "identityValidationId");
  NewProfile made;
  const auto type = registry::signing::profile_type(*wanted.type);
  if (!type) {
    std::string known;
    for (const auto one : registry::signing::kProfileTypes) {
      known += (known.empty() ? "" : ", ") + std::string(to_string(one));
    }
    return fault(Reason::kInvalidArgument, "'profileType' is one of " + known, before + "profileType");
  }
  const auto validation = parse_uuid(*wanted.validation);
  if (!validation) {
    return fault(Reason::kInvalidArgument, "'identityValidationId' is a uuid", before + "identityValidationId");
  }
  made.type = *type;
  made.validation = *validation;
  made.includes = wanted.includes;
  return made;
}

std::string fresh_eku(ProfileType type) {
  std::array<std::uint32_t, 4> arcs{};
  const auto random = text::random_hex(sizeof arcs);
  for (std::size_t i = 0; i < arcs.size(); ++i) {
    (void)std::from_chars(random.data() + 8 * i, random.data() + 8 * i + 8, arcs[i], 16);
  }
  return hub::signing::durable_eku(*hub::signing::profile_type_by_name(to_string(type)), arcs);
}

// "3/14/2023 5:27:49 PM", in UTC: as the service's own examples have dates of certificates.
std::string us_date(UnixMs at) {
  const std::time_t seconds = at / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  const int hour = utc.tm_hour % 12 == 0 ? 12 : utc.tm_hour % 12;
  char text[64];
  std::snprintf(text, sizeof text, "%d/%d/%d %d:%02d:%02d %s", utc.tm_mon + 1, utc.tm_mday, utc.tm_year + 1900, hour,
                utc.tm_min, utc.tm_sec, utc.tm_hour < 12 ? "AM" : "PM");
  return text;
}

const char* reason_name(int reason) {
  switch (reason) {
    case 1: return "KeyCompromised";
    case 3: return "AffiliationChanged";
    case 4: return "Superseded";
    case 5: return "CessationOfOperation";
    case 9: return "PrivilegeWithdrawn";
    default: return "Unspecified";
  }
}

json revocation_json(const registry::signing::CertificateRevocation& revocation) {
  json body = {{"requestedAt", iso8601(revocation.requested_at)},
               {"effectiveAt", iso8601(revocation.effective_at)},
               {"reason", reason_name(revocation.reason)},
               {"status", revocation.status == RevocationStatus::kSucceeded    ? "Succeeded"
                          : revocation.status == RevocationStatus::kInProgress ? "InProgress"
                                                                               : "Failed"}};
  if (!revocation.remarks.empty()) body["remarks"] = revocation.remarks;
  if (!revocation.failure.empty()) body["failureReason"] = revocation.failure;
  return body;
}

}  // namespace

json certificate_json(const Certificate& certificate, UnixMs now) {
  const bool revoked = certificate.revocation.status == RevocationStatus::kSucceeded;
  json body = {{"serialNumber", hex(certificate.serial)},
               {"thumbprint", hex(certificate.thumbprint)},
               {"subjectName", certificate.subject},
               {"enhancedKeyUsage", certificate.eku},
               {"createdDate", us_date(certificate.not_before)},
               {"expiryDate", us_date(certificate.not_after)},
               {"status", revoked                       ? "Revoked"
                          : now > certificate.not_after ? "Expired"
                                                        : "Active"}};
  if (certificate.revocation.status != RevocationStatus::kNone) {
    body["revocation"] = revocation_json(certificate.revocation);
  }
  return body;
}

namespace {

Answer<json> shape(const Context& context, const Profile& profile) {
  auto body = profile_json(where_of(context), context.names[1], profile);
  LATCHKEY_TRY(certificates, registry::signing::CertificateRows(rows_of(context)).of_profile(profile.uuid));
  for (const auto& one : certificates) {
    body["properties"]["certificates"].push_back(certificate_json(one, context.call.now));
  }
  return body;
}

}  // namespace

Answer<Response> list_profiles(const Context& context) {
  LATCHKEY_TRY(all, Accounts(rows_of(context)).list_profiles(where_of(context), context.names[1]));
  json value = json::array();
  for (const auto& profile : all) {
    LATCHKEY_TRY(item, shape(context, profile));
    value.push_back(std::move(item));
  }
  return paged(context, std::move(value));
}

Answer<Response> show_profile(const Context& context) {
  LATCHKEY_TRY(found, Accounts(rows_of(context)).find_profile(where_of(context), context.names[1], context.names[2]));
  LATCHKEY_TRY(body, shape(context, found));
  return answer(200, body);
}

// There is no PATCH. The same again changes nothing; anything else is refused by the registry.
Answer<Response> create_profile(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  registry::Call call = context.call;
  read_envelope(root, Kept::kProxy, call);
  auto properties = root.object("properties");
  const auto asked = read_properties(properties);
  pass_read_only(properties, {"status", "provisioningState", "certificates", "enhancedKeyUsage"});
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(wanted, checked(asked, "properties."));
  Accounts accounts(rows_of(context));
  wanted.name = context.names[2];
  const auto found = accounts.find_profile(where_of(context), context.names[1], wanted.name);
  if (found && found->type == wanted.type && found->validation == wanted.validation &&
      found->includes == wanted.includes) {
    LATCHKEY_TRY(body, shape(context, *found));
    return answer(200, body);
  }
  wanted.eku = fresh_eku(wanted.type);
  LATCHKEY_TRY(made, accounts.create_profile(call, where_of(context), context.names[1], wanted));
  LATCHKEY_TRY(body, shape(context, made));
  return answer(201, body);
}

Answer<Response> delete_profile(const Context& context) {
  LATCHKEY_TRY_VOID(
      Accounts(rows_of(context)).remove_profile(context.call, where_of(context), context.names[1], context.names[2]));
  return no_content();
}

// What the certificates of such a profile would name; nothing is made.
Answer<Response> preview_profile(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  const auto asked = read_properties(root);
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(wanted, checked(asked, ""));
  registry::signing::Validations::Wanted where;
  where.subscription = context.place.subscription;
  LATCHKEY_TRY(validation,
               registry::signing::Validations(rows_of(context)).find(where, wanted.validation, context.call.now));
  if (!registry::signing::goes_with(wanted.type, validation.identity.kind)) {
    return fault(Reason::kInvalidArgument, "the identity validation does not go with profiles of that type",
                 "identityValidationId");
  }
  const auto preview = subject_preview(validation.identity, wanted.type, wanted.includes);
  return answer(200, {{"certificateSubjectPreview", preview}, {"profileType", to_string(wanted.type)}});
}

}  // namespace latchkey::hub::management
