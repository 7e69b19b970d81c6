// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/authenticode/pe_file.h"

#include <algorithm>
#include <array>
#include <limits>

#include "hub/signing/base/der.h"

namespace latchkey::hub::signing {
namespace {

// Offsets of the "PE Format" specification.
constexpr std::size_t kHeaderAddressAt = 0x3c;
constexpr std::size_t kOptionalHeaderAt = 24;  // behind the signature and the COFF header
constexpr std::size_t kOptionalSizeAt = 20;
constexpr std::size_t kChecksumAt = 64;  // in the optional header, of both kinds
constexpr std::uint16_t kPe32 = 0x10b;
constexpr std::uint16_t kPe32Plus = 0x20b;
constexpr std::size_t kTableEntry = 4;  // among the data directories
constexpr std::size_t kEntrySize = 8;
constexpr std::size_t kTableHeader = 8;  // of WIN_CERTIFICATE
constexpr std::uint16_t kRevision = 0x0200;
constexpr std::uint16_t kPkcs7 = 0x0002;
constexpr std::size_t kUnit = 8;

std::uint16_t read_16(ByteView file, std::size_t at) {
  return static_cast<std::uint16_t>(file[at] | file[at + 1] << 8);
}

std::uint32_t read_32(ByteView file, std::size_t at) {
  return static_cast<std::uint32_t>(read_16(file, at)) | static_cast<std::uint32_t>(read_16(file, at + 2)) << 16;
}

void write_32(Bytes& file, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) file[at + i] = static_cast<std::uint8_t>(value >> 8 * i);
}

void append_16(Bytes& to, std::uint16_t value) {
  to.push_back(static_cast<std::uint8_t>(value));
  to.push_back(static_cast<std::uint8_t>(value >> 8));
}

void append_32(Bytes& to, std::uint32_t value) {
  append_16(to, static_cast<std::uint16_t>(value));
  append_16(to, static_cast<std::uint16_t>(value >> 16));
}

constexpr std::array<std::uint8_t, kUnit> kZeros{};
std::size_t padding_of(std::size_t size) { return (kUnit - size % kUnit) % kUnit; }
void append_padding(Bytes& to) { append(to, ByteView(kZeros.data(), padding_of(to.size()))); }

// The sum of all 16-bit words with end-around carry, the field itself as 0, and the length.
std::uint32_t checksum_of(ByteView file, std::size_t field_at) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < file.size(); i += 2) {
    if (i == field_at || i == field_at + 2) continue;
    sum += i + 1 < file.size() ? read_16(file, i) : file[i];
    sum = (sum & 0xffffU) + (sum >> 16);
  }
  return sum + static_cast<std::uint32_t>(file.size());
}

Outcome<PeLayout> read_headers(ByteView file) {
  const auto none = refuse(Status::kMalformed, "not a PE file, or cut off");
  if (file.size() < kHeaderAddressAt + 4 || file[0] != 'M' || file[1] != 'Z') return none;
  const std::size_t pe = read_32(file, kHeaderAddressAt);
  // An odd address would make the checksum's words straddle its field.
  if (pe % 2 != 0 || pe > file.size() || file.size() - pe < kOptionalHeaderAt + 2) return none;
  if (read_32(file, pe) != 0x00004550U) return none;
  const std::size_t optional = pe + kOptionalHeaderAt;
  const std::size_t optional_size = read_16(file, pe + kOptionalSizeAt);
  const std::uint16_t kind = read_16(file, optional);
  if (kind != kPe32 && kind != kPe32Plus) return none;
  const std::size_t directories = kind == kPe32 ? 96 : 112;
  const std::size_t needed = directories + (kTableEntry + 1) * kEntrySize;
  if (file.size() - optional < optional_size) return none;
  if (optional_size < needed || read_32(file, optional + directories - 4) <= kTableEntry) {
    return refuse(Status::kUnsupported, "this PE file has no room for a certificate table");
  }
  PeLayout layout;
  layout.checksum_at = optional + kChecksumAt;
  layout.table_entry_at = optional + directories + kTableEntry * kEntrySize;
  layout.content_size = file.size();
  return layout;
}

}  // namespace

