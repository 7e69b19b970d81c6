// SPDX-License-Identifier: Apache-2.0
#include "agent/story/update_text.h"

namespace latchkey::agent {
namespace {

using Kind = UpdateReport::Kind;
using State = Updater::State;

// What stands before the version and behind it.
struct Form {
  std::string_view before;
  std::string_view after;
};

Form form_of(Kind kind) {
  switch (kind) {
    case Kind::kFetching: return {"firmware ", " is good so far: fetching"};
    case Kind::kRefused: return {"firmware refused: ", ""};
    case Kind::kReady: return {"firmware ", " is complete and good: it is tried after a restart"};
    case Kind::kConfirmed: return {"firmware ", " confirmed: it stays"};
    case Kind::kReverted: return {"firmware ", " was not confirmed: back to the one before"};
    case Kind::kRevoked: return {"firmware ", ", which runs, is revoked"};
    case Kind::kGoingBack: return {"going back to firmware ", ""};
    case Kind::kNoWayBack: return {"firmware ", " runs on: there is nothing to go back to"};
    case Kind::kWithdrawn: return {"firmware offer withdrawn", ""};
    case Kind::kUpToDate: return {"firmware ", " runs already"};
    case Kind::kNone: break;
  }
  return {"firmware", ""};
}

bool names_version(Kind kind) { return kind != Kind::kRefused && kind != Kind::kWithdrawn && kind != Kind::kNone; }

void put_hex(TextWriter& out, ByteView bytes) {
  std::array<std::uint8_t, hex_size(crypto::kSha256Size)> digits;
  const auto size = hex_encode(bytes, digits);
  if (size) out.put(ByteView(digits).subview(0, *size).text());
}

void put_last(TextWriter& out, const UpdateReport& report) {
  out.put(R"(,"last":)");
  if (report.kind == Kind::kNone) {
    out.put("null");
    return;
  }
  out.put(R"({"report":")").put(name_of(report.kind)).put('"');
  if (report.reason != Reason::kGood) out.put(R"(,"reason":")").put(name_of(report.reason)).put('"');
  if (names_version(report.kind)) {
    out.put(R"(,"version":")");
    put_version(out, report.version);
    out.put('"');
  }
  if (report.offer != OfferId()) {
    out.put(R"(,"id":")");
    put_hex(out, report.offer);
    out.put('"');
  }
  out.put('}');
}

}  // namespace

void put_version(TextWriter& out, Version version) {
  out.put_decimal(version.major).put('.').put_decimal(version.minor).put('.').put_decimal(version.patch);
}

void put_update(TextWriter& out, const UpdateReport& report) {
  const Form form = form_of(report.kind);
  out.put(form.before);
  if (names_version(report.kind)) put_version(out, report.version);
  out.put(form.after);
  if (report.kind == Kind::kRefused) out.put(name_of(report.reason));
}

void put_statement(TextWriter& out, const Result<StatementKind>& taken, const UpdateSummary& held) {
  if (!taken) {
    out.put("a statement about firmware is not taken: ").put(to_string(taken.error()));
    return;
  }
  const bool pins = *taken == StatementKind::kPins;
  out.put("holds what the hub says about ").put(pins ? "pins" : "revocations").put(", version ");
  out.put_decimal(pins ? held.pins : held.revocations);
}

std::string_view stage_of(const UpdateSummary& summary) {
  switch (summary.state) {
    case State::kStopped:
    case State::kIdle:
    case State::kSettling:
    case State::kStoringFloor: return "idle";
    case State::kTrial:
    case State::kConfirming: return "trial";
    case State::kStoringTarget:
    case State::kChoosing:
    case State::kRestarting: return "restarting";
    case State::kEnvelope:
    case State::kStoringCandidate:
    case State::kImage:
    case State::kWriting:
    case State::kStoringProgress:
    case State::kRehashing:
    case State::kSealed: break;
  }
  return "fetching";
}

void put_update_status(TextWriter& out, const UpdateSummary& summary) {
  out.put(R"({"state":")").put(stage_of(summary)).put(R"(","version":")");
  put_version(out, summary.version);
  out.put(R"(","slot":")").put(summary.slot == ports::FirmwareSlot::kA ? 'a' : 'b');
  out.put(R"(","image":")");
  put_hex(out, summary.image);
  out.put(R"(","stored":)").put_decimal(summary.progress.stored);
  out.put(R"(,"size":)").put_decimal(summary.progress.size);
  out.put(R"(,"pins":)").put_decimal(summary.pins);
  out.put(R"(,"revocations":)").put_decimal(summary.revocations);
  put_last(out, summary.last);
  out.put('}');
}

}  // namespace latchkey::agent
