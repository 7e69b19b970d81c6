// SPDX-License-Identifier: Apache-2.0
// Signed revocation lists as rows, for hub nodes: one of them signs, all of them serve. Of lists that two nodes sign
// for one path, as may happen while one does not know yet that it is no longer the one who does, that with the greater
// number stays. Snapshots, restores and resets leave them alone.
//
// Threads: as the registry's.
#pragma once

#include "registry/operations/rows.h"

namespace latchkey::registry {

struct StatusList {
  std::string path;          // below the folder of lists
  std::int64_t version = 0;  // another, greater one with each list that is put, whatever its path
  Bytes list;
};

class StatusLists {
 public:
  // The rows outlive it.
  explicit StatusLists(RowKeeper& rows) : rows_(rows) {}

  // Answers its version. kPreconditionFailed: there is one of that path with that number, or a greater one. kStorage.
  Outcome<std::int64_t> put(const std::string& path, std::uint64_t number, const Bytes& list);
  // The first of those behind a version that are there still. kStorage.
  Outcome<std::optional<StatusList>> next(std::int64_t version);

 private:
  RowKeeper& rows_;
};

}  // namespace latchkey::registry
