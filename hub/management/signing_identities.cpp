// SPDX-License-Identifier: Apache-2.0
// Identity validations: those of an account, and, by their ids alone, those of the subscription.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "hub/management/internal/paging.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/shapes.h"
#include "hub/management/internal/signing_handlers.h"
#include "hub/management/internal/signing_shapes.h"
#include "hub/management/internal/text.h"
#include "hub/signing/documents/document_file.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;
using registry::signing::Document;
using registry::signing::Identity;
using registry::signing::IdentityKind;
using registry::signing::IdentitySubject;
using registry::signing::ValidationEvent;
using registry::signing::Validations;

namespace {

// Below an account there are its group and its name before the id; elsewhere the id stands alone.
Validations::Wanted scope_of(const Context& context) {
  Validations::Wanted wanted;
  wanted.subscription = context.place.subscription;
  if (context.names.size() < 2) return wanted;
  wanted.where = where_of(context);
  wanted.account = context.names[1];
  return wanted;
}

Answer<Uuid> id_of(const Context& context) {
  const auto id = parse_uuid(context.names.back());
  if (!id)
    return fault(Reason::kNotFound, "there is no identity validation '" + context.names.back().substr(0, 64) + "'");
  return *id;
}

struct Form {
  Identity identity;
  bool terms = false;
};

Answer<Form> read_form(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto properties = reader->root().object("properties");
  Form form;
  const auto kind = properties.text("identityType").value_or("Public");
  const auto subject = properties.text("subjectType").value_or("Organization");
  for (const auto& rule : registry::signing::field_rules()) {
    form.identity[rule.field] = properties.text(std::string(rule.name)).value_or("");
  }
  form.identity.incorporated = properties.text("incorporatedOn").value_or("");
  form.terms = properties.flag("termsAccepted").value_or(false);
  if (kind != "Public" && kind != "Private") {
    properties.refuse(Reason::kInvalidArgument, "is Public or Private", "identityType");
  }
  if (subject != "Organization" && subject != "Individual") {
    properties.refuse(Reason::kInvalidArgument, "is Organization or Individual", "subjectType");
  }
  LATCHKEY_TRY_VOID(reader->finish());
  form.identity.kind = kind == "Public" ? IdentityKind::kPublic : IdentityKind::kPrivate;
  form.identity.subject = subject == "Organization" ? IdentitySubject::kOrganization : IdentitySubject::kIndividual;
  return form;
}

struct Submitted {
  Document document;
  std::string at;  // where it stands in the body, with a dot behind it
  std::optional<std::string> file_name;
  std::optional<std::string> file;
};

Submitted read_document(Fields& fields) {
  Submitted submitted;
  Document& document = submitted.document;
  document.kind = fields.text("kind").value_or("");
  document.issued_on = fields.text("issuedOn").value_or("");
  document.expires_on = fields.text("expiresOn").value_or("");
  document.names = fields.text("names").value_or("");
  document.address = fields.text("address").value_or("");
  document.domain = fields.text("domain").value_or("");
  document.edited = fields.flag("edited").value_or(false);
  document.cropped = fields.flag("cropped").value_or(false);
  document.handwritten = fields.flag("handwritten").value_or(false);
  submitted.at = fields.path("");
  submitted.file_name = fields.text("fileName");
  submitted.file = fields.text("file");
  return submitted;
}

// The file has to be one that the rules allow; nothing of it is kept.
Answer<registry::Nothing> check_file(const Submitted& submitted) {
  const std::string target = submitted.at + "file";
  if (!submitted.file_name) return missing_member(submitted.at + "fileName");
  if (!submitted.file) return missing_member(target);
  if (submitted.file->size() > base64_size(signing::kDocumentFileMax)) {
    return fault(Reason::kInvalidArgument, "'" + target + "' is a file of more than 5 MB", target);
  }
  const auto bytes = from_base64(*submitted.file, target);
  if (!bytes) {
    return fault(Reason::kMalformedRequest, "'" + target + "' is not base64 (RFC 4648, padded)", target);
  }
  const auto checked = signing::check_document_file(*submitted.file_name, ByteView(*bytes));
  if (!checked)
    return fault(Reason::kInvalidArgument, "'" + target + "' is refused: " + checked.error().detail, target);
  return registry::Nothing{};
}

Answer<Response> shown(const Context& context, const registry::signing::Validation& validation, int status = 200) {
  return answer(status, validation_json(context, validation));
}

struct EventName {
  const char* name;
  ValidationEvent event;
};
constexpr EventName kEvents[] = {{"accept", ValidationEvent::kAccepted},
                                 {"refuse", ValidationEvent::kRefused},
                                 {"requireAction", ValidationEvent::kMoreNeeded},
                                 {"emailVerified", ValidationEvent::kEmailVerified},
                                 {"emailFailed", ValidationEvent::kEmailFailed}};

}  // namespace

