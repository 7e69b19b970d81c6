// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/statements/statement.h"

#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "agent/update/envelope.h"
#include "hub/signing/base/algorithm.h"
#include "hub/signing/base/der.h"

namespace latchkey::hub::signing {
namespace {

// CBOR in its deterministic form (RFC 8949 section 4.2.1).
enum Major : std::uint8_t { kUnsigned = 0, kNegative = 1, kBytes = 2, kArray = 4, kMap = 5, kTag = 6 };

void add_head(Bytes& to, Major major, std::uint64_t value) {
  const auto type = static_cast<std::uint8_t>(major << 5);
  if (value < 24) {
    to.push_back(static_cast<std::uint8_t>(type | value));
    return;
  }
  const int size = value < 0x100 ? 1 : value < 0x10000 ? 2 : value < 0x100000000 ? 4 : 8;
  const int info = size == 1 ? 24 : size == 2 ? 25 : size == 4 ? 26 : 27;
  to.push_back(static_cast<std::uint8_t>(type | info));
  for (int i = size - 1; i >= 0; --i) to.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

void add_bytes(Bytes& to, ByteView bytes) {
  add_head(to, kBytes, bytes.size());
  append(to, bytes);
}

constexpr std::uint64_t kFormat = 1;
constexpr std::uint64_t kSign1Tag = 18;
const Bytes kProtected = {0xA1, 0x01, 0x26};  // {1: -7}: ES256

Bytes payload_of(agent::StatementKind kind, std::uint64_t version, ByteView body) {
  Bytes text;
  add_head(text, kMap, 4);
  const std::array<std::uint64_t, 3> values = {kFormat, static_cast<std::uint64_t>(kind), version};
  for (std::size_t i = 0; i < values.size(); ++i) {
    add_head(text, kUnsigned, i + 1);
    add_head(text, kUnsigned, values[i]);
  }
  add_head(text, kUnsigned, 4);
  append(text, body);
  return text;
}

Bytes digest_to_sign(ByteView payload) {
  agent::Envelope envelope;
  envelope.protected_header = kProtected;
  envelope.payload = payload;
  std::array<std::uint8_t, agent::kSignedHeadMax> room{};
  const auto head = agent::signed_head(envelope, room);
  return head ? digest_of(Hash::kSha256, {*head, payload}) : Bytes();
}

// A COSE_Sign1 by ES256.
Outcome<Bytes> signed_statement(EVP_PKEY* key, ByteView payload) {
  LATCHKEY_TRY(der, sign_digest(key, Algorithm::kEs256, digest_to_sign(payload)));
  LATCHKEY_TRY(signature, ecdsa_to_raw(Algorithm::kEs256, der));
  Bytes text;
  add_head(text, kTag, kSign1Tag);
  add_head(text, kArray, 4);
  add_bytes(text, kProtected);
  add_head(text, kMap, 0);
  add_bytes(text, payload);
  add_bytes(text, signature);
  if (text.size() > agent::Statement::kSizeMax) return refuse(Status::kTooLarge, "a statement of over 4 KiB");
  return text;
}

Outcome<void> check_version(std::uint64_t version) {
  if (version == 0) return refuse(Status::kInvalidArgument, "versions of statements begin with 1");
  return {};
}

Bytes oid_content(const std::string& dotted) {
  const Bytes whole = der::oid(dotted);
  der::Reader reader(whole);
  const auto value = reader.next(der::kOid);
  return value ? copy_of(value->content) : Bytes();
}

bool sorts_before(const Bytes& a, const Bytes& b) { return ByteView(a).text() < ByteView(b).text(); }

Outcome<Bytes> entries_text(std::vector<RevokedCertificate> entries) {
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return sorts_before(a.serial, b.serial); });
  Bytes text;
  add_head(text, kArray, entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& [serial, revocation] = entries[i];
    const bool serial_good = !serial.empty() && serial.size() <= 20 && serial[0] != 0;
    if (!serial_good || (i > 0 && entries[i - 1].serial == serial)) {
      return refuse(Status::kInvalidArgument, "a serial has 1 to 20 octets, and stands once below its authority");
    }
    if (revocation.effective_at < 0 || revocation.effective_at % 1000 != 0) {
      return refuse(Status::kInvalidArgument, "effective dates are whole seconds from 1970 on");
    }
    add_head(text, kArray, 3);
    add_bytes(text, serial);
    add_head(text, kUnsigned, static_cast<std::uint64_t>(revocation.effective_at / 1000));
    if (revocation.reason) {
      add_head(text, kUnsigned, static_cast<std::uint64_t>(*revocation.reason));
    } else {
      add_head(text, kNegative, 0);  // -1: not said
    }
  }
  return text;
}

Bytes key_digest(X509* certificate) {
  return digest_of(Hash::kSha256, openssl::to_der(i2d_X509_PUBKEY, X509_get_X509_PUBKEY(certificate)));
}

}  // namespace

Outcome<Bytes> make_pin_statement(EVP_PKEY* key, std::uint64_t version, const std::vector<std::string>& durable_ekus) {
  LATCHKEY_TRY_VOID(check_version(version));
  std::vector<Bytes> oids;
  for (const std::string& dotted : durable_ekus) oids.push_back(oid_content(dotted));
  std::sort(oids.begin(), oids.end(), sorts_before);
  const bool twice = std::adjacent_find(oids.begin(), oids.end()) != oids.end();
  if (oids.empty() || oids.size() > agent::Pins::kMax || oids[0].empty() || twice) {
    return refuse(Status::kInvalidArgument, "pins are one to four object identifiers, each once");
  }
  Bytes body;
  add_head(body, kArray, oids.size());
  for (const Bytes& oid : oids) add_bytes(body, oid);
  return signed_statement(key, payload_of(agent::StatementKind::kPins, version, body));
}

Outcome<Bytes> make_revocation_statement(EVP_PKEY* key, std::uint64_t version,
                                         const std::vector<AuthorityRevocations>& authorities) {
  LATCHKEY_TRY_VOID(check_version(version));
  if (authorities.size() > agent::Revocations::kAuthoritiesMax) {
    return refuse(Status::kInvalidArgument, "a statement speaks for 32 authorities at most");
  }
  std::vector<std::pair<Bytes, const AuthorityRevocations*>> sorted;
  for (const AuthorityRevocations& one : authorities) sorted.emplace_back(key_digest(one.authority), &one);
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return sorts_before(a.first, b.first); });
  Bytes body;
  add_head(body, kArray, sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0 && sorted[i - 1].first == sorted[i].first) {
      return refuse(Status::kInvalidArgument, "an authority stands once in a statement");
    }
    LATCHKEY_TRY(entries, entries_text(sorted[i].second->entries));
    add_head(body, kArray, 2);
    add_bytes(body, sorted[i].first);
    append(body, entries);
  }
  return signed_statement(key, payload_of(agent::StatementKind::kRevocations, version, body));
}

Bytes statement_public_key(EVP_PKEY* key) { return openssl::to_der(i2d_PUBKEY, key); }

}  // namespace latchkey::hub::signing
