// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/signing_request.h"

#include <openssl/rand.h>

#include <array>

#include "platform/openssl/certificate_builder.h"

namespace latchkey::hub::ca {
namespace {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

std::string hex(ByteView bytes) {
  std::string text(hex_size(bytes.size()), '0');
  (void)hex_encode(bytes, MutableBytes(reinterpret_cast<std::uint8_t*>(text.data()), text.size()));
  return text;
}

bool add_common_name(X509_NAME* name, const std::string& common_name) {
  return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0) == 1;
}

registry::Bytes signed_request(const std::string& common_name, EVP_PKEY* key) {
  const openssl::X509ReqPtr request(X509_REQ_new());
  if (!request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      !add_common_name(X509_REQ_get_subject_name(request.get()), common_name) ||
      X509_REQ_set_pubkey(request.get(), key) != 1 ||
      X509_REQ_sign(request.get(), key, openssl::digest_for(key)) <= 0) {
    return {};
  }
  return openssl::to_der(i2d_X509_REQ, request.get());
}

}  // namespace

Outcome<registry::NewCsr> make_signing_request(KeyProvider& keys, registry::KeyProfile profile) {
  LATCHKEY_TRY(key, keys.generate(profile));
  registry::NewCsr made;
  std::array<std::uint8_t, 16> name{};
  const bool random = RAND_bytes(made.id.bytes.data(), static_cast<int>(made.id.bytes.size())) == 1 &&
                      RAND_bytes(name.data(), static_cast<int>(name.size())) == 1;
  made.id.bytes[6] = static_cast<std::uint8_t>((made.id.bytes[6] & 0x0f) | 0x40);  // RFC 4122 version 4
  made.id.bytes[8] = static_cast<std::uint8_t>((made.id.bytes[8] & 0x3f) | 0x80);
  made.subject = "CN=" + hex(name);
  if (random) made.csr = signed_request(hex(name), key.key.get());
  if (made.csr.empty()) {
    const std::string why = openssl::take_error();
    if (auto gone = keys.destroy(key.key_ref); !gone) return fail(gone.error());
    return refuse(Reason::kInternal, "a CSR for " + made.subject + ": " + why);
  }
  made.key_ref = key.key_ref;
  made.key_profile = profile;
  return made;
}

}  // namespace latchkey::hub::ca
