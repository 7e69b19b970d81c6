// SPDX-License-Identifier: Apache-2.0
// The e-mails about identity validations, as a maildir (https://cr.yp.to/proto/maildir.html): what waits in the
// registry becomes a file in `new`, which any mail reader can open. The registry writes an e-mail in the transaction
// that it tells of, so none is lost and none tells of what did not happen; one that was written when the process died
// is written again, under the same name.
//
// Threads: one at a time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "registry/signing/validations.h"

namespace latchkey::hub::signing {

class Outbox {
 public:
  // Makes the maildir where there is none: 0700, its files 0600. kStorage.
  static registry::Outcome<Outbox> open(registry::signing::Validations validations, std::filesystem::path folder);

  // Writes what waits, up to a hundred, oldest first. Answers how many. kStorage: the rest waits on.
  registry::Outcome<std::size_t> send(UnixMs now);

  // RFC 5322, with a subject in plain ASCII or as RFC 2047 has it.
  static std::string text_of(const registry::signing::Mail& mail);
  // The same for the same e-mail.
  static std::string name_of(const registry::signing::Mail& mail);

 private:
  Outbox(registry::signing::Validations validations, std::filesystem::path folder)
      : validations_(validations), folder_(std::move(folder)) {}
  registry::signing::Validations validations_;
  std::filesystem::path folder_;
};

}  // namespace latchkey::hub::signing
