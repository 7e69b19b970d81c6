// SPDX-License-Identifier: Apache-2.0
// What anybody may have of the signing service, over plain HTTP: timestamps (RFC 3161 section 3.4), revocation lists
// and CA certificates (RFC 5280 sections 4.2.1.13 and 4.2.2.1).
//
//   POST /            and /timestamp: application/timestamp-query in, application/timestamp-reply out
//   GET  /crl/{authority uuid}.crl
//   GET  /ca/{authority uuid}.cer
//
// Threads: handle() from any.
#pragma once

#include "hub/http/message.h"
#include "hub/signing/service/service.h"

namespace latchkey::hub::signing {

class PublicFace {
 public:
  // The service outlives it.
  explicit PublicFace(Service& service) : service_(service) {}

  http::Response handle(const http::Request& request);

 private:
  http::Response timestamp(const http::Request& request) const;
  http::Response list(const Uuid& authority);
  http::Response certificate(const Uuid& authority);

  Service& service_;
};

}  // namespace latchkey::hub::signing
