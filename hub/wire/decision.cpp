// SPDX-License-Identifier: Apache-2.0
#include "hub/wire/decision.h"

#include "hub/wire/codec.h"

namespace latchkey::hub::wire {
namespace {

using codec::Kind;
using codec::Reader;
using codec::Writer;

constexpr std::size_t kLeastDecision = 8 + 8 + 1 + kCheckCount + 2 + 2 + 4 + 16;

void write(Writer& out, const Decision& decision) {
  out.u64(decision.number);
  out.i64(decision.at);
  out.u8(static_cast<std::uint8_t>(decision.reason));
  for (const CheckOutcome outcome : decision.checks) out.u8(static_cast<std::uint8_t>(outcome));
  out.text(decision.client_id);
  out.text(decision.peer);
  out.bytes(decision.serial);
  out.id(decision.issuer);
}

Decision read(Reader& in) {
  Decision decision;
  decision.number = in.u64();
  decision.at = in.i64();
  const std::uint8_t reason = in.u8();
  if (reason >= registry::kReasonLimit) in.fail_all();
  decision.reason = static_cast<registry::Reason>(reason);
  for (CheckOutcome& outcome : decision.checks) {
    const std::uint8_t value = in.u8();
    if (value > static_cast<std::uint8_t>(CheckOutcome::kFailed)) in.fail_all();
    outcome = static_cast<CheckOutcome>(value);
  }
  decision.client_id = in.text();
  decision.peer = in.text();
  decision.serial = in.bytes();
  decision.issuer = in.id<Uuid>();
  return decision;
}

// Most reasons never occur: only counts that are not zero are written, in rising order.
void write_counts(Writer& out, const std::array<std::uint64_t, registry::kReasonLimit>& counts) {
  std::uint8_t used = 0;
  for (const std::uint64_t count : counts) used = static_cast<std::uint8_t>(used + (count != 0));
  out.u8(used);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    out.u8(static_cast<std::uint8_t>(i));
    out.u64(counts[i]);
  }
}

void read_counts(Reader& in, std::array<std::uint64_t, registry::kReasonLimit>& counts) {
  int last = -1;
  for (int left = in.u8(); left > 0 && !in.failed(); --left) {
    const int index = in.u8();
    const std::uint64_t count = in.u64();
    if (index <= last || index >= registry::kReasonLimit || count == 0) return in.fail_all();
    counts[static_cast<std::size_t>(index)] = count;
    last = index;
  }
}

}  // namespace

std::string_view to_string(Check check) {
  switch (check) {
    case Check::kReady: return "ready";
    case Check::kProtocol: return "protocol";
    case Check::kClientId: return "client id";
    case Check::kCredential: return "credential";
    case Check::kVerdict: return "verdict";
    case Check::kChain: return "chain";
    case Check::kIssuer: return "issuer";
    case Check::kValidity: return "validity";
    case Check::kIdentifier: return "identifier";
    case Check::kNames: return "names";
    case Check::kDevice: return "device";
    case Check::kEnabled: return "enabled";
    case Check::kCurrent: return "current";
    case Check::kPlace: return "place";
  }
  return "unknown";
}

Bytes encode(const Decisions& decisions) {
  Writer out(Kind::kDecisions);
  out.u64(decisions.dropped);
  out.u64(decisions.connections);
  out.u64(decisions.messages);
  write_counts(out, decisions.counts);
  out.u32(static_cast<std::uint32_t>(decisions.decisions.size()));
  for (const Decision& decision : decisions.decisions) write(out, decision);
  return out.take();
}

Result<Decisions> decode_decisions(ByteView bytes) {
  Reader in(bytes, Kind::kDecisions);
  Decisions decisions;
  decisions.dropped = in.u64();
  decisions.connections = in.u64();
  decisions.messages = in.u64();
  read_counts(in, decisions.counts);
  const std::uint32_t count = in.count(kLeastDecision);
  decisions.decisions.reserve(count);
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) decisions.decisions.push_back(read(in));
  if (!in.finished()) return fail(Status::kMalformed);
  return decisions;
}

}  // namespace latchkey::hub::wire
