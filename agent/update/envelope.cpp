// SPDX-License-Identifier: Apache-2.0
#include "agent/update/envelope.h"

#include <cstring>
#include <string_view>

#include "agent/update/cbor.h"

namespace latchkey::agent {
namespace {

constexpr std::uint64_t kSign1Tag = 18;
// COSE header parameters.
constexpr std::int64_t kAlgorithm = 1;
constexpr std::int64_t kChain = 33;
constexpr std::int64_t kTimestamp = 270;
constexpr std::size_t kProtectedMax = 8;  // the algorithm alone: a1 01 and a number
constexpr std::size_t kHeadMax = 9;       // of the image's byte string

// alg and nothing else: with one parameter there is one encoding, and no `crit` to look for.
Result<std::int64_t> read_protected(ByteView text) {
  CborReader reader(text);
  LATCHKEY_TRY(pairs, reader.next_map());
  LATCHKEY_TRY(label, reader.next_integer());
  LATCHKEY_TRY(algorithm, reader.next_integer());
  if (pairs != 1 || label != kAlgorithm || !reader.at_end() || text.size() > kProtectedMax) {
    return fail(Status::kMalformed);
  }
  return algorithm;
}

// One certificate is a byte string, several are an array of them (RFC 9360 section 2).
Result<void> read_chain(CborReader& reader, Envelope& envelope) {
  if (reader.next_is_bytes()) {
    LATCHKEY_TRY(certificate, reader.next_bytes());
    envelope.chain[0] = certificate;
    envelope.chain_size = 1;
    return {};
  }
  LATCHKEY_TRY(count, reader.next_array());
  if (count < 2 || count > Envelope::kChainMax) return fail(Status::kMalformed);
  for (std::size_t i = 0; i < count; ++i) {
    LATCHKEY_TRY(certificate, reader.next_bytes());
    envelope.chain[i] = certificate;
  }
  envelope.chain_size = count;
  return {};
}

// Parameters that we do not know are refused, not passed over: a device has no use for them.
Result<void> read_unprotected(CborReader& reader, Envelope& envelope) {
  LATCHKEY_TRY(pairs, reader.next_map());
  LATCHKEY_TRY(first, reader.next_integer());
  if (pairs == 0 || pairs > 2 || first != kChain) return fail(Status::kMalformed);
  LATCHKEY_TRY_VOID(read_chain(reader, envelope));
  if (pairs == 1) return {};
  LATCHKEY_TRY(second, reader.next_integer());
  if (second != kTimestamp) return fail(Status::kMalformed);
  LATCHKEY_TRY(token, reader.next_bytes());
  if (token.empty()) return fail(Status::kMalformed);
  envelope.token = token;
  return {};
}

Result<Envelope> read_from(CborReader& reader, ByteView text) {
  Envelope envelope;
  LATCHKEY_TRY_VOID(reader.next_tag(kSign1Tag));
  LATCHKEY_TRY(parts, reader.next_array());
  if (parts != 4) return fail(Status::kMalformed);
  LATCHKEY_TRY(protected_header, reader.next_bytes());
  LATCHKEY_TRY(algorithm, read_protected(protected_header));
  LATCHKEY_TRY_VOID(read_unprotected(reader, envelope));
  LATCHKEY_TRY(payload, reader.next_bytes());
  const std::size_t signature_at = reader.position();
  LATCHKEY_TRY(signature, reader.next_bytes());
  if (reader.position() > Envelope::kSizeMax) return fail(Status::kTooLarge);
  envelope.protected_header = protected_header;
  envelope.algorithm = algorithm;
  envelope.payload = payload;
  envelope.signature = signature;
  envelope.stamped = text.subview(signature_at, reader.position() - signature_at);
  return envelope;
}

// A byte string's head in its shortest form, up to 65535 bytes.
std::size_t write_bytes_head(std::size_t size, std::uint8_t* out) {
  constexpr std::uint8_t kBytes = 0x40;
  if (size < 24) {
    out[0] = static_cast<std::uint8_t>(kBytes | size);
    return 1;
  }
  if (size < 256) {
    out[0] = kBytes | 24;
    out[1] = static_cast<std::uint8_t>(size);
    return 2;
  }
  out[0] = kBytes | 25;
  out[1] = static_cast<std::uint8_t>(size >> 8);
  out[2] = static_cast<std::uint8_t>(size);
  return 3;
}

}  // namespace

Result<Bundle> read_bundle(ByteView text) {
  CborReader reader(text);
  Bundle bundle;
  // The reader does not tell an end that came too early from damage.
  const Status unreadable = text.size() < Envelope::kSizeMax + kHeadMax ? Status::kNotReady : Status::kMalformed;
  const auto envelope = read_from(reader, text);
  if (!envelope) return fail(envelope.error() == Status::kMalformed ? unreadable : envelope.error());
  const auto size = reader.next_bytes_head();
  if (!size) return fail(unreadable);
  bundle.envelope = *envelope;
  bundle.image_at = reader.position();
  bundle.image_size = *size;
  return bundle;
}

Result<Envelope> read_envelope(ByteView text) {
  CborReader reader(text);
  LATCHKEY_TRY(envelope, read_from(reader, text));
  if (!reader.at_end()) return fail(Status::kMalformed);
  return envelope;
}

Result<ByteView> signed_head(const Envelope& envelope, MutableBytes out) {
  // ["Signature1", protected, external_aad of no bytes, payload]
  static constexpr std::string_view kBegin = "\x84\x6aSignature1";
  if (out.size() < kSignedHeadMax || envelope.protected_header.size() > kProtectedMax ||
      envelope.payload.size() > Envelope::kSizeMax) {
    return fail(Status::kTooLarge);
  }
  std::memcpy(out.data(), kBegin.data(), kBegin.size());
  std::size_t at = kBegin.size();
  at += write_bytes_head(envelope.protected_header.size(), out.data() + at);
  std::memcpy(out.data() + at, envelope.protected_header.data(), envelope.protected_header.size());
  at += envelope.protected_header.size();
  out[at++] = 0x40;
  at += write_bytes_head(envelope.payload.size(), out.data() + at);
  return ByteView(out.data(), at);
}

}  // namespace latchkey::agent
