// SPDX-License-Identifier: Apache-2.0
// Shared access signatures: the password of a symmetric-key device.
//
//   SharedAccessSignature sr={resource}&sig={signature}&skn={policy}&se={expiry}
//
// The rule that decides whether tokens of all SDKs verify: the signed text is the `sr` value exactly as it stands in
// the token (some SDKs url-encode it, some do not), a line feed, and the `se` value. The HMAC itself is the caller's.
// Pure functions; any thread; nothing allocates.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/protocol/text.h"

namespace latchkey::agent::sas {

inline constexpr std::size_t kMaxToken = 512;
inline constexpr std::size_t kSignatureSize = 32;  // HMAC-SHA256

// What a token says; views into it, all as written (raw).
struct Token {
  std::string_view resource;     // sr
  std::string_view signature;    // sig, url-encoded base64
  std::string_view policy_name;  // skn, may be empty
  std::string_view expiry_text;  // se, as it was signed
  std::uint64_t expiry_s = 0;    // seconds since 1970
};

// Fields in any order; unknown ones are passed over. kMalformed when sr, sig or se is missing, empty, given twice, or
// se is no number; kTooLarge beyond kMaxToken characters.
Result<Token> parse(std::string_view password);

// {sr}\n{se}: the text that the HMAC-SHA256 runs over.
Result<std::string_view> write_text_to_sign(std::string_view raw_resource, std::string_view expiry_text,
                                            MutableBytes out);

// The signature's bytes; kMalformed unless it is base64 of 32 bytes, url-encoded or not.
Result<void> decode_signature(std::string_view raw_signature, MutableBytes out_32);

// The token; `signature` is 32 bytes of HMAC over write_text_to_sign of the same resource and expiry.
Result<std::string_view> write(std::string_view raw_resource, ByteView signature, std::string_view policy_name,
                               std::uint64_t expiry_s, MutableBytes out);

}  // namespace latchkey::agent::sas
