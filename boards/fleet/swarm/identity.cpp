// SPDX-License-Identifier: Apache-2.0
#define OPENSSL_SUPPRESS_DEPRECATED  // EC_KEY is: see pkey_of()
#include "boards/fleet/swarm/identity.h"

#include <openssl/ec.h>
#include <openssl/err.h>

#include <array>
#include <ctime>

#include "agent/core/record.h"
#include "platform/crypto/key.h"
#include "platform/crypto/pem.h"

namespace latchkey::boards::fleet::swarm {
namespace {

using EcKeyPtr = openssl::Owner<EC_KEY, EC_KEY_free>;

// RFC 5915 with every length fixed, as platform/crypto/key.cpp writes it.
struct Layout {
  int curve;
  std::size_t scalar_at;
  std::size_t scalar_size;
  std::size_t point_size;  // the last bytes
};
constexpr Layout kP256{NID_X9_62_prime256v1, 7, 32, 65};
constexpr Layout kP384{NID_secp384r1, 8, 48, 97};

openssl::X509Ptr certificate_of(const agent::Record& record, std::size_t index) {
  std::array<std::uint8_t, agent::kMaxCertificate> der;
  const auto size = agent::read_block(record, crypto::kPemCertificate, index, der);
  const std::uint8_t* bytes = der.data();
  return openssl::X509Ptr(size ? d2i_X509(nullptr, &bytes, static_cast<long>(*size)) : nullptr);
}

// Not agent::read_key: that computes the public point anew to see whether it belongs to the key, with mbedTLS, which
// takes as long as a whole handshake. Here the certificate answers that question.
openssl::PkeyPtr key_of(const agent::Record& record) {
  std::array<std::uint8_t, crypto::kMaxKeySize> der;
  const MutableBytes room(der);
  const auto block = crypto::pem_decode(record.pem, crypto::kPemEcKey, room);
  auto key = block ? pkey_of(ByteView(room).subview(0, block->der_size)) : nullptr;
  wipe(room);
  return key;
}

std::string hex_of(ByteView bytes) {
  std::string text(hex_size(bytes.size()), '\0');
  (void)hex_encode(bytes, MutableBytes(reinterpret_cast<std::uint8_t*>(text.data()), text.size()));
  return text;
}

}  // namespace

// By EC_KEY, which is deprecated: what replaces it asks providers alone, and gets nothing while keys are read quickly
// (platform/openssl/quick_ec_keys.h).
openssl::PkeyPtr pkey_of(ByteView der) {
  const Layout* layout = nullptr;
  if (der.size() == crypto::key_size(crypto::Curve::kP256)) layout = &kP256;
  if (der.size() == crypto::key_size(crypto::Curve::kP384)) layout = &kP384;
  if (layout == nullptr || der[0] != 0x30) return nullptr;
  EcKeyPtr parts(EC_KEY_new_by_curve_name(layout->curve));
  openssl::PkeyPtr key(EVP_PKEY_new());
  const auto* const point = der.data() + der.size() - layout->point_size;
  const bool made = parts && key &&
                    EC_KEY_oct2priv(parts.get(), der.data() + layout->scalar_at, layout->scalar_size) == 1 &&
                    EC_KEY_oct2key(parts.get(), point, layout->point_size, nullptr) == 1 &&
                    EVP_PKEY_assign_EC_KEY(key.get(), parts.get()) == 1;
  ERR_clear_error();
  if (!made) return nullptr;
  (void)parts.release();  // the key's
  return key;
}

Result<Identity> read_identity(ByteView text) {
  const auto record = agent::parse_record(text);
  if (!record || record->state == agent::RecordState::kPending) return fail(Status::kCorrupt);
  Identity identity;
  identity.key = key_of(*record);
  identity.leaf = certificate_of(*record, 0);
  identity.chain.reset(sk_X509_new_null());
  const bool good = identity.key && identity.leaf && identity.chain &&
                    X509_check_private_key(identity.leaf.get(), identity.key.get()) == 1;
  for (std::size_t i = 1; good && i < agent::kMaxRecordChain; ++i) {
    auto issuer = certificate_of(*record, i);
    if (!issuer) break;
    if (sk_X509_push(identity.chain.get(), issuer.get()) > 0) (void)issuer.release();
  }
  ERR_clear_error();
  if (!good) return fail(Status::kCorrupt);
  return identity;
}

Result<StoredCertificate> read_certificate(ByteView text) {
  const auto record = agent::parse_record(text);
  const auto certificate = record ? certificate_of(*record, 0) : nullptr;
  std::tm end{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) {
    ERR_clear_error();
    return fail(Status::kCorrupt);
  }
  StoredCertificate told;
  const ASN1_INTEGER* const serial = X509_get0_serialNumber(certificate.get());
  told.serial = hex_of(ByteView(serial->data, static_cast<std::size_t>(serial->length)));
  if (const auto* const issuer = X509_get0_authority_key_id(certificate.get())) {
    const ByteView id(ASN1_STRING_get0_data(issuer), static_cast<std::size_t>(ASN1_STRING_length(issuer)));
    told.issuer = hex_of(id.subview(0, 8));
  }
  told.not_after = static_cast<UnixMs>(::timegm(&end)) * 1000;
  return told;
}

}  // namespace latchkey::boards::fleet::swarm
