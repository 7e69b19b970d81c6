// SPDX-License-Identifier: Apache-2.0
// A statement of the hub, and the bodies of both kinds without the signature that no fuzzer guesses.
// Input: the key (SubjectPublicKeyInfo) with a length of two bytes, then the statement.
#include "agent/update/statement.h"

#include "platform/crypto/key.h"
#include "tests/fuzz/target.h"

namespace latchkey::fuzz {
namespace {

using namespace agent;

void check_pins(ByteView body) {
  const auto pins = Pins::read({StatementKind::kPins, 1, body});
  if (!pins) return;
  require(pins->size() >= 1 && pins->size() <= Pins::kMax, "pins are bounded");
  for (std::size_t i = 0; i < pins->size(); ++i) {
    require_inside((*pins)[i], body);
    require(pins->has((*pins)[i]), "a pin that is there is found");
  }
}

void check_revocations(ByteView body) {
  const auto revocations = Revocations::read({StatementKind::kRevocations, 1, body});
  if (!revocations) return;
  crypto::CertificateId id;
  require(revocations->ask(id).standing != Revocations::Standing::kRevoked, "no serial is empty");
  // Keys and serials as they stand in the body, wherever that is.
  for (std::size_t at = 0; at + id.issuer_key.size() < body.size(); ++at) {
    std::memcpy(id.issuer_key.data(), body.data() + at, id.issuer_key.size());
    id.serial_size = 3;
    std::memcpy(id.serial_bytes.data(), body.data() + body.size() - 3, id.serial_size);
    (void)revocations->ask(id);
    if (at == 64) return;
  }
}

}  // namespace

LATCHKEY_FUZZ_TARGET(statement) {
  require(crypto::init().has_value(), "PSA starts");
  Input parts(input);
  const ByteView key = parts.piece();
  const ByteView text = parts.rest();
  check_pins(text);
  check_revocations(text);
  const auto read = read_statement(text, key);
  if (!read) return;
  require_inside(read->body, text);
  require(read->version != 0, "versions begin with one");
  check_pins(read->body);
  check_revocations(read->body);
  note_good();
}

}  // namespace latchkey::fuzz
