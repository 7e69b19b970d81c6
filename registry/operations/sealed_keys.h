// SPDX-License-Identifier: Apache-2.0
// Sealed private keys as rows, for hub nodes that share nothing but the registry. The registry never has the key that
// opens them (hub/ca/sealing.h), and looks into none. Snapshots, restores and resets leave them alone.
//
// Threads: as the registry's.
#pragma once

#include "registry/operations/rows.h"

namespace latchkey::registry {

struct SealedKeyRow {
  std::string key_ref;
  Bytes sealed;
  UnixMs made = 0;
};

class SealedKeyRows {
 public:
  // The rows outlive it.
  explicit SealedKeyRows(RowKeeper& rows) : rows_(rows) {}

  // kAlreadyExists, kStorage.
  Outcome<Nothing> put(const SealedKeyRow& row);
  // kNotFound, kStorage.
  Outcome<Bytes> get(const std::string& key_ref);
  // Only if `before` stands there. kNotFound, kPreconditionFailed, kStorage.
  Outcome<Nothing> replace(const std::string& key_ref, const Bytes& before, const Bytes& after);
  // One that is not there is success. kStorage.
  Outcome<Nothing> erase(const std::string& key_ref);
  // In the order of their references, `sealed` left out. kStorage.
  Outcome<std::vector<SealedKeyRow>> list();

 private:
  RowKeeper& rows_;
};

}  // namespace latchkey::registry
