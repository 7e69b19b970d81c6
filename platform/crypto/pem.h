// SPDX-License-Identifier: Apache-2.0
// PEM text (RFC 7468) from and to DER, in the caller's buffers: the form of key files and of `issuedCertificateChain`.
#pragma once

#include <cstddef>
#include <string_view>

#include "platform/base/bytes.h"

namespace latchkey::crypto {

inline constexpr std::string_view kPemCertificate = "CERTIFICATE";
inline constexpr std::string_view kPemEcKey = "EC PRIVATE KEY";
inline constexpr std::string_view kPemCsr = "CERTIFICATE REQUEST";

// The size of what pem_encode writes: two boundary lines, base64 in lines of 64, each ended by '\n'.
constexpr std::size_t pem_size(std::size_t label_size, std::size_t der_size) {
  const std::size_t text = base64_size(der_size);
  return 2 * label_size + 17 + 15 + text + (text + 63) / 64;
}

// Returns pem_size(label.size(), der.size()). kTooLarge when `out` is too small. No terminating zero.
Result<std::size_t> pem_encode(std::string_view label, ByteView der, MutableBytes out);

struct PemBlock {
  std::size_t der_size;  // bytes written to `out`
  std::size_t consumed;  // characters of the text up to and including the END line: go on from there
};

// Decodes the first block of that label; text before it (headers of a record, other blocks) is skipped.
// kNotFound: no such block. kMalformed: no END line, or what is between is not base64 (lines may be of any length and
// end in '\n' or "\r\n"). kTooLarge: `out` is too small.
Result<PemBlock> pem_decode(std::string_view text, std::string_view label, MutableBytes out);

}  // namespace latchkey::crypto
