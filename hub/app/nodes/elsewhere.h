// SPDX-License-Identifier: Apache-2.0
// Who is connected at other nodes, by the claims of sessions in the registry (registry/cluster/claims.h): true a moment
// after a session begins or ends. Of a node that is silent it is what it said last, until it is set to lost.
//
// Whoever cannot be asked about, as the registry cannot be read, is not connected.
//
// Threads: any.
#pragma once

#include <string>
#include <vector>

#include "registry/operations/rows.h"

namespace latchkey::hub::app {

class Elsewhere {
 public:
  // `own`: this node's name. The rows outlive it.
  Elsewhere(registry::RowKeeper& rows, std::string own) : rows_(rows), own_(std::move(own)) {}

  bool connected(const std::string& hub, const std::string& device) const;
  std::vector<std::string> connected(const std::string& hub) const;

 private:
  registry::RowKeeper& rows_;
  const std::string own_;
};

}  // namespace latchkey::hub::app
