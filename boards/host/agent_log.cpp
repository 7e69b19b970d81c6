// SPDX-License-Identifier: Apache-2.0
#include "boards/host/agent_log.h"

#include <cstdio>

#include "boards/host/status_file.h"
#include "platform/base/status.h"
#include "platform/ports/mqtt_link.h"

namespace latchkey::boards::host {
namespace {

std::string failure_name(std::uint32_t number) {
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

std::string in_seconds(std::uint64_t ms) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(ms) / 1000);
  return text;
}

}  // namespace

std::string describe(const agent::Report& report) {
  using agent::Occurrence;
  const std::string text = printable(report.text);
  const std::string number = std::to_string(report.number);
  const std::string next = report.wait_ms != 0 ? ", next try in " + in_seconds(report.wait_ms) : "";
  switch (report.what) {
    case Occurrence::kStarted:
      return text.empty() ? "started without an operational credential"
                          : "started with generation " + number + " in " + text;
    case Occurrence::kRecordUnusable: return "what lies in " + text + " is not a valid record: treated as empty";
    case Occurrence::kProvisioning: return "provisioning";
    case Occurrence::kAssigned: return "assigned to " + text + ", generation " + number + " stored";
    case Occurrence::kChainRefused: return "the issued chain is not for us: " + text;
    case Occurrence::kProven: return "generation " + number + " proven";
    case Occurrence::kConnected: return "connected to " + text + " with generation " + number;
    case Occurrence::kConnectionFailed: return text + ": " + failure_name(report.number) + next;
    case Occurrence::kIdentityRefused: return "refused by " + text + " (code " + number + ")" + next;
    case Occurrence::kFellBack: return "falling back to generation " + number;
    case Occurrence::kDpsRefused: return "provisioning refused (" + number + "): " + text + next;
    case Occurrence::kDpsDisabled: return "provisioning says: disabled" + next;
    case Occurrence::kDpsBusy: return "provisioning is busy (" + number + ") " + text + next;
    case Occurrence::kCertificateExpired: return "the certificate of generation " + number + " has expired";
    case Occurrence::kRenewing: return "renewing generation " + number + " over the live session";
    case Occurrence::kRenewed: return "renewed: generation " + number + " stored";
    case Occurrence::kRenewalFailed: return "renewal failed (" + number + "): " + text;
    case Occurrence::kStorageFailed:
      return "storage failed (" + text + "): " + std::string(to_string(static_cast<Status>(report.number)));
    case Occurrence::kDevicebound: return "cloud-to-device message of " + number + " bytes";
    case Occurrence::kStopped: return "stopped";
  }
  return "?";
}

void log_line(UnixMs now, const std::string& registration_id, const std::string& line) {
  const std::string whole = rfc3339(now) + ' ' + registration_id + ' ' + line + '\n';
  std::fwrite(whole.data(), 1, whole.size(), stderr);
}

}  // namespace latchkey::boards::host
