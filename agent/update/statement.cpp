// SPDX-License-Identifier: Apache-2.0
#include "agent/update/statement.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "agent/update/cbor.h"
#include "agent/update/envelope.h"
#include "platform/crypto/signature.h"

namespace latchkey::agent {
namespace {

constexpr std::uint64_t kSign1Tag = 18;
constexpr std::uint64_t kFormat = 1;
constexpr std::uint64_t kKeys = 4;
constexpr std::size_t kOidMax = 64;
constexpr std::uint64_t kLastSecond = 253402300799;  // 9999-12-31T23:59:59Z
constexpr std::int64_t kReasonMax = 10;              // RFC 5280 section 5.3.1
// {1: -7}, ES256 and nothing else.
constexpr std::uint8_t kProtected[] = {0xA1, 0x01, 0x26};
// SubjectPublicKeyInfo of a P-256 key up to its point (RFC 5480), which is not compressed.
constexpr std::uint8_t kP256Head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                      0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                      0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
constexpr std::size_t kP256Size = sizeof kP256Head + 64;

Result<void> expect_unsigned(CborReader& reader, std::uint64_t number) {
  LATCHKEY_TRY(read, reader.next_unsigned());
  if (read != number) return fail(Status::kMalformed);
  return {};
}

Result<void> check_signature(ByteView payload, ByteView signature, ByteView statement_key) {
  Envelope envelope;
  envelope.protected_header = ByteView(kProtected, sizeof kProtected);
  envelope.payload = payload;
  std::array<std::uint8_t, kSignedHeadMax> room;
  LATCHKEY_TRY(head, signed_head(envelope, room));
  const ByteView parts[] = {head, payload};
  crypto::HashValue digest;
  LATCHKEY_TRY_VOID(crypto::hash_of(crypto::Hash::kSha256, parts, 2, digest));
  constexpr crypto::SignatureKind kEs256{crypto::Scheme::kEcdsa, crypto::Hash::kSha256, crypto::KeyCurve::kP256};
  if (!crypto::verify_digest(statement_key, kEs256, digest.view(), signature)) return fail(Status::kNotTrusted);
  return {};
}

Result<Statement> read_payload(ByteView payload) {
  CborReader reader(payload);
  LATCHKEY_TRY(pairs, reader.next_map());
  if (pairs != kKeys) return fail(Status::kMalformed);
  LATCHKEY_TRY_VOID(expect_unsigned(reader, 1));
  LATCHKEY_TRY(format, reader.next_unsigned());
  if (format != kFormat) return fail(Status::kUnsupported);
  LATCHKEY_TRY_VOID(expect_unsigned(reader, 2));
  LATCHKEY_TRY(kind, reader.next_unsigned());
  if (kind != static_cast<std::uint64_t>(StatementKind::kPins) &&
      kind != static_cast<std::uint64_t>(StatementKind::kRevocations)) {
    return fail(Status::kUnsupported);
  }
  LATCHKEY_TRY_VOID(expect_unsigned(reader, 3));
  LATCHKEY_TRY(version, reader.next_unsigned());
  LATCHKEY_TRY_VOID(expect_unsigned(reader, 4));
  if (version == 0) return fail(Status::kMalformed);
  return Statement{static_cast<StatementKind>(kind), version,
                   payload.subview(reader.position(), payload.size() - reader.position())};
}

bool rises(ByteView before, ByteView after) { return before.text() < after.text(); }

// One authority's certificates; calls `each` with serial, effective second and reason.
template <class Each>
Result<void> read_entries(CborReader& reader, Each each) {
  LATCHKEY_TRY(count, reader.next_array());
  ByteView last;
  for (std::size_t i = 0; i < count; ++i) {
    LATCHKEY_TRY(parts, reader.next_array());
    LATCHKEY_TRY(serial, reader.next_bytes());
    LATCHKEY_TRY(effective, reader.next_unsigned());
    LATCHKEY_TRY(reason, reader.next_integer());
    const bool serial_good = !serial.empty() && serial.size() <= crypto::kMaxSerialSize && serial[0] != 0;
    if (parts != 3 || !serial_good || effective > kLastSecond || reason < -1 || reason > kReasonMax ||
        (i > 0 && !rises(last, serial))) {
      return fail(Status::kMalformed);
    }
    last = serial;
    each(serial, effective, reason);
  }
  return {};
}

// RFC 3161 section 4: unspecified, affiliationChanged, superseded, cessationOfOperation.
bool keeps_old_stamps(std::int64_t reason) { return reason == 0 || reason == 3 || reason == 4 || reason == 5; }

}  // namespace

bool valid_statement_key(ByteView der) {
  return der.size() == kP256Size && std::equal(std::begin(kP256Head), std::end(kP256Head), der.begin());
}

Result<Statement> read_statement(ByteView text, ByteView statement_key) {
  if (text.size() > Statement::kSizeMax) return fail(Status::kTooLarge);
  CborReader reader(text);
  LATCHKEY_TRY_VOID(reader.next_tag(kSign1Tag));
  LATCHKEY_TRY(parts, reader.next_array());
  LATCHKEY_TRY(protected_header, reader.next_bytes());
  LATCHKEY_TRY(unprotected, reader.next_map());
  LATCHKEY_TRY(payload, reader.next_bytes());
  LATCHKEY_TRY(signature, reader.next_bytes());
  if (parts != 4 || unprotected != 0 || !reader.at_end() ||
      protected_header != ByteView(kProtected, sizeof kProtected)) {
    return fail(Status::kMalformed);
  }
  LATCHKEY_TRY_VOID(check_signature(payload, signature, statement_key));
  return read_payload(payload);
}

Result<Pins> Pins::read(const Statement& statement) {
  if (statement.kind != StatementKind::kPins) return fail(Status::kMalformed);
  CborReader reader(statement.body);
  LATCHKEY_TRY(count, reader.next_array());
  if (count == 0 || count > kMax) return fail(Status::kMalformed);
  Pins pins;
  for (std::size_t i = 0; i < count; ++i) {
    LATCHKEY_TRY(oid, reader.next_bytes());
    const bool in_order = i == 0 || rises(pins.ekus_[i - 1], oid);
    if (oid.empty() || oid.size() > kOidMax || !in_order) return fail(Status::kMalformed);
    pins.add(oid);
  }
  if (!reader.at_end()) return fail(Status::kMalformed);
  return pins;
}

bool Pins::has(ByteView oid) const {
  for (std::size_t i = 0; i < size_; ++i) {
    if (ekus_[i] == oid) return true;
  }
  return false;
}

bool Pins::add(ByteView oid) {
  if (size_ == kMax) return false;
  ekus_[size_++] = oid;
  return true;
}

Result<Revocations> Revocations::read(const Statement& statement) {
  if (statement.kind != StatementKind::kRevocations) return fail(Status::kMalformed);
  CborReader reader(statement.body);
  LATCHKEY_TRY(count, reader.next_array());
  if (count > kAuthoritiesMax) return fail(Status::kMalformed);
  ByteView last;
  for (std::size_t i = 0; i < count; ++i) {
    LATCHKEY_TRY(parts, reader.next_array());
    LATCHKEY_TRY(key, reader.next_bytes());
    if (parts != 2 || key.size() != crypto::kSha256Size || (i > 0 && !rises(last, key))) {
      return fail(Status::kMalformed);
    }
    last = key;
    LATCHKEY_TRY_VOID(read_entries(reader, [](ByteView, std::uint64_t, std::int64_t) {}));
  }
  if (!reader.at_end()) return fail(Status::kMalformed);
  Revocations read;
  read.body_ = statement.body;
  return read;
}

Revocations::Answer Revocations::ask(const crypto::CertificateId& certificate) const {
  Answer answer;
  CborReader reader(body_);
  const auto count = reader.next_array();
  for (std::size_t i = 0; count && i < *count; ++i) {
    (void)reader.next_array();
    const auto key = reader.next_bytes();
    const bool asked = key && *key == ByteView(certificate.issuer_key);
    if (asked) answer.standing = Standing::kGood;
    const auto look = [&](ByteView serial, std::uint64_t effective, std::int64_t reason) {
      if (!asked || serial != certificate.serial()) return;
      answer = {Standing::kRevoked, static_cast<UnixMs>(effective) * 1000, keeps_old_stamps(reason)};
    };
    if (!read_entries(reader, look)) return {};
  }
  return answer;
}

}  // namespace latchkey::agent
