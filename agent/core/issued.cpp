// SPDX-License-Identifier: Apache-2.0
#include "agent/core/issued.h"

namespace latchkey::agent {
Result<std::size_t> IssuedChain::decode(const JsonString& text, MutableBytes out) {
  LATCHKEY_TRY(base64, text.unescape(base64_));
  return base64_decode(base64, out);
}

Result<crypto::LeafInfo> IssuedChain::accept(const CertificateList& list, const crypto::DeviceKey& key,
                                             std::string_view name) {
  count_ = 0;
  const MutableBytes room(bytes_.data(), bytes_.size());
  std::size_t used = 0;
  for (std::size_t i = 0; i < list.count; ++i) {
    LATCHKEY_TRY(size, decode(list.base64[i], room.subview(used, room.size())));
    ders_[count_++] = ByteView(room).subview(used, size);
    used += size;
  }
  if (count_ == 0) return fail(Status::kMalformed);
  return crypto::check_chain(ders_.data(), count_, key, name);
}

}  // namespace latchkey::agent
