// SPDX-License-Identifier: Apache-2.0
#define OPENSSL_SUPPRESS_DEPRECATED  // ENGINEs are; see the header for why one
#include "platform/openssl/quick_ec_keys.h"

#include <openssl/opensslv.h>

#if OPENSSL_VERSION_NUMBER < 0x30200000L && !defined(OPENSSL_NO_ENGINE)
#define LATCHKEY_QUICK_EC_KEYS
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#endif

namespace latchkey::openssl {

#ifdef LATCHKEY_QUICK_EC_KEYS
namespace {

// OpenSSL's question to an ENGINE: without `method`, which kinds of keys; otherwise the method for that kind.
int methods(ENGINE*, EVP_PKEY_METHOD** method, const int** kinds, int kind) {
  static const int kEc = EVP_PKEY_EC;
  if (method == nullptr) {
    *kinds = &kEc;
    return 1;
  }
  *method = kind == kEc ? const_cast<EVP_PKEY_METHOD*>(EVP_PKEY_meth_find(kEc)) : nullptr;
  return *method != nullptr ? 1 : 0;
}

}  // namespace

Result<void> QuickEcKeys::begin() {
  if (active()) return {};
  ENGINE* engine = ENGINE_new();
  const bool registered = engine != nullptr && ENGINE_set_id(engine, "latchkey-ec") == 1 &&
                          ENGINE_set_name(engine, "OpenSSL's own EC keys") == 1 &&
                          ENGINE_set_pkey_meths(engine, methods) == 1 && ENGINE_register_pkey_meths(engine) == 1;
  if (!registered) {
    ENGINE_free(engine);
    ERR_clear_error();
    return fail(Status::kInternal);
  }
  engine_ = engine;
  return {};
}

void QuickEcKeys::end() {
  if (!active()) return;
  auto* const engine = static_cast<ENGINE*>(engine_);
  ENGINE_unregister_pkey_meths(engine);
  ENGINE_free(engine);
  engine_ = nullptr;
}
#else
Result<void> QuickEcKeys::begin() { return {}; }
void QuickEcKeys::end() {}
#endif

}  // namespace latchkey::openssl
