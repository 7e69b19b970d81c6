// SPDX-License-Identifier: Apache-2.0
#include "hub/wire/feed.h"

#include "hub/wire/codec.h"

namespace latchkey::hub::wire {
namespace {

using codec::Kind;
using codec::Reader;
using codec::Writer;

enum class ChangeKind : std::uint8_t { kDevice = 1, kDeviceGone = 2, kAnchor = 3, kAnchorGone = 4, kClock = 5 };
constexpr std::size_t kLeastChange = 1 + 2;  // a kind and an empty text

struct WriteChange {
  Writer& out;

  void kind(ChangeKind kind) const { out.u8(static_cast<std::uint8_t>(kind)); }
  void operator()(const DeviceRecord& device) const {
    kind(ChangeKind::kDevice);
    out.text(device.id);
    out.id(device.uuid);
    out.id(device.credential_id);
    out.flag(device.enabled);
    out.u16(device.policy);
  }
  void operator()(const DeviceGone& gone) const {
    kind(ChangeKind::kDeviceGone);
    out.text(gone.id);
  }
  void operator()(const AnchorAdded& anchor) const {
    kind(ChangeKind::kAnchor);
    out.id(anchor.ca);
    out.bytes(anchor.der);
  }
  void operator()(const AnchorGone& gone) const {
    kind(ChangeKind::kAnchorGone);
    out.id(gone.ca);
  }
  void operator()(const ClockSet& clock) const {
    kind(ChangeKind::kClock);
    out.i64(clock.offset_ms);
    out.i64(clock.since_ms);
    out.real(clock.rate);
  }
};

FeedChange read_device(Reader& in) {
  DeviceRecord device;
  device.id = in.text();
  device.uuid = in.id<Uuid>();
  device.credential_id = in.id<CredentialId>();
  device.enabled = in.flag();
  device.policy = in.u16();
  return device;
}

FeedChange read_anchor(Reader& in) {
  AnchorAdded anchor;
  anchor.ca = in.id<Uuid>();
  anchor.der = in.bytes();
  return anchor;
}

FeedChange read_clock(Reader& in) {
  ClockSet clock;
  clock.offset_ms = in.i64();
  clock.since_ms = in.i64();
  clock.rate = in.real();
  return clock;
}

FeedChange read_change(Reader& in) {
  switch (static_cast<ChangeKind>(in.u8())) {
    case ChangeKind::kDevice: return read_device(in);
    case ChangeKind::kDeviceGone: return DeviceGone{in.text()};
    case ChangeKind::kAnchor: return read_anchor(in);
    case ChangeKind::kAnchorGone: return AnchorGone{in.id<Uuid>()};
    case ChangeKind::kClock: return read_clock(in);
  }
  in.fail_all();
  return DeviceGone{};
}

}  // namespace

Bytes encode(const Batch& batch) {
  Writer out(Kind::kBatch);
  out.u64(batch.generation);
  out.u64(batch.number);
  out.flag(batch.snapshot_end);
  out.u64(batch.lease_end_ms);
  out.u32(static_cast<std::uint32_t>(batch.changes.size()));
  for (const auto& change : batch.changes) std::visit(WriteChange{out}, change);
  return out.take();
}

Result<Batch> decode_batch(ByteView bytes) {
  Reader in(bytes, Kind::kBatch);
  Batch batch;
  batch.generation = in.u64();
  batch.number = in.u64();
  batch.snapshot_end = in.flag();
  batch.lease_end_ms = in.u64();
  const std::uint32_t count = in.count(kLeastChange);
  batch.changes.reserve(count);
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) batch.changes.push_back(read_change(in));
  if (!in.finished()) return fail(Status::kMalformed);
  return batch;
}

Bytes encode(const Ack& ack) {
  Writer out(Kind::kAck);
  out.u64(ack.generation);
  out.u64(ack.applied);
  out.u64(ack.cut);
  out.flag(ack.need_snapshot);
  return out.take();
}

Result<Ack> decode_ack(ByteView bytes) {
  Reader in(bytes, Kind::kAck);
  Ack ack;
  ack.generation = in.u64();
  ack.applied = in.u64();
  ack.cut = in.u64();
  ack.need_snapshot = in.flag();
  if (!in.finished()) return fail(Status::kMalformed);
  return ack;
}

}  // namespace latchkey::hub::wire
