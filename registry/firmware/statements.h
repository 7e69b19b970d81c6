// SPDX-License-Identifier: Apache-2.0
// Statements as they were made: what a hub told its devices about firmware, version by version. None is ever taken off.
// Versions go on where they were after a rehearsal went back to a snapshot: devices refuse what does not rise. Threads:
// any.
#pragma once

#include "registry/firmware/model.h"
#include "registry/operations/rows.h"

namespace latchkey::registry::firmware {

class StatementRows {
 public:
  // The rows outlive it.
  explicit StatementRows(RowKeeper& rows) : rows_(rows) {}

  Outcome<std::optional<Statement>> newest(StatementKind kind);
  // That the next one has.
  Outcome<std::uint64_t> next_version(StatementKind kind);
  // kAlreadyExists: another node has given that version meanwhile. kPreconditionFailed: nor is it the next one.
  Outcome<Nothing> add(const Call& call, const Statement& statement);

 private:
  RowKeeper& rows_;
};

std::string_view to_string(StatementKind kind);  // "pins", "revocations"

}  // namespace latchkey::registry::firmware
