// SPDX-License-Identifier: Apache-2.0
// SHA-256 and HMAC-SHA256 over bytes in memory, by PSA, for SAS tokens and record checksums; and hashes over bytes that
// come piece by piece, for firmware.
#pragma once

#include <array>
#include <cstdint>

#include "platform/base/bytes.h"

namespace latchkey::crypto {

constexpr std::size_t kSha256Size = 32;
using Sha256 = std::array<std::uint8_t, kSha256Size>;

// Both need crypto::init() before; kInternal when PSA fails (out of memory, not started).
Result<void> sha256(ByteView data, Sha256& out);
// RFC 2104. Any key length but 0 (kInvalidArgument). The output is a secret where the key is a group key: wipe it.
Result<void> hmac_sha256(ByteView key, ByteView data, Sha256& out);

enum class Hash : std::uint8_t { kSha256, kSha384, kSha512 };
constexpr std::size_t kMaxDigestSize = 64;
constexpr std::size_t digest_size(Hash hash) { return hash == Hash::kSha256 ? 32 : hash == Hash::kSha384 ? 48 : 64; }

struct HashValue {
  std::array<std::uint8_t, kMaxDigestSize> bytes{};
  std::size_t size = 0;
  ByteView view() const { return {bytes.data(), size}; }
};

// start(), then add() any number of times, then finish(); start() again at any time. Not copyable.
class HashStream {
 public:
  HashStream();
  ~HashStream();
  HashStream(const HashStream&) = delete;
  HashStream& operator=(const HashStream&) = delete;

  // kUnsupported when this build has no such hash.
  Result<void> start(Hash hash);
  // kInternal when it was not started, or PSA fails.
  Result<void> add(ByteView data);
  Result<void> finish(HashValue& out);

 private:
  // PSA's own state; its header is not for everybody.
  static constexpr std::size_t kStateSize = 256;
  alignas(std::uint64_t) std::array<std::uint8_t, kStateSize> state_;
};

// Over `parts`, one behind the other. As HashStream.
Result<void> hash_of(Hash hash, const ByteView* parts, std::size_t count, HashValue& out);

}  // namespace latchkey::crypto
