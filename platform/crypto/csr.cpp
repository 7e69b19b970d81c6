// SPDX-License-Identifier: Apache-2.0
#include "platform/crypto/csr.h"

#include <array>
#include <cstring>

#include "platform/base/ids.h"
#include "platform/crypto/compat.h"

namespace latchkey::crypto {
namespace {

struct Pk {
  mbedtls_pk_context context;
  Pk() { mbedtls_pk_init(&context); }
  ~Pk() { mbedtls_pk_free(&context); }
};

struct CsrWriter {
  mbedtls_x509write_csr context;
  CsrWriter() { mbedtls_x509write_csr_init(&context); }
  ~CsrWriter() { mbedtls_x509write_csr_free(&context); }
};

// mbedTLS takes the subject as text. A registration id has none of the characters that RFC 4514 escapes.
using SubjectText = std::array<char, 3 + 128 + 1>;
SubjectText subject_text(std::string_view common_name) {
  SubjectText text{'C', 'N', '='};
  std::memcpy(text.data() + 3, common_name.data(), common_name.size());
  return text;
}

}  // namespace

Result<std::size_t> make_csr(const DeviceKey& key, std::string_view common_name, MutableBytes out) {
  if (key.empty() || !valid_registration_id(common_name)) return fail(Status::kInvalidArgument);

  Pk pk;
  if (compat::parse_key(&pk.context, key.bytes.data(), key.size) != 0) return fail(Status::kInternal);
  CsrWriter writer;
  mbedtls_x509write_csr_set_md_alg(&writer.context, key.curve == Curve::kP256 ? MBEDTLS_MD_SHA256 : MBEDTLS_MD_SHA384);
  mbedtls_x509write_csr_set_key(&writer.context, &pk.context);
  if (mbedtls_x509write_csr_set_subject_name(&writer.context, subject_text(common_name).data()) != 0) {
    return fail(Status::kInternal);
  }

  // It is written to the end of its buffer, and the first bytes of a caller's larger one would stay as they were.
  std::array<std::uint8_t, kMaxCsrSize> der;
  const int written = compat::write_csr_der(&writer.context, der.data(), der.size());
  if (written <= 0) return fail(Status::kInternal);
  const auto size = static_cast<std::size_t>(written);
  if (out.size() < size) return fail(Status::kTooLarge);
  std::memcpy(out.data(), der.data() + der.size() - size, size);
  return size;
}

}  // namespace latchkey::crypto
