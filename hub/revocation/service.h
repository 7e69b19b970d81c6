// SPDX-License-Identifier: Apache-2.0
// Service: what stands behind the addresses in certificates, for relying parties that know nothing of the hub:
// revocation lists, CA certificates and OCSP (RFC 5280 sections 4.2.1.13 and 4.2.2.1, RFC 6960 appendix A.1, RFC 5019
// section 5).
//
//   GET  /crl/{ca uuid}.crl     the CA's list, DER
//   GET  /crl/{ca uuid}/8/3.crl one of eight shards of it, DER: the fourth
//   GET  /crl/all.pem           every list that a certificate may still be accepted by, PEM, for a verifier's CRL file
//   GET  /ca/{ca uuid}.cer      the CA's certificate, DER
//   POST /ocsp                  an OCSP request
//   GET  /ocsp/{base64}         the same in the address
//
// All of it is public, so nobody is asked who he is; HEAD answers as GET. An HTTP cache may keep an answer for
// Options::max_age_s, which therefore bounds how late a revocation is seen.
//
// Threads: handle() may be called from any thread.
#pragma once

#include <functional>
#include <string>

#include "hub/http/message.h"
#include "hub/revocation/list_folder.h"
#include "hub/revocation/ocsp_face.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::revocation {

class Service {
 public:
  struct Options {
    int max_age_s = 1;
  };
  using Clock = std::function<UnixMs()>;

  // Registry, lists and responder outlive this object.
  Service(registry::Registry& registry, ListFolder& lists, Responder& responder, Clock clock, Options options)
      : registry_(registry),
        lists_(lists),
        clock_(std::move(clock)),
        options_(options),
        ocsp_(responder, clock_, options.max_age_s) {}

  http::Response handle(const http::Request& request);

 private:
  http::Response list(const http::Request& request, const std::string& name);
  http::Response all_lists(const http::Request& request);
  http::Response certificate(const http::Request& request, const std::string& name);
  http::Response told(const http::Request& request, Document document) const;

  registry::Registry& registry_;
  ListFolder& lists_;
  const Clock clock_;
  const Options options_;
  OcspFace ocsp_;
};

}  // namespace latchkey::hub::revocation
