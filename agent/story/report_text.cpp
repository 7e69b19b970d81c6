// SPDX-License-Identifier: Apache-2.0
#include "agent/story/report_text.h"

#include "platform/base/status.h"

namespace latchkey::agent {
namespace {

// How a report reads: before its text, after it, and whether number and text belong in between.
struct Form {
  std::string_view before;
  bool text;
  std::string_view between;
  bool number;
  std::string_view after;
};

Form form_of(const Report& report) {
  switch (report.what) {
    case Occurrence::kStarted:
      if (report.text.empty()) return {"started without an operational credential", false, "", false, ""};
      return {"started with ", true, ", generation ", true, ""};
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
    case Occurrence::kRenewing: return {"renewing over the live session: generation ", false, "", true, ""};
    case Occurrence::kRenewed: return {"renewed: stored generation ", false, "", true, ""};
    case Occurrence::kRenewalFailed: return {"renewal failed: ", true, " (", true, ")"};
    case Occurrence::kStorageFailed: return {"storage failed: ", true, ": ", false, ""};
    case Occurrence::kDevicebound: return {"cloud-to-device message, bytes: ", false, "", true, ""};
    case Occurrence::kClockDoubted: return {"the clock is doubted, it is ", true, ", by minutes: ", true, ""};
    case Occurrence::kStopped: return {"stopped", false, "", false, ""};
  }
  return {"?", false, "", false, ""};
}

// What a number means, where it is a name.
std::string_view name_of_number(const Report& report) {
  if (report.what == Occurrence::kConnectionFailed) return to_string(static_cast<ports::LinkFailure>(report.number));
  if (report.what == Occurrence::kStorageFailed) return to_string(static_cast<Status>(report.number));
  return {};
}

}  // namespace

std::string_view to_string(ports::LinkFailure why) {
  switch (why) {
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

void put_printable(TextWriter& out, std::string_view text, std::size_t most) {
  for (const char c : text.substr(0, most)) out.put(c >= ' ' && c <= '~' ? c : '?');
}

void put_report(TextWriter& out, const Report& report) {
  const Form form = form_of(report);
  out.put(form.before);
  if (form.text) put_printable(out, report.text);
  out.put(form.between);
  if (form.number) out.put_decimal(report.number);
  out.put(name_of_number(report)).put(form.after);
  if (report.wait_ms == 0) return;
  out.put(", next try in ")
      .put_decimal(report.wait_ms / 1000)
      .put('.')
      .put_decimal(report.wait_ms % 1000 / 100)
      .put(" s");
}

}  // namespace latchkey::agent
