// SPDX-License-Identifier: Apache-2.0
#include "boards/cortex_m/narrator.h"

#include "platform/cortex_m/uart.h"

namespace latchkey::boards::cortex_m {
namespace {

using agent::Occurrence;
using agent::TextWriter;

constexpr std::size_t kLongestText = 96;  // of a peer's

std::string_view failure_name(std::uint32_t number) {
  switch (static_cast<ports::LinkFailure>(number)) {
    case ports::LinkFailure::kUnreachable: return "unreachable";
    case ports::LinkFailure::kServerNotTrusted: return "the server's certificate is not trusted";
    case ports::LinkFailure::kTlsAlert: return "ended in TLS";
    case ports::LinkFailure::kClosedWithoutConnack: return "closed without CONNACK";
    case ports::LinkFailure::kRefused: return "refused";
    case ports::LinkFailure::kLost: return "session lost";
    case ports::LinkFailure::kLocal: return "our own credential could not be used";
  }
  return "?";
}

void put_printable(TextWriter& out, std::string_view text) {
  for (const char c : text.substr(0, kLongestText)) out.put(c >= ' ' && c <= '~' ? c : '?');
}

// How a report reads: before its text, after it, and whether number and text belong in between.
struct Form {
  std::string_view before;
  bool text;
  std::string_view between;
  bool number;
  std::string_view after;
};

Form form_of(Occurrence what) {
  switch (what) {
    case Occurrence::kStarted: return {"started, credential in hand: slot '", true, "', generation ", true, ""};
    case Occurrence::kRecordUnusable: return {"no valid record in ", true, ": treated as empty", false, ""};
    case Occurrence::kProvisioning: return {"provisioning", false, "", false, ""};
    case Occurrence::kAssigned: return {"assigned to ", true, ", stored generation ", true, ""};
    case Occurrence::kChainRefused: return {"the issued chain is not for us: ", true, "", false, ""};
    case Occurrence::kProven: return {"proven: generation ", false, "", true, ""};
    case Occurrence::kConnected: return {"connected to ", true, " with generation ", true, ""};
    case Occurrence::kConnectionFailed: return {"", true, ": ", false, ""};
    case Occurrence::kIdentityRefused: return {"refused by ", true, " (code ", true, ")"};
    case Occurrence::kFellBack: return {"falling back to generation ", false, "", true, ""};
    case Occurrence::kDpsRefused: return {"provisioning refused: ", true, " (", true, ")"};
    case Occurrence::kDpsDisabled: return {"provisioning says: disabled", false, "", false, ""};
    case Occurrence::kDpsBusy: return {"provisioning is busy ", true, " (", true, ")"};
    case Occurrence::kCertificateExpired: return {"certificate expired: generation ", false, "", true, ""};
    case Occurrence::kRenewing: return {"renewing over the live session", false, "", false, ""};
    case Occurrence::kRenewed: return {"renewed: stored generation ", false, "", true, ""};
    case Occurrence::kRenewalFailed: return {"renewal failed: ", true, " (", true, ")"};
    case Occurrence::kStorageFailed: return {"storage failed: ", true, ", status ", true, ""};
    case Occurrence::kDevicebound: return {"cloud-to-device message, bytes: ", false, "", true, ""};
    case Occurrence::kStopped: return {"stopped", false, "", false, ""};
  }
  return {"?", false, "", false, ""};
}

}  // namespace

void Narrator::on_report(const agent::Report& report) {
  TextWriter out(MutableBytes(reason_).subview(reason_size_, reason_.size()));
  if (reason_size_ != 0) out.put("; ");
  const Form form = form_of(report.what);
  out.put(form.before);
  if (form.text) put_printable(out, report.text);
  out.put(form.between);
  if (form.number) out.put_decimal(report.number);
  out.put(form.after);
  if (report.what == Occurrence::kConnectionFailed) out.put(failure_name(report.number));
  if (report.wait_ms != 0) out.put(", next try in ").put_decimal(report.wait_ms).put(" ms");
  // What does not fit beside what is there already is left out.
  if (const auto text = out.finish()) reason_size_ += text->size();
}

void Narrator::on_state(agent::State from, agent::State to) {
  std::array<std::uint8_t, 384> room;
  TextWriter line(room);
  start_line(line);
  line.put(agent::to_string(from)).put(" -> ").put(agent::to_string(to));
  if (reason_size_ != 0) line.put(": ").put(ByteView(reason_).subview(0, reason_size_).text());
  reason_size_ = 0;
  write(line);
}

void Narrator::flush(agent::State state) {
  if (reason_size_ == 0) return;
  std::array<std::uint8_t, 384> room;
  TextWriter line(room);
  start_line(line);
  line.put(agent::to_string(state)).put(": ").put(ByteView(reason_).subview(0, reason_size_).text());
  reason_size_ = 0;
  write(line);
}

void Narrator::say(std::string_view text) {
  std::array<std::uint8_t, 384> room;
  TextWriter line(room);
  start_line(line);
  line.put(text);
  write(line);
}

void Narrator::start_line(TextWriter& line) const {
  const ports::MonotonicMs now = clock_.monotonic();
  line.put_decimal(now / 1000).put('.').put_decimal(now % 1000, 3).put(' ');
}

void Narrator::write(const TextWriter& line) {
  if (const auto text = line.finish()) latchkey::cortex_m::uart::write(*text);
  latchkey::cortex_m::uart::write("\n");
}

}  // namespace latchkey::boards::cortex_m
