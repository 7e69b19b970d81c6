// SPDX-License-Identifier: Apache-2.0
// One credential of the device as it lies in storage: a text that OpenSSL loads as key and chain, with a header that
// says which generation it is and how far it got, and a checksum that gives away a torn write. A key that waits for its
// certificate is a record too (state pending, with its CSR in place of the chain).
//
//   record    = version checksum generation state hub device request key ( 1*3chain / csr )
//   version   = "latchkey-credential 1" LF
//   checksum  = "checksum " 64HEXDIG LF          ; SHA-256 over everything behind this line
//   generation= "generation " 10DIGIT LF
//   state     = "state " ( "pending" / "staged " / "proven " / "refused" ) LF
//   hub       = "hub " ( host[":"port] / "-" ) LF
//   device    = "device " ( device-id / "-" ) LF
//   request   = "request " ( rid / "-" ) LF       ; of a renewal that waits; "-" for provisioning
//   key       = PEM "EC PRIVATE KEY"
//   chain     = PEM "CERTIFICATE"                 ; leaf first
//   csr       = PEM "CERTIFICATE REQUEST"
//
// The why is in docs/credential-format.md. Pure functions; any thread; nothing allocates.
#pragma once

#include <cstdint>
#include <string_view>

#include "platform/base/bytes.h"
#include "platform/crypto/key.h"

namespace latchkey::agent {

inline constexpr std::size_t kMaxRecord = 8192;
inline constexpr std::size_t kMaxRecordChain = 3;
inline constexpr std::size_t kMaxCertificate = 3072;  // DER

enum class RecordState : std::uint8_t {
  kPending,  // a key without a certificate
  kStaged,   // issued, never yet accepted by a hub
  kProven,   // a hub has let it in
  kRefused,  // refused before it was ever accepted: not tried again
};
std::string_view to_string(RecordState state);

struct Record {
  std::uint32_t generation = 0;
  RecordState state = RecordState::kPending;
  std::string_view hub;         // empty: none
  std::string_view device_id;   // empty: none
  std::string_view request_id;  // empty: none
  std::string_view pem;         // everything behind the header
};

// Views into `text`. kCorrupt: the checksum is wrong or the text is not exactly in this form. What is inside the PEM
// blocks is looked at by read_key and read_block.
Result<Record> parse_record(ByteView text);

// The key; kCorrupt when it cannot be read.
Result<void> read_key(const Record& record, crypto::DeviceKey& key);
// The `index`-th block of that PEM label as DER; kNotFound when there are fewer, kCorrupt, kTooLarge.
Result<std::size_t> read_block(const Record& record, std::string_view label, std::size_t index, MutableBytes out);

// Writes a record of `header` (its `pem` is not used), the key and `count` blocks of that label. Returns its size.
// kTooLarge when `out` is too small, kInvalidArgument for a field that would break a line.
Result<std::size_t> write_record(const Record& header, const crypto::DeviceKey& key, std::string_view label,
                                 const ByteView* ders, std::size_t count, MutableBytes out);

// Changes the state of a whole record in place, and its checksum. kCorrupt as parse_record.
Result<void> restate_record(MutableBytes text, RecordState state);

}  // namespace latchkey::agent
