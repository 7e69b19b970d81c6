// SPDX-License-Identifier: Apache-2.0
// Identity validations: requests, what verifiers and time make of them, and the e-mails that tell of it. The states are
// validation_machine.h's. There is no verifier offline: decide() is how somebody plays one.
//
// Threads: any; changes block until they are durable. Every attempt at a change is audited, and so is what time brings.
//
// Invariants:
//  1. Nothing that was asked for is ever changed: whoever wants something else makes another request.
//  2. What time has brought about by the call's moment is done before the call is.
//  3. A change of status and the e-mails about it are one transaction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "registry/operations/rows.h"
#include "registry/signing/documents.h"
#include "registry/signing/model.h"
#include "registry/signing/validation_machine.h"

namespace latchkey::registry::signing {

// What is presented by an individual: a government's document, by an account of exactly that address.
struct Proof {
  std::string account_email;
  Document document;
};

class Validations {
 public:
  explicit Validations(RowKeeper& rows) : rows_(rows) {}

  // In Progress, and the link to verify the primary e-mail is sent. Refusals of identity_form.h; kParentNotFound (the
  // account), kAccountSuspended.
  Outcome<Validation> create(const Call& call, const Where& where, const std::string& account, Identity wanted,
                             bool terms_accepted);
  // Whether it would be taken, and as what; changes nothing.
  Outcome<Identity> preview(const std::string& subscription, const Identity& wanted, bool terms_accepted, UnixMs now);

  // As of `now`, whoever has noticed. kNotFound: none in the subscription; with `account`, none that was made in it.
  struct Wanted {
    std::string subscription;
    std::optional<Where> where = {};  // with `account`: its group
    std::string account = {};         // empty: any
  };
  Outcome<Validation> find(const Wanted& where, const Uuid& id, UnixMs now);
  Outcome<std::vector<Validation>> list(const Wanted& where, UnixMs now);

  // The verifier, and whoever reads the e-mails: kEmailVerified, kEmailFailed, kMoreNeeded, kAccepted, kRefused.
  // Others: kInvalidArgument. `why` is told to whoever asked. kValidationState: not in this state; kAccepted also
  // before the e-mail is verified.
  Outcome<Validation> decide(const Call& call, const Wanted& where, const Uuid& id, ValidationEvent event,
                             const std::string& why);
  // One submission of an organization's documents, all of which have to be good (documents.h). kValidationState: also
  // when there were three.
  Outcome<Validation> submit(const Call& call, const Wanted& where, const Uuid& id,
                             const std::vector<Document>& documents);
  // An individual's. kInvalidArgument when the account's address is not exactly the primary one.
  Outcome<Validation> present(const Call& call, const Wanted& where, const Uuid& id, const Proof& proof);
  // From 60 days before its end. kValidationState.
  Outcome<Validation> renew(const Call& call, const Wanted& where, const Uuid& id);
  // For good; profiles that were made from it stop. kValidationState while it is In Progress.
  Outcome<Nothing> remove(const Call& call, const Wanted& where, const Uuid& id);

  // Does what time has brought about by the call's moment, and reminds of what ends within 60 days. Answers how many.
  Outcome<std::size_t> settle(const Call& call);

  // A word to the addresses of a validation, such as that a certificate was revoked. Within the caller's own rule.
  static Outcome<Nothing> write_to(store::Database& db, const Validation& validation, const std::string& subject,
                                   const std::string& body, UnixMs now);
  Outcome<std::vector<Mail>> waiting_mails(std::size_t limit);  // oldest first
  Outcome<Nothing> mail_delivered(std::int64_t number, UnixMs at);

 private:
  Outcome<Validation> move(const Call& call, const Wanted& where, const Uuid& id, ValidationEvent event,
                           const std::function<Outcome<Nothing>(RowAct&, Validation&)>& check);
  RowKeeper& rows_;
};

}  // namespace latchkey::registry::signing
