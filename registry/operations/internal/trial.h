// SPDX-License-Identifier: Apache-2.0
// A rule that is run to see what it does, and taken back: both functions look at the database within the transaction
// that never commits, before the rule and, if it did not refuse, behind it. On the writer's thread: quick.
#pragma once

#include <functional>

#include "registry/store/sql.h"

namespace latchkey::registry {

struct Trial {
  std::function<Outcome<Nothing>(store::Database&)> before;
  std::function<Outcome<Nothing>(store::Database&)> after;
};

}  // namespace latchkey::registry
