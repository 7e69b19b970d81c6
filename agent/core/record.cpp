// SPDX-License-Identifier: Apache-2.0
#include "agent/core/record.h"

#include <cstring>

#include "agent/protocol/text.h"
#include "platform/crypto/digest.h"
#include "platform/crypto/pem.h"

namespace latchkey::agent {
namespace {

constexpr std::string_view kVersionLine = "latchkey-credential 1\n";
constexpr std::string_view kChecksumKey = "checksum ";
constexpr std::size_t kChecksumDigits = hex_size(crypto::kSha256Size);
constexpr std::size_t kBodyAt = kVersionLine.size() + kChecksumKey.size() + kChecksumDigits + 1;
constexpr std::size_t kGenerationDigits = 10;
constexpr std::string_view kGenerationKey = "generation ";
constexpr std::string_view kStateKey = "state ";
constexpr std::size_t kStateAt = kBodyAt + kGenerationKey.size() + kGenerationDigits + 1 + kStateKey.size();
constexpr std::string_view kPadded[] = {"pending", "staged ", "proven ", "refused"};
constexpr std::size_t kStateWidth = 7;
constexpr std::string_view kNone = "-";

using Checksum = std::array<std::uint8_t, kChecksumDigits>;

Result<Checksum> checksum_of(ByteView body) {
  crypto::Sha256 digest;
  LATCHKEY_TRY_VOID(crypto::sha256(body, digest));
  Checksum text;
  LATCHKEY_TRY_VOID(hex_encode(digest, text));
  return text;
}

// Takes "{key}{value}\n" off the front.
Result<std::string_view> take_line(std::string_view& text, std::string_view key) {
  if (text.substr(0, key.size()) != key) return fail(Status::kCorrupt);
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return fail(Status::kCorrupt);
  const std::string_view value = text.substr(key.size(), end - key.size());
  text.remove_prefix(end + 1);
  if (value.empty()) return fail(Status::kCorrupt);
  return value;
}

Result<RecordState> state_of(std::string_view padded) {
  for (std::size_t i = 0; i < std::size(kPadded); ++i) {
    if (kPadded[i] == padded) return static_cast<RecordState>(i);
  }
  return fail(Status::kCorrupt);
}

std::string_view optional_field(std::string_view value) { return value == kNone ? std::string_view() : value; }

bool valid_field(std::string_view value) {
  for (char c : value) {
    if (c <= ' ' || c > '~') return false;
  }
  return value != kNone;
}

void put_field(TextWriter& writer, std::string_view key, std::string_view value) {
  writer.put(key).put(value.empty() ? kNone : value).put('\n');
}

Result<void> sign_body(MutableBytes text) {
  LATCHKEY_TRY(checksum, checksum_of(ByteView(text).subview(kBodyAt, text.size())));
  std::memcpy(text.data() + kVersionLine.size() + kChecksumKey.size(), checksum.data(), checksum.size());
  return {};
}

Result<void> check_frame(std::string_view text) {
  const std::size_t checksum_at = kVersionLine.size() + kChecksumKey.size();
  if (text.size() <= kBodyAt || text.size() > kMaxRecord) return fail(Status::kCorrupt);
  if (text.substr(0, kVersionLine.size()) != kVersionLine) return fail(Status::kCorrupt);
  if (text.substr(kVersionLine.size(), kChecksumKey.size()) != kChecksumKey) return fail(Status::kCorrupt);
  if (text[kBodyAt - 1] != '\n') return fail(Status::kCorrupt);
  LATCHKEY_TRY(expected, checksum_of(text.substr(kBodyAt)));
  if (text.substr(checksum_at, kChecksumDigits) != ByteView(expected).text()) return fail(Status::kCorrupt);
  return {};
}

}  // namespace

std::string_view to_string(RecordState state) {
  const std::string_view padded = kPadded[static_cast<std::size_t>(state)];
  return padded.substr(0, padded.find(' '));
}

Result<Record> parse_record(ByteView bytes) {
  LATCHKEY_TRY_VOID(check_frame(bytes.text()));
  std::string_view rest = bytes.text().substr(kBodyAt);
  Record record;
  LATCHKEY_TRY(generation, take_line(rest, kGenerationKey));
  auto number = parse_decimal(generation);
  if (generation.size() != kGenerationDigits || !number || *number > UINT32_MAX) return fail(Status::kCorrupt);
  record.generation = static_cast<std::uint32_t>(*number);
  LATCHKEY_TRY(state_text, take_line(rest, kStateKey));
  LATCHKEY_TRY(state, state_of(state_text));
  record.state = state;
  LATCHKEY_TRY(hub, take_line(rest, "hub "));
  LATCHKEY_TRY(device, take_line(rest, "device "));
  LATCHKEY_TRY(request, take_line(rest, "request "));
  record.hub = optional_field(hub);
  record.device_id = optional_field(device);
  record.request_id = optional_field(request);
  record.pem = rest;
  const bool needs_address = record.state != RecordState::kPending;
  if (needs_address && (record.hub.empty() || record.device_id.empty())) return fail(Status::kCorrupt);
  return record;
}

Result<void> read_key(const Record& record, crypto::DeviceKey& key) {
  std::array<std::uint8_t, crypto::kMaxKeySize> der;
  const MutableBytes buffer(der.data(), der.size());
  auto block = crypto::pem_decode(record.pem, crypto::kPemEcKey, buffer);
  const bool loaded = block && crypto::load_key(ByteView(buffer).subview(0, block->der_size), key);
  wipe(buffer);
  return loaded ? Result<void>() : fail(Status::kCorrupt);
}

Result<std::size_t> read_block(const Record& record, std::string_view label, std::size_t index, MutableBytes out) {
  std::string_view rest = record.pem;
  for (std::size_t i = 0;; ++i) {
    auto block = crypto::pem_decode(rest, label, out);
    if (!block) return fail(block.error() == Status::kMalformed ? Status::kCorrupt : block.error());
    if (i == index) return block->der_size;
    rest.remove_prefix(block->consumed);
  }
}

Result<std::size_t> write_record(const Record& header, const crypto::DeviceKey& key, std::string_view label,
                                 const ByteView* ders, std::size_t count, MutableBytes out) {
  if (!valid_field(header.hub) || !valid_field(header.device_id) || !valid_field(header.request_id)) {
    return fail(Status::kInvalidArgument);
  }
  if (key.empty() || count == 0 || count > kMaxRecordChain) return fail(Status::kInvalidArgument);
  TextWriter writer(out);
  writer.put(kVersionLine).put(kChecksumKey);
  for (std::size_t i = 0; i < kChecksumDigits; ++i) writer.put('0');
  writer.put('\n').put(kGenerationKey).put_decimal(header.generation, kGenerationDigits).put('\n');
  writer.put(kStateKey).put(kPadded[static_cast<std::size_t>(header.state)]).put('\n');
  put_field(writer, "hub ", header.hub);
  put_field(writer, "device ", header.device_id);
  put_field(writer, "request ", header.request_id);
  LATCHKEY_TRY(head, writer.finish());
  std::size_t size = head.size();
  LATCHKEY_TRY(key_size, crypto::pem_encode(crypto::kPemEcKey, key.der(), out.subview(size, out.size())));
  size += key_size;
  for (std::size_t i = 0; i < count; ++i) {
    LATCHKEY_TRY(block_size, crypto::pem_encode(label, ders[i], out.subview(size, out.size())));
    size += block_size;
  }
  if (size > kMaxRecord) return fail(Status::kTooLarge);
  LATCHKEY_TRY_VOID(sign_body(out.subview(0, size)));
  return size;
}

Result<void> restate_record(MutableBytes text, RecordState state) {
  LATCHKEY_TRY_VOID(parse_record(text));
  std::memcpy(text.data() + kStateAt, kPadded[static_cast<std::size_t>(state)].data(), kStateWidth);
  return sign_body(text);
}

}  // namespace latchkey::agent
