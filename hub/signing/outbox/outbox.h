// SPDX-License-Identifier: Apache-2.0
// The e-mails about identity validations and revocations: what waits in the registry goes to a mail server if there is
// one, else into a maildir (https://cr.yp.to/proto/maildir.html), a file in `new` each, which any mail reader can open.
// The registry writes an e-mail in the transaction that it tells of, so none is lost and none tells of what did not
// happen; one that was told when the process died is told again, under the same name and Message-ID.
//
// A server that cannot be reached is asked again after a second, then after twice as long each time, up to ten minutes;
// meanwhile e-mails wait in the registry. What it refuses for good, and what has waited for four days (RFC 5321 section
// 4.5.4.1), goes into the maildir.
//
// Of several hub nodes each e-mail is told by the one that claims it in the registry first. A claim that another node
// made and that has stood for longer than an e-mail takes to be told (kClaimStandsMs) is the next one's: that node died
// or was cut off, and whether it had told this one nobody knows. It goes out then, once more at the most, under the
// same Message-ID.
//
// Threads: one at a time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "hub/signing/outbox/smtp_server.h"
#include "registry/signing/mail_claims.h"
#include "registry/signing/validations.h"

namespace latchkey::hub::signing {

class Outbox {
 public:
  static constexpr UnixMs kGiveUpMs = 4LL * 24 * 60 * 60 * 1000;  // by the hub's clock
  static constexpr std::int64_t kPauseMostMs = 10 * 60 * 1000;    // by real time
  static constexpr std::int64_t kClaimStandsMs = 90 * 1000;       // by real time

  struct Options {
    std::filesystem::path folder;                     // the maildir; made where there is none: 0700, its files 0600
    SmtpServer* server = nullptr;                     // outlives the outbox; null: all go into the maildir
    std::function<std::int64_t()> monotonic_ms = {};  // empty: real time
    // Of several nodes: whose claims count, outliving the outbox, and who this is; an empty answer is nobody, who tells
    // nothing. Null: there are no others.
    registry::signing::MailClaims* claims = nullptr;
    std::function<std::string()> claimant = {};
  };
  // kStorage.
  static registry::Outcome<Outbox> open(registry::signing::Validations validations, Options options);

  // Tells what waits, oldest first, a hundred at the most (twenty to a server). Answers how many. kStorage: the rest
  // waits on. kPreconditionFailed: the server was not reached, and the rest waits on. kInvalidArgument: it refused some
  // for good, and the others were told.
  registry::Outcome<std::size_t> send(UnixMs now);

 private:
  Outbox(registry::signing::Validations validations, Options options)
      : validations_(validations), options_(std::move(options)) {}
  struct Claim {
    std::string of;
    std::int64_t since_ms = 0;  // seen first
  };
  registry::Outcome<bool> claim(const registry::signing::Mail& mail);
  void forget_claims(const std::vector<registry::signing::Mail>& waiting);
  registry::Outcome<registry::Nothing> put(const registry::signing::Mail& mail, UnixMs now);
  registry::Outcome<std::size_t> send_by_server(const std::vector<registry::signing::Mail>& waiting, UnixMs now);
  registry::Outcome<registry::Nothing> put_off(const std::vector<registry::signing::Mail>& waiting, std::size_t from,
                                               UnixMs now, const std::string& why);

  registry::signing::Validations validations_;
  Options options_;
  std::int64_t pause_ms_ = 0;  // until the server is asked again after the next failure; 0: it answered last
  std::int64_t next_try_ms_ = 0;
  std::map<std::int64_t, Claim> claims_;  // of others, by the e-mail's number
};

}  // namespace latchkey::hub::signing
