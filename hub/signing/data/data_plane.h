// SPDX-License-Identifier: Apache-2.0
// The signing service's data plane (api-versions 2023-06-15-preview and 2022-06-15-preview), as requests and answers:
//
//   POST /codesigningaccounts/{a}/certificateprofiles/{p}:sign    also .../{p}/sign
//   GET  .../{p}/sign/{operationId}
//   GET  .../{p}/sign/eku
//   GET  .../{p}/sign/rootcert
//   GET  .../{p}/signTransactions                                 ours: the history of signatures
//
// Every request shows a bearer token. A profile that is not there, is in another region or is not the caller's to use
// is answered 403 in the same words, so that nobody learns which names exist.
//
// Threads: handle() from any.
#pragma once

#include "hub/http/message.h"
#include "hub/signing/data/gatekeeper.h"
#include "hub/signing/service/service.h"

namespace latchkey::hub::signing {

// The published description, and what live endpoints have been seen to answer: the operation's id as `operationId`,
// the result's members beside it, the certificates in base64 of base64, errors under `errorDetail`.
enum class Spelling : std::uint8_t { kPublished, kLive };

class DataPlane {
 public:
  struct Options {
    Spelling spelling = Spelling::kPublished;
    std::string region;            // code: profiles of other regions are not here; empty: all are
    std::string scheme = "https";  // of Operation-Location
  };
  // Both outlive it.
  DataPlane(Service& service, Gatekeeper& gatekeeper, Options options)
      : service_(service), gatekeeper_(gatekeeper), options_(std::move(options)) {}

  http::Response handle(const http::Request& request);

 private:
  // What a path names.
  struct Place {
    enum class What { kNothing, kSign, kOperation, kEku, kRootCertificate, kHistory };
    What what = What::kNothing;
    std::string account;
    std::string profile;
    std::string operation;
  };
  static Place place_of(const std::string& path);
  Answer<ProfileFacts> admit(const Gatekeeper::Caller& caller, const Place& place);
  http::Response answer_at(const http::Request& request, const Place& place, const Gatekeeper::Caller& caller);
  http::Response sign(const http::Request& request, const ProfileFacts& profile, const Gatekeeper::Caller& caller);
  http::Response operation(const ProfileFacts& profile, const std::string& id);
  http::Response ekus(const ProfileFacts& profile);
  http::Response root_certificate(const ProfileFacts& profile);
  http::Response history(const http::Request& request, const ProfileFacts& profile);
  http::Response refused(const registry::Refusal& refusal) const;

  Service& service_;
  Gatekeeper& gatekeeper_;
  const Options options_;
};

}  // namespace latchkey::hub::signing
