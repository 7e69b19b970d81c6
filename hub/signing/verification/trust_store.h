// SPDX-License-Identifier: Apache-2.0
// What a verifier was given to believe, read from files: roots and revocation lists, PEM (one or several) or DER.
// Threads: one at a time may add, any may ask then.
#pragma once

#include <string>
#include <vector>

#include "hub/signing/verification/verdict.h"

namespace latchkey::hub::signing {

class TrustStore {
 public:
  // kMalformed when there is no certificate in it, or something else between them.
  Outcome<void> add_signing_roots(ByteView text);
  Outcome<void> add_timestamp_roots(ByteView text);
  // Also as RevocationLists::add.
  Outcome<void> add_lists(ByteView text);

  // Views of what is in the store: it outlives them, and nothing is added meanwhile.
  Trust trust() const;

 private:
  std::vector<openssl::X509Ptr> signing_roots_;
  std::vector<openssl::X509Ptr> timestamp_roots_;
  RevocationLists lists_;
};

// A file with its signature, in whatever of our formats it is: with `signature` a detached one of any file; without, a
// PE file or a firmware bundle, told by its first bytes. What cannot be read is a verdict too (Reason::kUnreadable).
Verdict verify_file(ByteView file, std::optional<ByteView> signature, const Trust& trust, UnixMs now);

}  // namespace latchkey::hub::signing