Answer<Response> list_validations(const Context& context) {
  LATCHKEY_TRY(all, Validations(rows_of(context)).list(scope_of(context), context.call.now));
  json value = json::array();
  for (const auto& one : all) value.push_back(validation_json(context, one));
  return paged(context, std::move(value));
}

Answer<Response> show_validation(const Context& context) {
  LATCHKEY_TRY(id, id_of(context));
  LATCHKEY_TRY(found, Validations(rows_of(context)).find(scope_of(context), id, context.call.now));
  return shown(context, found);
}

Answer<Response> create_validation(const Context& context) {
  LATCHKEY_TRY(form, read_form(context));
  LATCHKEY_TRY(made, Validations(rows_of(context))
                         .create(context.call, where_of(context), context.names[1], form.identity, form.terms));
  return shown(context, made, 201);
}

// Whether it would be taken, and what certificates would name; without the terms, which are accepted afterwards.
Answer<Response> preview_validation(const Context& context) {
  LATCHKEY_TRY(form, read_form(context));
  LATCHKEY_TRY(account, registry::signing::Accounts(rows_of(context)).find(where_of(context), context.names[1]));
  LATCHKEY_TRY(
      identity,
      Validations(rows_of(context)).preview(account.where.subscription, form.identity, true, context.call.now));
  using registry::signing::ProfileType;
  constexpr auto kPlace =
      registry::signing::kIncludeCity | registry::signing::kIncludeState | registry::signing::kIncludeCountry;
  const auto type = identity.kind == IdentityKind::kPublic ? ProfileType::kPublicTrust : ProfileType::kPrivateTrust;
  return answer(200, {{"certificateSubjectPreview", subject_preview(identity, type, kPlace)}});
}

Answer<Response> renew_validation(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(id, id_of(context));
  LATCHKEY_TRY(now, Validations(rows_of(context)).renew(context.call, scope_of(context), id));
  return shown(context, now);
}

Answer<Response> submit_documents(const Context& context) {
  constexpr std::size_t kMostAtOnce = 10;
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  const auto* list = reader->root().any_array("documents");
  std::vector<std::unique_ptr<Reader>> readers;
  std::vector<Document> documents;
  if (list != nullptr && list->size() > kMostAtOnce) {
    reader->refuse(Reason::kInvalidArgument, "'documents' has at most ten entries", "documents");
  }
  LATCHKEY_TRY_VOID(reader->finish());
  if (list == nullptr) return missing_member("documents");
  for (const auto& item : *list) {
    LATCHKEY_TRY(one, Reader::parse(item.dump()));
    auto fields = one->root();
    auto submitted = read_document(fields);
    LATCHKEY_TRY_VOID(one->finish());
    LATCHKEY_TRY_VOID(check_file(submitted));
    documents.push_back(std::move(submitted.document));
  }
  LATCHKEY_TRY(id, id_of(context));
  LATCHKEY_TRY(now, Validations(rows_of(context)).submit(context.call, scope_of(context), id, documents));
  return shown(context, now);
}

Answer<Response> present_proof(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  registry::signing::Proof proof;
  proof.account_email = root.text("accountEmail").value_or("");
  auto document = root.object("document");
  auto submitted = read_document(document);
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY_VOID(check_file(submitted));
  proof.document = std::move(submitted.document);
  LATCHKEY_TRY(id, id_of(context));
  LATCHKEY_TRY(now, Validations(rows_of(context)).present(context.call, scope_of(context), id, proof));
  return shown(context, now);
}

Answer<Response> delete_validation(const Context& context) {
  LATCHKEY_TRY(id, id_of(context));
  LATCHKEY_TRY_VOID(Validations(rows_of(context)).remove(context.call, scope_of(context), id));
  return no_content();
}

Answer<Response> decide_validation(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  const auto name = root.text("event");
  const auto why = root.text("why").value_or("");
  LATCHKEY_TRY_VOID(reader->finish());
  if (!name) return missing_member("event");
  const auto* event =
      std::find_if(std::begin(kEvents), std::end(kEvents), [&](const EventName& one) { return *name == one.name; });
  if (event == std::end(kEvents)) {
    return fault(Reason::kInvalidArgument, "'event' is accept, refuse, requireAction, emailVerified or emailFailed",
                 "event");
  }
  LATCHKEY_TRY(id, id_of(context));
  LATCHKEY_TRY(now, Validations(rows_of(context)).decide(context.call, scope_of(context), id, event->event, why));
  return shown(context, now);
}

}  // namespace latchkey::hub::management
