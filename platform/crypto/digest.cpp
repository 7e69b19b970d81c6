// SPDX-License-Identifier: Apache-2.0
#include "platform/crypto/digest.h"

#include <psa/crypto.h>

namespace latchkey::crypto {

Result<void> sha256(ByteView data, Sha256& out) {
  std::size_t size = 0;
  if (psa_hash_compute(PSA_ALG_SHA_256, data.data(), data.size(), out.data(), out.size(), &size) != PSA_SUCCESS) {
    return fail(Status::kInternal);
  }
  return {};
}

Result<void> hmac_sha256(ByteView key, ByteView data, Sha256& out) {
  if (key.empty()) return fail(Status::kInvalidArgument);
  const psa_algorithm_t algorithm = PSA_ALG_HMAC(PSA_ALG_SHA_256);
  psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
  psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
  psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE);
  psa_set_key_algorithm(&attributes, algorithm);

  psa_key_id_t id = PSA_KEY_ID_NULL;
  if (psa_import_key(&attributes, key.data(), key.size(), &id) != PSA_SUCCESS) return fail(Status::kInternal);
  std::size_t size = 0;
  const psa_status_t computed = psa_mac_compute(id, algorithm, data.data(), data.size(), out.data(), out.size(), &size);
  psa_destroy_key(id);
  if (computed != PSA_SUCCESS) return fail(Status::kInternal);
  return {};
}

}  // namespace latchkey::crypto