Outcome<PeLayout> read_pe(ByteView file) {
  if (file.size() > std::numeric_limits<std::uint32_t>::max()) return refuse(Status::kTooLarge, "a file of over 4 GiB");
  LATCHKEY_TRY(layout, read_headers(file));
  const std::size_t table_at = read_32(file, layout.table_entry_at);
  const std::size_t table_size = read_32(file, layout.table_entry_at + 4);
  if (table_at == 0 && table_size == 0) return layout;
  const bool at_end = table_at <= file.size() && table_size == file.size() - table_at;
  if (!at_end || table_size < kTableHeader || table_at % kUnit != 0 || table_at < layout.table_entry_at + kEntrySize) {
    return refuse(Status::kMalformed, "the certificate table is not at the file's end");
  }
  layout.content_size = table_at;
  layout.table_size = table_size;
  return layout;
}

Bytes pe_digest(ByteView file, const PeLayout& layout, Hash hash) {
  const ByteView content = file.subview(0, layout.content_size);
  const std::size_t behind_checksum = layout.checksum_at + 4;
  const std::size_t behind_entry = layout.table_entry_at + kEntrySize;
  return digest_of(
      hash, {content.subview(0, layout.checksum_at),
             content.subview(behind_checksum, layout.table_entry_at - behind_checksum),
             content.subview(behind_entry, content.size()), ByteView(kZeros.data(), padding_of(content.size()))});
}

Outcome<Bytes> pe_signature(ByteView file, const PeLayout& layout) {
  if (layout.table_size == 0) return refuse(Status::kNotFound, "the file is not signed");
  const ByteView table = file.subview(layout.content_size, layout.table_size);
  const std::size_t length = read_32(table, 0);
  if (length < kTableHeader || length > table.size()) return refuse(Status::kMalformed, "a damaged certificate table");
  if (read_16(table, 4) != kRevision || read_16(table, 6) != kPkcs7 || table.size() - length >= kUnit) {
    return refuse(Status::kUnsupported, "several signatures, or one of another kind");
  }
  der::Reader reader(table.subview(kTableHeader, length - kTableHeader));
  const auto signature = reader.next(der::kSequence);
  if (!signature) return refuse(Status::kMalformed, "a damaged certificate table");
  const ByteView rest = table.subview(kTableHeader + signature->whole.size(), table.size());
  if (rest.size() >= 2 * kUnit || std::any_of(rest.begin(), rest.end(), [](std::uint8_t byte) { return byte != 0; })) {
    return refuse(Status::kMalformed, "something lies behind the signature");
  }
  return copy_of(signature->whole);
}

Outcome<Bytes> pe_with_signature(ByteView file, const PeLayout& layout, ByteView signature) {
  Bytes made = copy_of(file.subview(0, layout.content_size));
  append_padding(made);
  const std::size_t table_at = made.size();
  const std::size_t table_size = kTableHeader + signature.size() + padding_of(signature.size());
  if (table_at + table_size > std::numeric_limits<std::uint32_t>::max()) {
    return refuse(Status::kTooLarge, "a file of over 4 GiB");
  }
  append_32(made, static_cast<std::uint32_t>(table_size));
  append_16(made, kRevision);
  append_16(made, kPkcs7);
  append(made, signature);
  append_padding(made);
  write_32(made, layout.table_entry_at, static_cast<std::uint32_t>(table_at));
  write_32(made, layout.table_entry_at + 4, static_cast<std::uint32_t>(table_size));
  write_32(made, layout.checksum_at, checksum_of(made, layout.checksum_at));
  return made;
}

}  // namespace latchkey::hub::signing
