// SPDX-License-Identifier: Apache-2.0
#define OPENSSL_SUPPRESS_DEPRECATED  // see the header for why these
#include "hub/ca/internal/token_key.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include <algorithm>

namespace latchkey::hub::ca::internal {
namespace {

using openssl::Owner;
using registry::Bytes;

// What hangs on OpenSSL's key.
struct Holder {
  std::shared_ptr<Pkcs11Token> token;
  Pkcs11Token::Id id;
};

void free_holder(void*, void* holder, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Holder*>(holder); }

int copy_holder(CRYPTO_EX_DATA*, const CRYPTO_EX_DATA*, void** holder, int, long, void*) {
  if (*holder != nullptr) *holder = new Holder(**reinterpret_cast<Holder**>(holder));
  return 1;
}

int ec_index() {
  static const int index =
      CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_EC_KEY, 0, nullptr, nullptr, copy_holder, free_holder);
  return index;
}

int rsa_index() {
  static const int index = CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_RSA, 0, nullptr, nullptr, copy_holder, free_holder);
  return index;
}

// Into the thread's error queue, from where take_error() brings it to whoever wanted a signature. What stands there is
// of OpenSSL's own attempts to find a provider for the key.
template <class Key>
Bytes signature_by(const Holder* holder, const Key&, CK_MECHANISM_TYPE mechanism, ByteView data) {
  if (holder == nullptr) return {};
  auto signature = holder->token->sign(holder->id, mechanism, data);
  if (signature) return std::move(*signature);
  ERR_clear_error();
  ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "%s", signature.error().detail.c_str());
  return {};
}

// CKM_ECDSA takes what the curve's order has room for (FIPS 186-5 section 6.4.1) and gives two integers side by side.
ECDSA_SIG* sign_ec(const unsigned char* digest, int size, const BIGNUM*, const BIGNUM*, EC_KEY* key) {
  const auto* const holder = static_cast<const Holder*>(EC_KEY_get_ex_data(key, ec_index()));
  const auto order = static_cast<std::size_t>((EC_GROUP_order_bits(EC_KEY_get0_group(key)) + 7) / 8);
  const ByteView data(digest, std::min(static_cast<std::size_t>(size), order));
  const Bytes both = signature_by(holder, key, CKM_ECDSA, data);
  if (both.empty() || both.size() % 2 != 0 || both.size() > 2 * order) return nullptr;
  const auto half = static_cast<int>(both.size() / 2);
  openssl::BignumPtr r(BN_bin2bn(both.data(), half, nullptr));
  openssl::BignumPtr s(BN_bin2bn(both.data() + half, half, nullptr));
  Owner<ECDSA_SIG, ECDSA_SIG_free> signature(ECDSA_SIG_new());
  if (!r || !s || !signature || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) return nullptr;
  static_cast<void>(r.release());  // the signature's now
  static_cast<void>(s.release());
  return signature.release();
}

// PKCS #1 1.5 pads on the token; PSS comes padded, by OpenSSL.
int sign_rsa(int size, const unsigned char* from, unsigned char* to, RSA* key, int padding) {
  const auto* const holder = static_cast<const Holder*>(RSA_get_ex_data(key, rsa_index()));
  if (padding != RSA_PKCS1_PADDING && padding != RSA_NO_PADDING) return -1;
  const auto mechanism = padding == RSA_PKCS1_PADDING ? CKM_RSA_PKCS : CKM_RSA_X_509;
  const Bytes signature = signature_by(holder, key, mechanism, {from, static_cast<std::size_t>(size)});
  if (signature.empty() || signature.size() != static_cast<std::size_t>(RSA_size(key))) return -1;
  std::copy(signature.begin(), signature.end(), to);
  return static_cast<int>(signature.size());
}

const EC_KEY_METHOD* ec_method() {
  static const EC_KEY_METHOD* const method = [] {  // never freed
    EC_KEY_METHOD* made = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
    if (made == nullptr) return made;
    int (*sign)(int, const unsigned char*, int, unsigned char*, unsigned int*, const BIGNUM*, const BIGNUM*, EC_KEY*);
    int (*setup)(EC_KEY*, BN_CTX*, BIGNUM**, BIGNUM**);
    EC_KEY_METHOD_get_sign(made, &sign, &setup, nullptr);
    EC_KEY_METHOD_set_sign(made, sign, setup, sign_ec);
    return made;
  }();
  return method;
}

const RSA_METHOD* rsa_method() {
  static const RSA_METHOD* const method = [] {  // never freed
    RSA_METHOD* made = RSA_meth_dup(RSA_PKCS1_OpenSSL());
    if (made != nullptr) RSA_meth_set_priv_enc(made, sign_rsa);
    return made;
  }();
  return method;
}

// The method goes in before the EVP_PKEY is made: that is when OpenSSL looks whose it is.
openssl::PkeyPtr ec_token_key(const EVP_PKEY* public_half, std::unique_ptr<Holder> holder) {
  const EC_KEY* const half = EVP_PKEY_get0_EC_KEY(public_half);
  Owner<EC_KEY, EC_KEY_free> key(half != nullptr ? EC_KEY_dup(half) : nullptr);
  openssl::PkeyPtr pkey(EVP_PKEY_new());
  if (!key || !pkey || ec_method() == nullptr || EC_KEY_set_method(key.get(), ec_method()) != 1 ||
      EC_KEY_set_ex_data(key.get(), ec_index(), holder.get()) != 1) {
    return nullptr;
  }
  static_cast<void>(holder.release());  // the key's now
  if (EVP_PKEY_assign_EC_KEY(pkey.get(), key.get()) != 1) return nullptr;
  static_cast<void>(key.release());
  return pkey;
}

openssl::PkeyPtr rsa_token_key(const EVP_PKEY* public_half, std::unique_ptr<Holder> holder) {
  const RSA* const half = EVP_PKEY_get0_RSA(public_half);
  Owner<RSA, RSA_free> key(half != nullptr ? RSAPublicKey_dup(half) : nullptr);
  openssl::PkeyPtr pkey(EVP_PKEY_new());
  if (!key || !pkey || rsa_method() == nullptr || RSA_set_method(key.get(), rsa_method()) != 1 ||
      RSA_set_ex_data(key.get(), rsa_index(), holder.get()) != 1) {
    return nullptr;
  }
  static_cast<void>(holder.release());  // the key's now
  RSA_set_flags(key.get(), RSA_FLAG_EXT_PKEY);
  if (EVP_PKEY_assign_RSA(pkey.get(), key.get()) != 1) return nullptr;
  static_cast<void>(key.release());
  return pkey;
}

}  // namespace

openssl::PkeyPtr token_key(const EVP_PKEY* public_half, std::shared_ptr<Pkcs11Token> token, const Pkcs11Token::Id& id) {
  auto holder = std::make_unique<Holder>(Holder{std::move(token), id});
  return EVP_PKEY_get_base_id(public_half) == EVP_PKEY_RSA ? rsa_token_key(public_half, std::move(holder))
                                                           : ec_token_key(public_half, std::move(holder));
}

}  // namespace latchkey::hub::ca::internal
