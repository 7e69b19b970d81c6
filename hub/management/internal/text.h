// SPDX-License-Identifier: Apache-2.0
// Text forms of what the API shows: times, serials, keys, certificates. Certificates are read with OpenSSL here and
// nowhere else in this room.
#pragma once

#include <string>
#include <string_view>

#include "hub/management/internal/answer.h"
#include "hub/text/encoding.h"
#include "hub/text/time.h"
#include "platform/base/bytes.h"
#include "platform/base/ids.h"

namespace latchkey::hub::management {

using text::base64;
using text::hex;
using text::iso8601;
using text::rfc7231;
using text::uuid_text;

Answer<registry::Bytes> from_base64(std::string_view text, const std::string& target);

std::string pem_from_der(ByteView der, std::string_view label = "CERTIFICATE");
std::string sha256_thumbprint(ByteView der);  // upper-case hex

enum class CertificateUse { kLeaf, kAuthority };
// Exactly one certificate, of that use (basicConstraints decide, RFC 5280 section 4.2.1.9). kInvalidArgument else.
Answer<registry::Bytes> der_from_pem(const std::string& pem, CertificateUse use, const std::string& target);

struct CertificateFacts {
  std::string subject;  // RFC 2253
  UnixMs not_before = 0;
  UnixMs not_after = 0;
};
CertificateFacts facts_of(ByteView der);  // empty when it cannot be read

}  // namespace latchkey::hub::management
