// SPDX-License-Identifier: Apache-2.0
// A credential record: as it is, and with its checksum mended, since a fuzzer guesses none. `@KEY@` in the input stands
// for a key that is made when the program starts: no key lies in the corpus.
#include "agent/core/record.h"

#include <memory>

#include "agent/core/slots.h"
#include "platform/crypto/digest.h"
#include "platform/crypto/pem.h"
#include "tests/fuzz/target.h"

namespace latchkey::fuzz {
namespace {

using namespace agent;

constexpr std::string_view kHead = "latchkey-credential 1\nchecksum ";
constexpr std::string_view kPlace = "@KEY@\n";

const std::string& key_pem() {
  static const std::string pem = [] {
    crypto::DeviceKey key;
    require(crypto::init() && crypto::generate_key(crypto::Curve::kP256, key), "a key can be made");
    std::array<std::uint8_t, 512> room;
    const auto size = crypto::pem_encode(crypto::kPemEcKey, key.der(), room);
    return std::string(ByteView(room).subview(0, *size).text());
  }();
  return pem;
}

std::string with_key(std::string_view text) {
  std::string made(text);
  const std::size_t at = made.find(kPlace);
  if (at != std::string::npos) made.replace(at, kPlace.size(), key_pem());
  return made;
}

// The body with a checksum that is right.
std::string record_of(std::string_view body) {
  crypto::Sha256 digest;
  require(crypto::sha256(body, digest).has_value(), "a digest can be made");
  std::array<std::uint8_t, hex_size(crypto::kSha256Size)> hex;
  require(hex_encode(digest, hex).has_value(), "hex fits");
  return std::string(kHead) + std::string(ByteView(hex).text()) + "\n" + std::string(body);
}

bool same_header(const Record& a, const Record& b) {
  return a.generation == b.generation && a.hub == b.hub && a.device_id == b.device_id && a.request_id == b.request_id;
}

void check_restated(const std::string& text, const Record& record) {
  std::vector<std::uint8_t> copy(text.begin(), text.end());
  const RecordState state = record.state == RecordState::kStaged ? RecordState::kProven : record.state;
  require(restate_record({copy.data(), copy.size()}, state).has_value(), "what is read can be restated");
  const auto again = parse_record(copy);
  require(again && again->state == state && again->pem == record.pem && same_header(*again, record),
          "restating changes the state alone");
}

// All that can be read, written again, reads the same.
void check_written(const Record& record, std::string_view label) {
  crypto::DeviceKey key;
  if (!read_key(record, key)) return;
  static std::array<std::array<std::uint8_t, kMaxCertificate>, kMaxRecordChain> rooms;
  std::array<ByteView, kMaxRecordChain> ders;
  std::size_t count = 0;
  for (; count < kMaxRecordChain; ++count) {
    const auto size = read_block(record, label, count, rooms[count]);
    if (!size) break;
    ders[count] = ByteView(rooms[count]).subview(0, *size);
  }
  static std::array<std::uint8_t, kMaxRecord> room;
  if (count == 0) return;
  const auto size = write_record(record, key, label, ders.data(), count, room);
  if (!size) return;
  const auto again = parse_record(ByteView(room).subview(0, *size));
  require(again && again->state == record.state && same_header(*again, record), "a record reads back the same");
  for (std::size_t i = 0; i < count; ++i) {
    std::array<std::uint8_t, kMaxCertificate> der;
    const auto read = read_block(*again, label, i, der);
    require(read && ByteView(der).subview(0, *read) == ders[i], "so do its certificates");
  }
  note_good();
}

void check(const std::string& text) {
  const std::unique_ptr<std::uint8_t[]> block(new std::uint8_t[text.size()]);
  std::memcpy(block.get(), text.data(), text.size());
  const ByteView whole(block.get(), text.size());
  const auto record = parse_record(whole);
  std::vector<std::uint8_t> room(kMaxCertificate);
  const auto credential = read_credential(whole, {room.data(), room.size()});
  require(record || !credential, "no credential without a record");
  if (!record) return;
  for (const auto part : {record->hub, record->device_id, record->request_id, record->pem}) {
    require_inside(part, whole);
  }
  check_restated(text, *record);
  check_written(*record, record->state == RecordState::kPending ? crypto::kPemCsr : crypto::kPemCertificate);
}

}  // namespace

LATCHKEY_FUZZ_TARGET(record) {
  const std::string text = with_key(input.text());
  check(text);
  const std::size_t body_at = kHead.size() + hex_size(crypto::kSha256Size) + 1;
  check(record_of(text.size() > body_at ? std::string_view(text).substr(body_at) : std::string_view()));
}

}  // namespace latchkey::fuzz
