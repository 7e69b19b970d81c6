// SPDX-License-Identifier: Apache-2.0
// Rows of sign operations: what was asked, by whom, and what came of it. They are the signing history, too, so an
// operation leaves no audit record beside its row; rows are never deleted.
//
// OperationRows runs them: threads any; what is written is durable when write() returns.
#pragma once

#include <string>
#include <vector>

#include "registry/operations/rows.h"

namespace latchkey::registry::signing {

// The numbers stand in rows: never renumber.
enum class OperationStatus : std::uint8_t { kInProgress = 1, kSucceeded = 2, kFailed = 3 };

struct Operation {
  std::uint64_t number = 0;  // from 1 on, in the order of acceptance
  Uuid id;                   // begins with the number; the rest is random
  Uuid account;
  Uuid profile;
  std::string account_name;
  std::string profile_name;
  std::string algorithm;
  Bytes digest;
  std::string actor;
  std::string source;
  UnixMs asked = 0;
  OperationStatus status = OperationStatus::kInProgress;
  Bytes certificate;  // serial of the one that signed
  Bytes signature;
  std::string error;  // why it failed
  UnixMs ended = 0;
};

// How an operation ended.
struct OperationEnd {
  std::uint64_t number = 0;
  OperationStatus status = OperationStatus::kFailed;
  Bytes certificate;
  Bytes signature;
  std::string error;
  UnixMs ended = 0;
};

class OperationRows {
 public:
  // The rows outlive it.
  explicit OperationRows(RowKeeper& rows) : rows_(rows) {}

  // Begins and ends, in one commit; one that both begins and ends in it is one row's write. What was signed with a
  // certificate that is revoked by then (or about to be) ends as failed, whatever it says: `ends` is changed to what
  // was stored.
  Outcome<Nothing> write(const std::vector<const Operation*>& begins, std::vector<OperationEnd>& ends);

  Outcome<std::optional<Operation>> find(std::uint64_t number);
  Outcome<std::uint64_t> newest();  // number; 0 when there is none
  // Begun and not ended, oldest first.
  Outcome<std::vector<Operation>> open();
  // Newest first, those with numbers below `before` (0: from the newest), at most 1,000. Walks past those of other
  // profiles.
  Outcome<std::vector<Operation>> history(const Uuid& profile, std::uint64_t before, std::size_t limit);
  // Signatures that the account's profiles made in a month: year * 12 + month, January is 0.
  Outcome<std::uint64_t> usage(const Uuid& account, std::int64_t month);

 private:
  RowKeeper& rows_;
};

// The month of a time, in UTC.
std::int64_t month_of(UnixMs at);

}  // namespace latchkey::registry::signing
