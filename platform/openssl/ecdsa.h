// SPDX-License-Identifier: Apache-2.0
// ECDSA verification by public keys as they stand in requests and certificates, without the cost around it: OpenSSL 3.0
// looks for a decoder among all it has for every key that it reads, which takes longer than the verification. Each
// thread keeps a key and a context for each curve, and only exchanges the point.
//
// Threads: from any. What a thread keeps goes with it.
#pragma once

#include "platform/base/bytes.h"

namespace latchkey::openssl {

enum class EcCurve { kP256, kP384 };
enum class EcHash { kSha256, kSha384 };

enum class EcVerdict {
  kGood,
  kWrongSignature,  // also one that is no DER of two integers
  kBadKey,          // no point of the curve in one of the two forms below
  kFailed,          // OpenSSL has no memory, or not the algorithms
};
// `point`: uncompressed or compressed (SEC 1 section 2.3.3), not the point at infinity. The signature is the DER of RFC
// 3279 section 2.2.3. Leaves complaints in the thread's error queue (take_error).
EcVerdict verify_ecdsa(EcCurve curve, ByteView point, EcHash hash, ByteView message, ByteView signature);

}  // namespace latchkey::openssl
