// SPDX-License-Identifier: Apache-2.0
#include "agent/core/issued.h"

namespace latchkey::agent {

Result<std::size_t> IssuedChain::decode(const JsonString& text, MutableBytes out) {
  LATCHKEY_TRY(base64, text.unescape(text_room()));
  return base64_decode(base64, out);
}

Result<crypto::LeafInfo> IssuedChain::accept(const CertificateList& list, const crypto::DeviceKey& key,
                                             std::string_view name) {
  count_ = 0;
  const MutableBytes chain = room().subview(0, kMaxChain);
  std::size_t used = 0;
  for (std::size_t i = 0; i < list.count; ++i) {
    LATCHKEY_TRY(size, decode(list.base64[i], chain.subview(used, chain.size())));
    ders_[count_++] = ByteView(chain).subview(used, size);
    used += size;
  }
  if (count_ == 0) return fail(Status::kMalformed);
  return crypto::check_chain(ders_.data(), count_, key, name);
}

}  // namespace latchkey::agent
