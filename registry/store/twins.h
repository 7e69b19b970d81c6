// SPDX-License-Identifier: Apache-2.0
// Rows of twins. A device without a row has the twin that it was born with.
#pragma once

#include "registry/store/sql.h"

namespace latchkey::registry::store {

struct TwinRow {
  Uuid device;
  std::string tags;
  std::string desired;
  std::string reported;
  std::uint64_t revision = 1;
  std::uint64_t desired_version = 1;
  std::uint64_t reported_version = 1;
  std::uint64_t version = 1;
  UnixMs updated = 0;
};

Outcome<Nothing> put(Database& database, const TwinRow& row);
Outcome<std::optional<TwinRow>> find_twin(Database& database, const Uuid& device);
Outcome<Nothing> remove_twin(Database& database, const Uuid& device);

}  // namespace latchkey::registry::store
