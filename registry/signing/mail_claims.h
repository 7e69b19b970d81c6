// SPDX-License-Identifier: Apache-2.0
// Who of several hub nodes tells an e-mail, so that no two do.
//
// Threads: any; changes block until they are durable.
#pragma once

#include <cstdint>
#include <string>

#include "registry/operations/rows.h"

namespace latchkey::registry::signing {

class MailClaims {
 public:
  // The rows outlive it.
  explicit MailClaims(RowKeeper& rows) : rows_(rows) {}

  // Who tells it from now on: `ours` if nobody did before, or `over`. Empty: it was told. kStorage.
  Outcome<std::string> claim(std::int64_t mail, const std::string& ours, const std::string& over);

 private:
  RowKeeper& rows_;
};

}  // namespace latchkey::registry::signing
