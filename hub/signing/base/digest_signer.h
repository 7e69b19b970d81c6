// SPDX-License-Identifier: Apache-2.0
// A key that signs one digest after the other. To set OpenSSL up for a key and an algorithm costs a fifth of what a
// P-256 signature does; here it is done once for each algorithm and thread, and kept.
//
// Threads: any.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "hub/signing/base/algorithm.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::signing {

class DigestSigner {
 public:
  explicit DigestSigner(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {}

  // As sign_digest().
  Outcome<Bytes> sign(Algorithm algorithm, ByteView digest) const;

 private:
  struct Ready {
    Algorithm algorithm = Algorithm::kRs256;
    PkeyContextPtr context;
  };
  Outcome<PkeyContextPtr> take(Algorithm algorithm) const;

  const std::shared_ptr<EVP_PKEY> key_;
  mutable std::mutex mutex_;
  mutable std::vector<Ready> idle_;  // guarded by mutex_
};

}  // namespace latchkey::hub::signing
