// SPDX-License-Identifier: Apache-2.0
#include "agent/update/update_state.h"

#include <cstring>
#include <new>

namespace latchkey::agent {
namespace {

constexpr std::uint8_t kMagic[] = {'L', 'K', 'U', '1'};
constexpr std::size_t kDigestAt = sizeof kMagic;
constexpr std::size_t kBodyAt = kDigestAt + crypto::kSha256Size;

// One walk over all fields, for writing and for reading: so the two cannot differ.
class Writer {
 public:
  explicit Writer(MutableBytes out) : out_(out) {}
  bool good() const { return good_; }
  std::size_t size() const { return at_; }

  void bytes(std::uint8_t* data, std::size_t size) {
    good_ = good_ && size <= out_.size() - at_;
    if (!good_) return;
    std::memcpy(out_.data() + at_, data, size);
    at_ += size;
  }
  template <class Number>
  void number(Number& value) {
    std::uint8_t text[8];
    for (std::size_t i = 0; i < 8; ++i)
      text[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i));
    bytes(text, 8);
  }

 private:
  MutableBytes out_;
  std::size_t at_ = 0;
  bool good_ = true;
};

class Reader {
 public:
  explicit Reader(ByteView text) : text_(text) {}
  bool good() const { return good_ && at_ == text_.size(); }

  void bytes(std::uint8_t* data, std::size_t size) {
    good_ = good_ && size <= text_.size() - at_;
    if (!good_) return;
    std::memcpy(data, text_.data() + at_, size);
    at_ += size;
  }
  template <class Number>
  void number(Number& value) {
    std::uint8_t text[8] = {};
    bytes(text, 8);
    std::uint64_t read = 0;
    for (std::size_t i = 0; i < 8; ++i) read |= static_cast<std::uint64_t>(text[i]) << (8 * i);
    value = static_cast<Number>(read);
  }

 private:
  ByteView text_;
  std::size_t at_ = 0;
  bool good_ = true;
};

template <class Walk>
void walk(Walk& to, Version& version) {
  to.number(version.major);
  to.number(version.minor);
  to.number(version.patch);
}

template <class Walk>
void walk(Walk& to, PathIds& path) {
  to.number(path.size);
  if (path.size > path.certificates.size()) path.size = path.certificates.size();
  for (std::size_t i = 0; i < path.size; ++i) {
    crypto::CertificateId& id = path.certificates[i];
    to.bytes(id.issuer_key.data(), id.issuer_key.size());
    to.number(id.serial_size);
    if (id.serial_size > id.serial_bytes.size()) id.serial_size = static_cast<std::uint8_t>(id.serial_bytes.size());
    to.bytes(id.serial_bytes.data(), id.serial_size);
  }
}

template <class Walk>
void walk(Walk& to, ImageFacts& image) {
  to.number(image.origin);
  walk(to, image.version);
  walk(to, image.minimum);
  to.number(image.size);
  to.bytes(image.sha256.data(), image.sha256.size());
  Evidence& evidence = image.evidence;
  for (UnixMs* time : {&evidence.not_before, &evidence.not_after, &evidence.authorities_begin,
                       &evidence.authorities_end, &evidence.stamped_at, &evidence.stamped_latest}) {
    to.number(*time);
  }
  to.number(evidence.lifetime_signing);
  to.number(evidence.stamped);
  walk(to, evidence.path);
  walk(to, evidence.stamp_path);
}

template <class Walk>
void walk(Walk& to, UpdateState& state) {
  to.number(state.sequence);
  to.number(state.phase);
  to.number(state.target);
  walk(to, state.floor);
  to.bytes(state.offer.data(), state.offer.size());
  to.number(state.image_at);
  to.number(state.blocks_done);
  walk(to, state.candidate);
  for (ImageFacts& image : state.slots) walk(to, image);
}

// What a whole record holds behind its digest.
Result<ByteView> body_of(ByteView record) {
  if (record.size() < kBodyAt || record.subview(0, sizeof kMagic) != ByteView(kMagic, sizeof kMagic)) {
    return fail(Status::kCorrupt);
  }
  const ByteView body = record.subview(kBodyAt, record.size());
  crypto::Sha256 digest;
  LATCHKEY_TRY_VOID(crypto::sha256(body, digest));
  if (record.subview(kDigestAt, digest.size()) != ByteView(digest)) return fail(Status::kCorrupt);
  return body;
}

Result<ByteView> read_body(ports::FirmwareStore& medium, ports::FirmwareRecord place, MutableBytes scratch) {
  LATCHKEY_TRY(size, medium.read_record(place, scratch));
  return body_of(ByteView(scratch.data(), size));
}

ports::FirmwareRecord place_of(std::uint32_t sequence) {
  return sequence % 2 == 0 ? ports::FirmwareRecord::kState0 : ports::FirmwareRecord::kState1;
}

}  // namespace

Result<void> load_state(ports::FirmwareStore& medium, UpdateState& out, MutableBytes scratch) {
  if (scratch.size() < UpdateState::kRecordMax) return fail(Status::kTooLarge);
  std::uint32_t newest = 0;
  for (const ports::FirmwareRecord place : {ports::FirmwareRecord::kState0, ports::FirmwareRecord::kState1}) {
    const auto body = read_body(medium, place, scratch);
    if (!body) continue;
    std::uint32_t sequence = 0;  // the first of all fields
    Reader(*body).number(sequence);
    if (sequence > newest) newest = sequence;
  }
  if (newest == 0) return fail(Status::kNotFound);
  LATCHKEY_TRY(body, read_body(medium, place_of(newest), scratch));
  Reader reader(body);
  walk(reader, out);
  if (!reader.good()) {
    new (&out) UpdateState;  // in place: a temporary one would lie on the stack
    return fail(Status::kNotFound);
  }
  return {};
}

Result<void> store_state(ports::FirmwareStore& medium, UpdateState& state, MutableBytes scratch) {
  if (scratch.size() < UpdateState::kRecordMax) return fail(Status::kTooLarge);
  ++state.sequence;
  Writer writer(scratch.subview(kBodyAt, scratch.size()));
  walk(writer, state);
  crypto::Sha256 digest;
  Result<void> written = fail(Status::kInternal);
  if (writer.good()) written = crypto::sha256(ByteView(scratch.data() + kBodyAt, writer.size()), digest);
  if (written) {
    std::memcpy(scratch.data(), kMagic, sizeof kMagic);
    std::memcpy(scratch.data() + kDigestAt, digest.data(), digest.size());
    written = medium.write_record(place_of(state.sequence), ByteView(scratch.data(), kBodyAt + writer.size()));
  }
  if (!written) --state.sequence;
  return written;
}

}  // namespace latchkey::agent
