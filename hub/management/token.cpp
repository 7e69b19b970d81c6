// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/token.h"

#include <algorithm>
#include <array>

#include "hub/text/encoding.h"
#include "platform/openssl/digest.h"

namespace latchkey::hub::management {
namespace {

constexpr std::string_view kPrefix = "lk1_";  // so that scanners know one when they see it
constexpr std::size_t kRandomBytes = 32;
constexpr std::size_t kRandomText = 43;

bool base64url(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

}  // namespace

std::string new_token() {
  const std::string hex = text::random_hex(kRandomBytes);
  std::array<std::uint8_t, kRandomBytes> random{};
  (void)hex_decode(hex, random);
  std::string encoded = text::base64(random);
  encoded.resize(kRandomText);  // less the padding
  std::replace(encoded.begin(), encoded.end(), '+', '-');
  std::replace(encoded.begin(), encoded.end(), '/', '_');
  wipe(random);
  return std::string(kPrefix) + encoded;
}

std::optional<ports::Sha256> token_digest(std::string_view token) {
  if (token.size() != kPrefix.size() + kRandomText || token.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  const auto random = token.substr(kPrefix.size());
  if (!std::all_of(random.begin(), random.end(), base64url)) return std::nullopt;
  ports::Sha256 digest{};
  if (!openssl::host_digest().sha256(ByteView(token), digest)) return std::nullopt;
  return digest;
}

}  // namespace latchkey::hub::management
