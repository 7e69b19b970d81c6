// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/swarm/identity.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include <array>
#include <ctime>

#include "agent/core/record.h"
#include "platform/crypto/key.h"
#include "platform/crypto/pem.h"

namespace latchkey::boards::fleet::swarm {
namespace {

using KeyContext = openssl::Owner<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using Builder = openssl::Owner<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Params = openssl::Owner<OSSL_PARAM, OSSL_PARAM_free>;
using SecretBignum = openssl::Owner<BIGNUM, BN_clear_free>;

// RFC 5915 with every length fixed, as platform/crypto/key.cpp writes it.
struct Layout {
  const char* curve;
  std::size_t scalar_at;
  std::size_t scalar_size;
  std::size_t point_size;  // the last bytes
};
constexpr Layout kP256{"P-256", 7, 32, 65};
constexpr Layout kP384{"P-384", 8, 48, 97};

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

openssl::PkeyPtr pkey_of(ByteView der) {
  const Layout* layout = nullptr;
  if (der.size() == crypto::key_size(crypto::Curve::kP256)) layout = &kP256;
  if (der.size() == crypto::key_size(crypto::Curve::kP384)) layout = &kP384;
  if (layout == nullptr || der[0] != 0x30) return nullptr;
  const SecretBignum scalar(BN_bin2bn(der.data() + layout->scalar_at, static_cast<int>(layout->scalar_size), nullptr));
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!scalar || !builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, layout->curve, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                       der.data() + der.size() - layout->point_size, layout->point_size) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get()) != 1) {
    return nullptr;
  }
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  const bool made = params && context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) == 1;
  ERR_clear_error();
  return openssl::PkeyPtr(made ? key : nullptr);
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
