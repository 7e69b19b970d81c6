// SPDX-License-Identifier: Apache-2.0
#include "platform/crypto/digest.h"

#include <psa/crypto.h>

#include <new>

namespace latchkey::crypto {
namespace {

psa_algorithm_t psa_hash(Hash hash) {
  switch (hash) {
    case Hash::kSha256: return PSA_ALG_SHA_256;
    case Hash::kSha384: return PSA_ALG_SHA_384;
    default: return PSA_ALG_SHA_512;
  }
}

psa_hash_operation_t* operation(void* state) { return static_cast<psa_hash_operation_t*>(state); }

}  // namespace

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

HashStream::HashStream() {
  static_assert(sizeof(psa_hash_operation_t) <= kStateSize && alignof(psa_hash_operation_t) <= alignof(std::uint64_t));
  new (state_.data()) psa_hash_operation_t(psa_hash_operation_init());
}

HashStream::~HashStream() { psa_hash_abort(operation(state_.data())); }

Result<void> HashStream::start(Hash hash) {
  psa_hash_abort(operation(state_.data()));
  const psa_status_t begun = psa_hash_setup(operation(state_.data()), psa_hash(hash));
  if (begun == PSA_ERROR_NOT_SUPPORTED) return fail(Status::kUnsupported);
  if (begun != PSA_SUCCESS) return fail(Status::kInternal);
  return {};
}

Result<void> HashStream::add(ByteView data) {
  if (data.empty()) return {};
  if (psa_hash_update(operation(state_.data()), data.data(), data.size()) != PSA_SUCCESS) {
    return fail(Status::kInternal);
  }
  return {};
}

Result<void> HashStream::finish(HashValue& out) {
  if (psa_hash_finish(operation(state_.data()), out.bytes.data(), out.bytes.size(), &out.size) != PSA_SUCCESS) {
    return fail(Status::kInternal);
  }
  return {};
}

Result<void> hash_of(Hash hash, const ByteView* parts, std::size_t count, HashValue& out) {
  HashStream stream;
  LATCHKEY_TRY_VOID(stream.start(hash));
  for (std::size_t i = 0; i < count; ++i) LATCHKEY_TRY_VOID(stream.add(parts[i]));
  return stream.finish(out);
}

}  // namespace latchkey::crypto
