// SPDX-License-Identifier: Apache-2.0
// Detached signatures of any file (.p7s): CMS SignedData over data that lies apart. `openssl cms -verify -binary
// -inform DER -content FILE` reads them. Threads: any.
#pragma once

#include "hub/signing/signature/signed_data.h"

namespace latchkey::hub::signing {

// `digest` is the file's, by the algorithm's hash.
Draft draft_detached(Algorithm algorithm, Bytes digest);
inline Outcome<Bytes> stamp_detached(ByteView signature, ByteView token) {
  return with_timestamp(signature, kCmsTimestamp, token);
}
// As read_signed_data; also kMalformed when content came along or it is over another type than data.
Outcome<Evidence> read_detached(ByteView signature, const ContentDigest& digest);

}  // namespace latchkey::hub::signing
