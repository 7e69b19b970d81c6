// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/base/digest_signer.h"

#include <algorithm>

namespace latchkey::hub::signing {

Outcome<PkeyContextPtr> DigestSigner::take(Algorithm algorithm) const {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(idle_, algorithm, &Ready::algorithm);
    if (found != idle_.end()) {
      auto context = std::move(found->context);
      *found = std::move(idle_.back());
      idle_.pop_back();
      return context;
    }
  }
  return signing_context(key_.get(), algorithm);
}

// A context that failed is not kept: whatever it was, the next one begins anew.
Outcome<Bytes> DigestSigner::sign(Algorithm algorithm, ByteView digest) const {
  LATCHKEY_TRY(context, take(algorithm));
  auto signature = sign_digest(context.get(), algorithm, digest);
  if (signature) {
    const std::lock_guard lock(mutex_);
    idle_.push_back({algorithm, std::move(context)});
  }
  return signature;
}

}  // namespace latchkey::hub::signing
