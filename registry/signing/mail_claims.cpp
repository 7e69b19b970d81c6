// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/mail_claims.h"

namespace latchkey::registry::signing {

using store::Database;
using store::Query;

Outcome<std::string> MailClaims::claim(std::int64_t mail, const std::string& ours, const std::string& over) {
  std::string holder;
  LATCHKEY_TRY(kept, rows_.keep_rows([&](Database& db) -> Outcome<Nothing> {
    LATCHKEY_TRY_VOID(db.query("UPDATE signing_mails SET claim = $1 WHERE number = $2 AND delivered = 0 AND "
                               "(claim = '' OR claim = $3)",
                               ours, mail, over)
                          .run());
    LATCHKEY_TRY(found, db.query("SELECT claim FROM signing_mails WHERE number = $1 AND delivered = 0", mail)
                            .first([](const Query& row) { return row.text(0); }));
    holder = std::move(found).value_or("");
    return Nothing{};
  }));
  static_cast<void>(kept);
  return holder;
}

}  // namespace latchkey::registry::signing
