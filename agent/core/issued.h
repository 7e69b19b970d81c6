// SPDX-License-Identifier: Apache-2.0
// Certificates that an answer brought: decoded, judged against the key and the name that they were asked for.
// One thread; nothing allocates but mbedTLS while it parses.
#pragma once

#include "agent/core/event.h"
#include "agent/core/record.h"
#include "agent/protocol/certificate_list.h"
#include "platform/crypto/certificate.h"

namespace latchkey::agent {

class IssuedChain {
 public:
  // Views into this object until the next call. kMalformed: not base64 or no certificates; kTooLarge; kMismatch: for
  // another key or name; kNotTrusted: a link of the chain is broken. Validity is not judged: whoever issues is whom it
  // will be shown to, and says by it what time it is (time_bound.h).
  Result<crypto::LeafInfo> accept(const CertificateList& list, const crypto::DeviceKey& key, std::string_view name);

  const ByteView* ders() const { return ders_.data(); }
  // Without the root: whoever is shown this chain has that, or must not believe it.
  std::size_t count_to_show() const { return count_ > 2 ? 2 : count_; }

 private:
  Result<std::size_t> decode(const JsonString& text, MutableBytes out);

  std::array<std::uint8_t, 2 * kMaxCertificate> bytes_{};
  std::array<std::uint8_t, base64_size(kMaxCertificate)> base64_{};
  std::array<ByteView, CertificateList::kMax> ders_{};
  std::size_t count_ = 0;
};

}  // namespace latchkey::agent
