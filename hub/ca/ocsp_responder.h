// SPDX-License-Identifier: Apache-2.0
// OcspResponder: answers OCSP requests (RFC 6960) out of the registry, for everybody but the hub, which asks the
// registry itself. One for all CAs of a data folder, and one for the signing service's (ocsp_source.h).
//
// A question is answered `unknown` when its serial was never issued, `revoked` with time and reason when its row, its
// device's identity or its issuing CA says so, else `good`. All questions of one request have to name one CA: the
// answer bears one signature, by that CA's delegate (ocsp_credentials.h).
//
// Errors instead of an answer: malformedRequest (ocsp_request.h), unauthorized (not a CA of ours, several of them, one
// that has expired or can sign no more), tryLater (the registry does not answer now), internalError.
//
// Threads: answer() may be called from any thread. It blocks for reads of the registry and a signature.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <shared_mutex>

#include "hub/ca/ocsp_cache.h"
#include "hub/ca/ocsp_credentials.h"
#include "hub/ca/ocsp_request.h"
#include "hub/ca/ocsp_source.h"

namespace latchkey::hub::ca {

class OcspResponder {
 public:
  struct Options {
    UnixMs validity_ms = 60 * 60 * 1000;  // nextUpdate after thisUpdate; never beyond the signer's end
    std::size_t cache_limit = 4096;       // answers that are kept, each of one to four questions
  };
  using Clock = std::function<UnixMs()>;

  // Registry and credentials outlive this object.
  OcspResponder(registry::Registry& registry, OcspCredentials& credentials, Clock clock, Options options)
      : OcspResponder(registry_ocsp_source(registry), credentials, std::move(clock), options) {}
  OcspResponder(std::unique_ptr<OcspSource> source, OcspCredentials& credentials, Clock clock, Options options)
      : source_(std::move(source)),
        credentials_(credentials),
        clock_(std::move(clock)),
        options_(options),
        cache_(options.cache_limit) {}

  // `request` is the DER of an OCSPRequest, whatever its size.
  OcspAnswer answer(ByteView request);

 private:
  registry::Outcome<OcspAnswer> signed_answer(const OcspRequest& request, UnixMs now);
  registry::Outcome<Uuid> ca_of(const IssuerHash& issuer);
  registry::Outcome<void> learn_cas();

  const std::unique_ptr<OcspSource> source_;
  OcspCredentials& credentials_;
  const Clock clock_;
  const Options options_;
  OcspCache cache_;
  std::shared_mutex mutex_;
  std::map<IssuerHash, Uuid> cas_;  // guarded by mutex_, as is the next; a CA that is gone stays, and has no standing
  std::set<Uuid> learned_;
};

}  // namespace latchkey::hub::ca
