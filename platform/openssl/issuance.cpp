// SPDX-License-Identifier: Apache-2.0
#include "platform/openssl/issuance.h"

#include <openssl/err.h>

#include "platform/openssl/openssl_ptr.h"

namespace latchkey::openssl {
namespace {

constexpr int kCaByBasicConstraints = 1;  // X509_check_ca(3): the other yeses are for certificates of older kinds

X509Ptr parse(ByteView der) {
  const std::uint8_t* at = der.data();
  X509Ptr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  return certificate && at == der.data() + der.size() ? std::move(certificate) : nullptr;
}

}  // namespace

bool issued_by(ByteView subject_der, ByteView issuer_der) {
  const auto subject = parse(subject_der);
  const auto issuer = parse(issuer_der);
  const bool good = subject && issuer && X509_check_issued(issuer.get(), subject.get()) == X509_V_OK &&
                    X509_check_ca(issuer.get()) == kCaByBasicConstraints &&
                    X509_verify(subject.get(), X509_get0_pubkey(issuer.get())) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace latchkey::openssl
