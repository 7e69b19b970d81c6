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

  // The room that it works in, for others while no chain is at hand.
  MutableBytes room() { return bytes_; }

 private:
  Result<std::size_t> decode(const JsonString& text, MutableBytes out);
  // The chain, and behind it the text of the certificate that is being decoded.
  static constexpr std::size_t kMaxChain = 2 * kMaxCertificate;
  MutableBytes text_room() { return room().subview(kMaxChain, bytes_.size()); }

  std::array<std::uint8_t, kMaxChain + base64_size(kMaxCertificate)> bytes_{};
  std::array<ByteView, CertificateList::kMax> ders_{};
  std::size_t count_ = 0;
};

}  // namespace latchkey::agent
