// SPDX-License-Identifier: Apache-2.0
// OCSP over HTTP (RFC 6960 appendix A.1, RFC 5019 section 5): POST /ocsp with a request, GET /ocsp/{base64} with the
// same in the address. What it says is the Responder's.
//
// Threads: handle() from any.
#pragma once

#include <functional>
#include <string_view>

#include "hub/revocation/document.h"
#include "registry/model/resources.h"

namespace latchkey::hub::revocation {

struct OcspReply {
  registry::Bytes der;    // an OCSPResponse, errors included
  bool reusable = false;  // may be given to others up to next_update
  UnixMs this_update = 0;
  UnixMs next_update = 0;
};

// Implemented by hub/app with hub/ca.
class Responder {
 public:
  virtual ~Responder() = default;
  // `request`: whatever was sent; the answer to what is no request is an OCSP error too.
  virtual OcspReply answer(ByteView request) = 0;
};

class OcspFace {
 public:
  using Clock = std::function<UnixMs()>;
  // The responder outlives it. HTTP caches may keep an answer for that long.
  OcspFace(Responder& responder, Clock clock, int max_age_s)
      : responder_(responder), clock_(std::move(clock)), max_age_s_(max_age_s) {}

  static bool serves(std::string_view path);  // "/ocsp" and what is below
  http::Response handle(const http::Request& request);

 private:
  http::Response asked_by_get(const http::Request& request, std::string_view encoded);
  http::Response asked_by_post(const http::Request& request);

  Responder& responder_;
  const Clock clock_;
  const int max_age_s_;
};

}  // namespace latchkey::hub::revocation
