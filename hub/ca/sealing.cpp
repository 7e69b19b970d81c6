// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/sealing.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>

namespace latchkey::hub::ca {

using registry::Bytes;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr std::string_view kMagic = "LKSEALED";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kAlgorithmAt = 9;
constexpr std::size_t kNodeKeyAt = 10;
constexpr std::size_t kNonceAt = kNodeKeyAt + sizeof(NodeKey::Id);
constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTextAt = kNonceAt + kNonceSize;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kSealedMax = 64 * 1024;

using CipherPtr = openssl::Owner<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

void append_part(Bytes& out, std::string_view part) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(part.size() >> shift));
  out.insert(out.end(), part.begin(), part.end());
}

Bytes associated_data(ByteView sealed, const SealName& name) {
  Bytes data(sealed.begin(), sealed.begin() + kNonceAt);
  append_part(data, name.purpose);
  append_part(data, name.key_ref);
  return data;
}

std::string named(const SealName& name) { return "the sealed key " + std::string(name.key_ref); }

bool encrypt(const NodeKey& key, ByteView about, ByteView secret, Bytes& sealed) {
  const CipherPtr cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  std::uint8_t* const text = sealed.data() + kTextAt;
  return cipher &&
         EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.bytes().data(), sealed.data() + kNonceAt) ==
             1 &&
         EVP_EncryptUpdate(cipher.get(), nullptr, &size, about.data(), static_cast<int>(about.size())) == 1 &&
         EVP_EncryptUpdate(cipher.get(), text, &size, secret.data(), static_cast<int>(secret.size())) == 1 &&
         EVP_EncryptFinal_ex(cipher.get(), text + size, &size) == 1 &&
         EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagSize, text + secret.size()) == 1;
}

bool decrypt(const NodeKey& key, ByteView about, ByteView sealed, MutableBytes secret) {
  const CipherPtr cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  auto* const tag = const_cast<std::uint8_t*>(sealed.data() + sealed.size() - kTagSize);  // only read
  return cipher &&
         EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.bytes().data(), sealed.data() + kNonceAt) ==
             1 &&
         EVP_DecryptUpdate(cipher.get(), nullptr, &size, about.data(), static_cast<int>(about.size())) == 1 &&
         EVP_DecryptUpdate(cipher.get(), secret.data(), &size, sealed.data() + kTextAt,
                           static_cast<int>(secret.size())) == 1 &&
         EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, tag) == 1 &&
         EVP_DecryptFinal_ex(cipher.get(), secret.data() + size, &size) == 1;
}

NodeKey::Id node_key_in(ByteView sealed) {
  NodeKey::Id id{};
  std::copy_n(sealed.begin() + kNodeKeyAt, id.size(), id.begin());
  return id;
}

std::string ids(const NodeKeys& node_keys) {
  std::string text;
  for (const auto& key : node_keys) text += (text.empty() ? "" : " and ") + to_text(key->id());
  return text;
}

Outcome<void> check_form(const SealName& name, ByteView sealed) {
  const bool ours = sealed.size() > kTextAt + kTagSize && sealed.size() <= kSealedMax &&
                    sealed.subview(0, kMagic.size()) == ByteView(kMagic);
  if (!ours) return refuse(Reason::kStorage, named(name) + " is damaged: it is not a sealed key");
  if (sealed[kVersionAt] == kVersion) return {};
  return refuse(Reason::kPreconditionFailed, named(name) + " has format " + std::to_string(sealed[kVersionAt]) +
                                                 "; this program knows " + std::to_string(kVersion));
}

}  // namespace

Outcome<Bytes> seal(const NodeKey& node_key, const SealName& name, KeyAlgorithm algorithm, ByteView secret) {
  if (secret.empty() || secret.size() > kSealedMax - kTextAt - kTagSize) {
    return refuse(Reason::kInternal, "nothing to seal, or too much");
  }
  Bytes sealed(kTextAt + secret.size() + kTagSize);
  std::copy(kMagic.begin(), kMagic.end(), sealed.begin());
  sealed[kVersionAt] = kVersion;
  sealed[kAlgorithmAt] = static_cast<std::uint8_t>(algorithm);
  std::copy(node_key.id().begin(), node_key.id().end(), sealed.begin() + kNodeKeyAt);
  if (RAND_bytes(sealed.data() + kNonceAt, kNonceSize) != 1 ||
      !encrypt(node_key, associated_data(sealed, name), secret, sealed)) {
    return refuse(Reason::kInternal, "sealing " + std::string(name.key_ref) + ": " + openssl::take_error());
  }
  return sealed;
}

Outcome<Unsealed> unseal(const NodeKeys& node_keys, const SealName& name, ByteView sealed) {
  LATCHKEY_TRY_VOID(check_form(name, sealed));
  const auto under = node_key_in(sealed);
  const auto key = std::ranges::find_if(node_keys, [&](const auto& one) { return one->id() == under; });
  if (key == node_keys.end()) {
    return refuse(Reason::kPreconditionFailed,
                  named(name) + " is sealed under node key " + to_text(under) + ", this node has " + ids(node_keys));
  }
  Secret secret(sealed.size() - kTextAt - kTagSize);
  if (decrypt(**key, associated_data(sealed, name), sealed, secret.writable())) {
    return Unsealed{static_cast<KeyAlgorithm>(sealed[kAlgorithmAt]), std::move(secret)};
  }
  openssl::take_error();
  return refuse(Reason::kStorage, named(name) +
                                      " is damaged, or was put under another name: it does not open under "
                                      "node key " +
                                      to_text(under));
}

std::optional<NodeKey::Id> sealed_under(ByteView sealed) {
  if (!check_form({}, sealed)) return std::nullopt;
  return node_key_in(sealed);
}

}  // namespace latchkey::hub::ca
