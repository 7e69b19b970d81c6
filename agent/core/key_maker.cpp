// SPDX-License-Identifier: Apache-2.0
#include "agent/core/key_maker.h"

namespace latchkey::agent {

Result<void> FreshKeyMaker::make(crypto::Curve curve, std::string_view common_name, MadeKey& out) {
  out.csr_size = 0;
  LATCHKEY_TRY_VOID(crypto::generate_key(curve, out.key));
  auto size = crypto::make_csr(out.key, common_name, MutableBytes(out.csr.data(), out.csr.size()));
  if (!size) {
    out.key.clear();
    return fail(size.error());
  }
  out.csr_size = *size;
  return {};
}

}  // namespace latchkey::agent
