// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/validations.h"

#include <algorithm>

#include "registry/signing/ground.h"
#include "registry/signing/identity_form.h"
#include "registry/signing/internal/accounts.h"
#include "registry/signing/internal/rows.h"
#include "registry/store/fold.h"

namespace latchkey::registry::signing {

using store::Database;
using store::fold;

namespace {

std::string text_of(const Uuid& id) { return std::string(view(to_text(id))); }
std::string validation_path(const Uuid& id) { return "identityValidations/" + text_of(id); }

std::string name_of(const Identity& identity) {
  if (identity.subject == IdentitySubject::kOrganization) return identity[Field::kOrganizationName];
  return identity[Field::kFirstName] + " " + identity[Field::kLastName];
}

Outcome<Nothing> send(Database& db, const Validation& one, const std::string& to, const std::string& subject,
                      const std::string& body, UnixMs now) {
  return insert(db, Mail{0, one.uuid, to, subject, body, now});
}

Outcome<Nothing> tell_status(Database& db, const Validation& one, const std::string& because, UnixMs now) {
  const std::string status(to_string(one.state));
  std::string body =
      "The identity validation " + text_of(one.uuid) + " of " + name_of(one.identity) + " is now: " + status + ".\n";
  if (one.state == ValidationState::kRenewing) body += "Its renewal is in progress.\n";
  if (!because.empty()) body += because + "\n";
  return Validations::write_to(db, one, "Identity validation: " + status, body, now);
}

Outcome<Nothing> send_link(Database& db, const Validation& one, UnixMs now) {
  return send(db, one, one.identity[Field::kPrimaryEmail], "Verify your e-mail address",
              "Somebody asked for an identity validation of " + name_of(one.identity) +
                  " with this address.\n"
                  "The link to verify it is good for seven days.\nValidation: " +
                  text_of(one.uuid) + "\n",
              now);
}

std::string because_of(ValidationEvent event) {
  switch (event) {
    case ValidationEvent::kLinkLapsed:
      return "The link to verify the e-mail address lapsed after seven days. Make a new request.";
    case ValidationEvent::kEmailFailed: return "The e-mail address could not be verified. Make a new request.";
    case ValidationEvent::kValidityOver: return "Its validity is over: profiles made from it stop. Make a new request.";
    default: return {};
  }
}

// The state that follows, and what goes with entering it.
Outcome<Nothing> apply(RowAct& act, Validation& one, ValidationEvent event, const std::string& why) {
  const auto next = step(one.state, event);
  if (next.move != Move::kTo) {
    return refuse(Reason::kValidationState, "identity validation " + text_of(one.uuid) + " is " +
                                                std::string(to_string(one.state)) + ": '" +
                                                std::string(to_string(event)) + "' is not possible then");
  }
  const auto was = one.state;
  if (was != next.state) act.changed("status", std::string(to_string(was)), std::string(to_string(next.state)));
  one.state = next.state;
  one.reason = why.empty() ? because_of(event) : why;
  const bool ends_well = event == ValidationEvent::kAccepted || event == ValidationEvent::kProofPresented;
  if (event == ValidationEvent::kEmailVerified || event == ValidationEvent::kProofPresented) {
    one.email_verified = act.now();
  }
  if (ends_well) {
    one.expires = std::max(act.now(), one.expires) + kValidationLivesMs;
    one.reminded = false;
  }
  if (event == ValidationEvent::kRenewalAsked) {
    one.link_sent = act.now();
    one.email_verified = 0;
    LATCHKEY_TRY_VOID(send_link(act.db, one, act.now()));
  }
  touch(act, one.stamp);
  LATCHKEY_TRY_VOID(update(act.db, one));
  if (was == one.state) return Nothing{};
  return tell_status(act.db, one, one.reason, act.now());
}

// What time has brought, for those who read: it is not kept.
void as_of(Validation& one, UnixMs now) {
  const auto event = due_event(one, now);
  if (!event) return;
  one.state = step(one.state, *event).state;
  one.reason = because_of(*event);
}

Outcome<Validation> existing(Database& db, const Validations::Wanted& where, const Uuid& id) {
  LATCHKEY_TRY(found, find_validation(db, id));
  bool here = found && fold(found->subscription) == fold(where.subscription);
  if (here && where.where) {
    LATCHKEY_TRY(account, existing_account(db, *where.where, where.account, Reason::kParentNotFound));
    here = found->account == account.uuid;
  }
  if (here) return std::move(*found);
  return refuse(Reason::kNotFound, "there is no identity validation " + text_of(id) + " here");
}

}  // namespace

Outcome<Nothing> Validations::write_to(Database& db, const Validation& one, const std::string& subject,
                                       const std::string& body, UnixMs now) {
  LATCHKEY_TRY_VOID(send(db, one, one.identity[Field::kPrimaryEmail], subject, body, now));
  const auto& secondary = one.identity[Field::kSecondaryEmail];
  return secondary.empty() ? Outcome<Nothing>(Nothing{}) : send(db, one, secondary, subject, body, now);
}

Outcome<Validation> Validations::create(const Call& call, const Where& where, const std::string& account,
                                        Identity wanted, bool terms_accepted) {
  const Uuid id = fresh_uuid();
  return rows_.attempted<Validation>(
      call, "identityValidation.create", validation_path(id), [&](RowAct& act) -> Outcome<Validation> {
        LATCHKEY_TRY(parent, existing_account(act.db, where, account, Reason::kParentNotFound));
        if (parent.suspended) {
          return refuse(Reason::kAccountSuspended, "signing account '" + parent.name + "' is suspended");
        }
        LATCHKEY_TRY(tenant, tenant_of(act.db, where.subscription));
        LATCHKEY_TRY(identity, checked_identity(wanted, terms_accepted, tenant.name, act.now()));
        Validation made;
        made.uuid = id;
        made.subscription = where.subscription;
        made.account = parent.uuid;
        made.identity = std::move(identity);
        made.link_sent = act.now();
        made.stamp = stamp_of(act);
        LATCHKEY_TRY_VOID(insert(act.db, made));
        LATCHKEY_TRY_VOID(send_link(act.db, made, act.now()));
        LATCHKEY_TRY_VOID(tell_status(act.db, made, {}, act.now()));
        act.note = std::string(to_string(made.identity.kind)) + " " + std::string(to_string(made.identity.subject)) +
                   ", in account '" + parent.name + "'";
        return made;
      });
}

Outcome<Identity> Validations::preview(const std::string& subscription, const Identity& wanted, bool terms_accepted,
                                       UnixMs now) {
  return rows_.looked<Identity>([&](Database& db) -> Outcome<Identity> {
    LATCHKEY_TRY(tenant, tenant_of(db, subscription));
    return checked_identity(wanted, terms_accepted, tenant.name, now);
  });
}

Outcome<Validation> Validations::find(const Wanted& where, const Uuid& id, UnixMs now) {
  return rows_.looked<Validation>([&](Database& db) -> Outcome<Validation> {
    LATCHKEY_TRY(found, existing(db, where, id));
    as_of(found, now);
    return found;
  });
}

Outcome<std::vector<Validation>> Validations::list(const Wanted& where, UnixMs now) {
  return rows_.looked<std::vector<Validation>>([&](Database& db) -> Outcome<std::vector<Validation>> {
    std::optional<Uuid> account;
    if (where.where) {
      LATCHKEY_TRY(parent, existing_account(db, *where.where, where.account, Reason::kParentNotFound));
      account = parent.uuid;
    }
    LATCHKEY_TRY(all, validations_of(db, where.subscription, account));
    for (auto& one : all) as_of(one, now);
    return all;
  });
}

// What time brought is kept even when the act itself is refused; so it is an act of its own, before.
Outcome<Validation> Validations::move(const Call& call, const Wanted& where, const Uuid& id, ValidationEvent event,
                                      const std::function<Outcome<Nothing>(RowAct&, Validation&)>& check) {
  LATCHKEY_TRY(settled, settle(call));
  static_cast<void>(settled);
  return rows_.attempted<Validation>(
      call, "identityValidation." + std::string(event == ValidationEvent::kRenewalAsked ? "renew" : "update"),
      validation_path(id), [&](RowAct& act) -> Outcome<Validation> {
        LATCHKEY_TRY(one, existing(act.db, where, id));
        LATCHKEY_TRY_VOID(check(act, one));
        return one;
      });
}

Outcome<Validation> Validations::decide(const Call& call, const Wanted& where, const Uuid& id, ValidationEvent event,
                                        const std::string& why) {
  return move(call, where, id, event, [&](RowAct& act, Validation& one) -> Outcome<Nothing> {
    using enum ValidationEvent;
    if (event != kEmailVerified && event != kEmailFailed && event != kMoreNeeded && event != kAccepted &&
        event != kRefused) {
      return refuse(Reason::kInvalidArgument,
                    "'" + std::string(to_string(event)) + "' is nothing that a verifier does");
    }
    if (why.size() > 512) return refuse(Reason::kInvalidArgument, "'why' has at most 512 bytes");
    const bool known = step(one.state, event).move == Move::kTo;
    if (known && event == kEmailVerified && one.email_verified != 0) {
      return refuse(Reason::kValidationState, "the e-mail address is verified already");
    }
    if (known && event == kAccepted && one.email_verified == 0) {
      return refuse(Reason::kValidationState, "the e-mail address is not verified yet");
    }
    act.note = std::string(to_string(event));
    return apply(act, one, event, why);
  });
}

Outcome<Validation> Validations::submit(const Call& call, const Wanted& where, const Uuid& id,
                                        const std::vector<Document>& documents) {
  constexpr auto kEvent = ValidationEvent::kDocumentsSupplied;
  return move(call, where, id, kEvent, [&](RowAct& act, Validation& one) -> Outcome<Nothing> {
    if (one.identity.subject != IdentitySubject::kOrganization) {
      return refuse(Reason::kInvalidArgument, "an individual presents a proof of identity and submits no documents");
    }
    if (documents.empty()) return refuse(Reason::kInvalidArgument, "'documents' is empty");
    if (step(one.state, kEvent).move == Move::kTo && one.submissions >= kMostSubmissions) {
      return refuse(Reason::kValidationState, "documents were submitted three times: make a new request");
    }
    for (const auto& document : documents) LATCHKEY_TRY_VOID(check_document(document, one.identity, act.now()));
    ++one.submissions;
    act.note = "submission " + std::to_string(one.submissions) + ", " + std::to_string(documents.size()) + " documents";
    return apply(act, one, kEvent, {});
  });
}

Outcome<Validation> Validations::present(const Call& call, const Wanted& where, const Uuid& id, const Proof& proof) {
  constexpr auto kEvent = ValidationEvent::kProofPresented;
  return move(call, where, id, kEvent, [&](RowAct& act, Validation& one) -> Outcome<Nothing> {
    if (one.identity.subject != IdentitySubject::kIndividual) {
      return refuse(Reason::kInvalidArgument, "an organization submits documents");
    }
    if (proof.account_email != one.identity[Field::kPrimaryEmail]) {
      return refuse(Reason::kInvalidArgument, "the account used has another address than the request's primary e-mail");
    }
    const auto* kind = document_kind(proof.document.kind);
    if (kind != nullptr && kind->proves == Proves::kResidence) {
      return refuse(Reason::kInvalidArgument, "a proof of address is no proof of identity: present a government's");
    }
    LATCHKEY_TRY_VOID(check_document(proof.document, one.identity, act.now()));
    act.note = std::string(to_string(kEvent)) + ": " + proof.document.kind;
    return apply(act, one, kEvent, {});
  });
}

Outcome<Validation> Validations::renew(const Call& call, const Wanted& where, const Uuid& id) {
  constexpr auto kEvent = ValidationEvent::kRenewalAsked;
  return move(call, where, id, kEvent, [&](RowAct& act, Validation& one) -> Outcome<Nothing> {
    if (one.state == ValidationState::kCompleted && act.now() < one.expires - kRenewalFromMs) {
      return refuse(Reason::kValidationState, "it can be renewed from 60 days before its end on");
    }
    return apply(act, one, kEvent, {});
  });
}

Outcome<Nothing> Validations::remove(const Call& call, const Wanted& where, const Uuid& id) {
  LATCHKEY_TRY(settled, settle(call));
  static_cast<void>(settled);
  return rows_.attempt(call, "identityValidation.delete", validation_path(id), [&](RowAct& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(one, existing(act.db, where, id));
    if (step(one.state, ValidationEvent::kDelete).move != Move::kGone) {
      return refuse(Reason::kValidationState, "an identity validation that is In Progress cannot be deleted");
    }
    act.note = "profiles made from it stop";
    return remove_validation(act.db, id);
  });
}

// As it stands by now: what was seen due may be done, or gone.
static Outcome<Nothing> settle_one(RowAct& act, const Uuid& id, UnixMs ends_before) {
  LATCHKEY_TRY(found, find_validation(act.db, id));
  if (!found) return Nothing{};
  if (const auto event = due_event(*found, act.now())) return apply(act, *found, *event, {});
  if (!found->completed() || found->reminded || found->expires > ends_before) return Nothing{};
  found->reminded = true;
  LATCHKEY_TRY_VOID(update(act.db, *found));
  act.note = "reminded of its end";
  return Validations::write_to(act.db, *found, "Identity validation ends soon",
                               "The identity validation " + text_of(found->uuid) + " of " + name_of(found->identity) +
                                   " ends within 60 days. Renew it, or signing stops.\n",
                               act.now());
}

Outcome<std::size_t> Validations::settle(const Call& call) {
  const UnixMs ends_before = call.now + kRenewalFromMs;
  LATCHKEY_TRY(near, rows_.looked<std::vector<Validation>>(
                         [&](Database& db) { return validations_in_time(db, call.now - kLinkLivesMs, ends_before); }));
  std::size_t done = 0;
  for (const auto& seen : near) {
    if (!due_event(seen, call.now) && (!seen.completed() || seen.reminded)) continue;
    LATCHKEY_TRY_VOID(rows_.attempt(call, "identityValidation.time", validation_path(seen.uuid),
                                    [&](RowAct& act) { return settle_one(act, seen.uuid, ends_before); }));
    ++done;
  }
  return done;
}

Outcome<std::vector<Mail>> Validations::waiting_mails(std::size_t limit) {
  return rows_.looked<std::vector<Mail>>([&](Database& db) { return signing::waiting_mails(db, limit); });
}

Outcome<Nothing> Validations::mail_delivered(std::int64_t number, UnixMs at) {
  return rows_.keep_rows([&](Database& db) { return signing::mail_delivered(db, number, at); });
}

}  // namespace latchkey::registry::signing
