// SPDX-License-Identifier: Apache-2.0
#include "agent/update/statement_store.h"

#include <cstring>

namespace latchkey::agent {
namespace {

constexpr std::uint8_t kMagic[] = {'L', 'K', 'S', '1'};
constexpr std::size_t kDigestAt = 8;

ports::FirmwareRecord record_of(StatementKind kind, int place) {
  const auto first =
      kind == StatementKind::kPins ? ports::FirmwareRecord::kPins0 : ports::FirmwareRecord::kRevocations0;
  return static_cast<ports::FirmwareRecord>(static_cast<int>(first) + place);
}

// The statement inside a record that is whole.
Result<ByteView> open_record(ByteView record) {
  if (record.size() < StatementStore::kHeadSize ||
      record.subview(0, sizeof kMagic) != ByteView(kMagic, sizeof kMagic)) {
    return fail(Status::kCorrupt);
  }
  std::size_t length = 0;
  for (std::size_t i = 0; i < 4; ++i) length |= static_cast<std::size_t>(record[4 + i]) << (8 * i);
  const ByteView text = record.subview(StatementStore::kHeadSize, record.size());
  crypto::Sha256 digest;
  LATCHKEY_TRY_VOID(crypto::sha256(text, digest));
  if (length != text.size() || record.subview(kDigestAt, digest.size()) != ByteView(digest)) {
    return fail(Status::kCorrupt);
  }
  return text;
}

// A statement says something only if its body can be read.
Result<void> check_body(const Statement& statement) {
  if (statement.kind == StatementKind::kPins) {
    LATCHKEY_TRY_VOID(Pins::read(statement));
  } else {
    LATCHKEY_TRY_VOID(Revocations::read(statement));
  }
  return {};
}

}  // namespace

MutableBytes StatementStore::text_of(StatementKind kind) {
  return kind == StatementKind::kPins ? MutableBytes(room_.pins) : MutableBytes(room_.revocations);
}

void StatementStore::load() {
  pins_ = Pins();
  for (const StatementKind kind : {StatementKind::kPins, StatementKind::kRevocations}) {
    held(kind) = Held();
    for (int place = 0; place < 2; ++place) load_place(kind, place);
  }
}

void StatementStore::load_place(StatementKind kind, int place) {
  const auto size = medium_.read_record(record_of(kind, place), room_.record);
  if (!size) return;
  const auto text = open_record(ByteView(room_.record.data(), *size));
  if (!text) return;
  const auto statement = read_statement(*text, key_);
  if (!statement || statement->kind != kind || statement->version <= held(kind).version) return;
  (void)adopt(*statement, *text, place);
}

Result<void> StatementStore::adopt(const Statement& statement, ByteView text, int place) {
  LATCHKEY_TRY_VOID(check_body(statement));
  const MutableBytes kept = text_of(statement.kind);
  std::memcpy(kept.data(), text.data(), text.size());
  // The same statement, seen in the place where it stays.
  Statement own = statement;
  own.body = ByteView(kept.data() + (statement.body.data() - text.data()), statement.body.size());
  if (own.kind == StatementKind::kPins) {
    pins_ = *Pins::read(own);
  } else {
    revocations_ = *Revocations::read(own);
  }
  held(own.kind) = Held{own.version, text.size(), place};
  return {};
}

Result<void> StatementStore::write(StatementKind kind, int place, ByteView text) {
  std::uint8_t* to = room_.record.data();
  std::memcpy(to, kMagic, sizeof kMagic);
  for (std::size_t i = 0; i < 4; ++i) to[4 + i] = static_cast<std::uint8_t>(text.size() >> (8 * i));
  crypto::Sha256 digest;
  LATCHKEY_TRY_VOID(crypto::sha256(text, digest));
  std::memcpy(to + kDigestAt, digest.data(), digest.size());
  std::memcpy(to + kHeadSize, text.data(), text.size());
  return medium_.write_record(record_of(kind, place), ByteView(to, kHeadSize + text.size()));
}

Result<StatementKind> StatementStore::offer(ByteView text) {
  LATCHKEY_TRY(statement, read_statement(text, key_));
  LATCHKEY_TRY_VOID(check_body(statement));
  const Held& now = held(statement.kind);
  const ByteView kept(text_of(statement.kind).data(), now.size);
  if (statement.version == now.version && text == kept) return statement.kind;
  if (statement.version <= now.version) return fail(Status::kRefused);
  const int place = 1 - now.place;
  LATCHKEY_TRY_VOID(write(statement.kind, place, text));
  LATCHKEY_TRY_VOID(adopt(statement, text, place));
  return statement.kind;
}

}  // namespace latchkey::agent
