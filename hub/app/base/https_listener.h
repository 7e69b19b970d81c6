// SPDX-License-Identifier: Apache-2.0
// The management API over HTTPS, for whoever shows a token: where it listens, and that it is there again at the next
// start.
#pragma once

#include <memory>

#include "hub/app/base/endpoints.h"
#include "hub/brokers/server_certificate.h"
#include "hub/management/authenticator.h"
#include "hub/management/server.h"

namespace latchkey::hub::app {

class HttpsListener {
 public:
  // Port 0 becomes the port that was used last if nobody else has it, else one that is free.
  static registry::Outcome<Address> choose(registry::Registry& registry, Address wanted);
  // Serves when it returns, with the brokers' own certificate. The registry and the clock outlive it, and `handle` can
  // be called until it is gone. Refusals as of management::Server::start_tls.
  static registry::Outcome<std::unique_ptr<HttpsListener>> start(const Address& address,
                                                                 const brokers::ServerCertificateFiles& certificate,
                                                                 registry::Registry& registry,
                                                                 const ports::Clock& clock,
                                                                 management::Server::Handle handle);

 private:
  HttpsListener(registry::Registry& registry, const ports::Clock& clock) : authenticator_(registry, clock) {}

  management::Authenticator authenticator_;
  std::unique_ptr<management::Server> server_;  // goes first
};

}  // namespace latchkey::hub::app
