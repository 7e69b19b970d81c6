// SPDX-License-Identifier: Apache-2.0
#define OPENSSL_SUPPRESS_DEPRECATED  // EC_KEY is: see pkey_of()
#include "boards/fleet/swarm/identity.h"

#include <openssl/ec.h>
#include <openssl/err.h>

#include <array>
#include <ctime>
#include <functional>
#include <utility>

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

// A copy of a curve takes a fraction of what making it does. As long as the process.
const EC_GROUP* group_of(int curve) {
  static const EC_GROUP* const kCurve256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  static const EC_GROUP* const kCurve384 = EC_GROUP_new_by_curve_name(NID_secp384r1);
  return curve == NID_secp384r1 ? kCurve384 : kCurve256;
}

openssl::X509Ptr certificate_of(ByteView der) {
  const std::uint8_t* bytes = der.data();
  return openssl::X509Ptr(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
}

openssl::X509Ptr leaf_of(const agent::Record& record) {
  std::array<std::uint8_t, agent::kMaxCertificate> der;
  const auto size = agent::read_block(record, crypto::kPemCertificate, 0, der);
  return size ? certificate_of(ByteView(der.data(), *size)) : nullptr;
}

// In one pass: leaf, and whatever certifies it.
bool read_chain(std::string_view pem, Issuers& issuers, Identity& identity) {
  std::array<std::uint8_t, agent::kMaxCertificate> der;
  for (std::size_t i = 0; i < agent::kMaxRecordChain; ++i) {
    const auto block = crypto::pem_decode(pem, crypto::kPemCertificate, der);
    if (!block) return i > 0;
    const ByteView bytes(der.data(), block->der_size);
    auto certificate = i == 0 ? certificate_of(bytes) : issuers.of(bytes);
    if (!certificate) return false;
    if (i == 0) {
      identity.leaf = std::move(certificate);
    } else if (sk_X509_push(identity.chain.get(), certificate.get()) > 0) {
      (void)certificate.release();
    }
    pem.remove_prefix(block->consumed);
  }
  return true;
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
  EcKeyPtr parts(EC_KEY_new());
  const EC_GROUP* const group = group_of(layout->curve);
  openssl::PkeyPtr key(EVP_PKEY_new());
  const auto* const point = der.data() + der.size() - layout->point_size;
  const bool made = parts && key && group != nullptr && EC_KEY_set_group(parts.get(), group) == 1 &&
                    EC_KEY_oct2priv(parts.get(), der.data() + layout->scalar_at, layout->scalar_size) == 1 &&
                    EC_KEY_oct2key(parts.get(), point, layout->point_size, nullptr) == 1 &&
                    EVP_PKEY_assign_EC_KEY(key.get(), parts.get()) == 1;
  ERR_clear_error();
  if (!made) return nullptr;
  (void)parts.release();  // the key's
  return key;
}

openssl::X509Ptr Issuers::of(ByteView der) {
  auto known = known_.find(der.text());
  if (known == known_.end()) {
    auto read = certificate_of(der);
    if (!read) return nullptr;
    if (known_.size() >= kMost) known_.clear();
    known = known_.emplace(std::string(der.text()), std::move(read)).first;
  }
  X509_up_ref(known->second.get());
  return openssl::X509Ptr(known->second.get());
}

Result<Identity> read_identity(ByteView text, Issuers& issuers) {
  const auto record = agent::parse_record(text);
  if (!record || record->state == agent::RecordState::kPending) return fail(Status::kCorrupt);
  Identity identity;
  identity.key = key_of(*record);
  identity.chain.reset(sk_X509_new_null());
  const bool good = identity.key && identity.chain && read_chain(record->pem, issuers, identity) &&
                    X509_check_private_key(identity.leaf.get(), identity.key.get()) == 1;
  ERR_clear_error();
  if (!good) return fail(Status::kCorrupt);
  return identity;
}

std::uint64_t mark_of(ByteView text) {
  const auto pem = text.text().find("-----BEGIN");
  return std::hash<std::string_view>{}(pem == std::string_view::npos ? text.text() : text.text().substr(pem)) | 1U;
}

Result<StoredCertificate> read_certificate(ByteView text) {
  const auto record = agent::parse_record(text);
  const auto certificate = record ? leaf_of(*record) : nullptr;
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
