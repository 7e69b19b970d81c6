// SPDX-License-Identifier: Apache-2.0
// GET /healthz: whether devices should be sent here, for whoever stands before several nodes: 200 "ready", or 503 and
// why not. It says nothing that a device could not find out by coming.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "hub/app/base/endpoints.h"
#include "hub/http/server.h"

namespace latchkey::hub::app {

class Health {
 public:
  // `not_ready` answers why not, or nothing; it may be asked from several threads and must not block.
  static registry::Outcome<std::unique_ptr<Health>> listen(const Address& address,
                                                           std::function<std::string()> not_ready);
  const Address& address() const { return address_; }

 private:
  Health() = default;

  Address address_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace latchkey::hub::app
