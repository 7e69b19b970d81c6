// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/signature/detached.h"

namespace latchkey::hub::signing {

Draft draft_detached(Algorithm algorithm, Bytes digest) {
  SignedContent content;
  content.digest = std::move(digest);
  return Draft(std::move(content), algorithm);
}

Outcome<Evidence> read_detached(ByteView signature, const ContentDigest& digest) {
  LATCHKEY_TRY(read, read_signed_data(signature));
  if (read.content_type != kDataType || !read.content.empty()) {
    return refuse(Status::kMalformed, "not a detached signature over data");
  }
  read.evidence.content_matches = digest(read.hash) == read.message_digest;
  return std::move(read.evidence);
}

}  // namespace latchkey::hub::signing
