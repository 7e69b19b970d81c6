// SPDX-License-Identifier: Apache-2.0
// As much of a PE file (PE32, PE32+) as a signature needs: which bytes it covers and where it stands. Files come from
// anywhere: every offset is checked before it is used. Threads: any.
#pragma once

#include "hub/signing/base/algorithm.h"

namespace latchkey::hub::signing {

struct PeLayout {
  std::size_t checksum_at = 0;     // four bytes, not covered
  std::size_t table_entry_at = 0;  // eight bytes, not covered: where the certificate table stands
  std::size_t content_size = 0;    // what lies before the table; the whole file when it has none
  std::size_t table_size = 0;      // 0: not signed
};
// kMalformed: no PE file, cut off, or a certificate table that overlaps the headers, lies on no 8-byte boundary or does
// not end with the file (what lay behind it would be covered by nothing). kUnsupported: no room for a certificate table
// among the data directories. kTooLarge: over 4 GiB - 1.
Outcome<PeLayout> read_pe(ByteView file);

// Over all but the two fields and the table; what lies before the table counts as if it filled whole 8-byte units, as
// it does once a signature is attached.
Bytes pe_digest(ByteView file, const PeLayout& layout, Hash hash);

// The PKCS #7 inside the certificate table. kMalformed, kNotFound when the file is not signed, kUnsupported for more
// than one signature or another kind.
Outcome<Bytes> pe_signature(ByteView file, const PeLayout& layout);

// The file with that signature in place of any other, its checksum right.
Outcome<Bytes> pe_with_signature(ByteView file, const PeLayout& layout, ByteView signature);

}  // namespace latchkey::hub::signing
