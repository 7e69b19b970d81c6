// SPDX-License-Identifier: Apache-2.0
// Authenticode signatures of PE files, made by digest:
//
//   auto draft = draft_authenticode(file, Algorithm::kRs256);
//   Bytes signature = ...(draft->digest());
//   auto signed_file = attach_authenticode(file, *draft->finish(signature, certificates));
//
// Page hashes, nested signatures and other kinds of files (CAB, MSI, scripts) are not here. Threads: any.
#pragma once

#include "hub/signing/authenticode/pe_file.h"
#include "hub/signing/signature/signed_data.h"

namespace latchkey::hub::signing {

// As read_pe; also kRefused when the file is signed already.
Outcome<Draft> draft_authenticode(ByteView file, Algorithm algorithm);
// `signature` is what Draft::finish() made, with a timestamp or without.
Outcome<Bytes> attach_authenticode(ByteView file, ByteView signature);
inline Outcome<Bytes> stamp_authenticode(ByteView signature, ByteView token) {
  return with_timestamp(signature, kAuthenticodeTimestamp, token);
}
// As read_pe, pe_signature and read_signed_data.
Outcome<Evidence> read_authenticode(ByteView file);

// SpcIndirectDataContent: what is signed instead of the file.
Bytes indirect_data(Hash hash, ByteView digest);

}  // namespace latchkey::hub::signing
