// SPDX-License-Identifier: Apache-2.0
#include "platform/posix/tls_trace.h"

#include <MQTTAsync.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <mutex>
#include <string_view>

namespace latchkey::posix {
namespace {

using ports::LinkFailure;

// Texts of Paho C 1.3.
constexpr std::string_view kTlsError = "SSLSocket error ";
constexpr std::string_view kStillWorking = "SSLSocket error WANT_";
constexpr std::string_view kHostChecked = "X509_check_host for hostname ";
constexpr std::string_view kAddressMatches = "rc from X509_check_ip_asc is 1";
constexpr std::string_view kNoConnack = "CONNECT sent but MQTTPacket_Factory has returned SOCKET_ERROR";

thread_local TlsTrace t_trace;

constexpr std::size_t kStampSize = sizeof "20240229 123456.789 " - 1;  // stands before every line

bool starts_with(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

void read_error_queue() {
  while (const unsigned long error = ERR_get_error()) {
    if (ERR_GET_LIB(error) != ERR_LIB_SSL) continue;
    const int reason = ERR_GET_REASON(error);
    if (reason > SSL_AD_REASON_OFFSET && reason <= SSL_AD_REASON_OFFSET + 255) {
      t_trace.alert = reason - SSL_AD_REASON_OFFSET;
    }
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) t_trace.verify_failed = true;
  }
}

// Called under Paho's log lock: must not call Paho. Never keeps the text, which may name topics.
void on_trace(MQTTASYNC_TRACE_LEVELS, char* message) {
  std::string_view text(message);
  text.remove_prefix(std::min(kStampSize, text.size()));
  if (starts_with(text, kTlsError) && !starts_with(text, kStillWorking)) {
    t_trace.failed = true;
    read_error_queue();
  } else if (starts_with(text, kHostChecked)) {
    t_trace.host_mismatch = true;  // it may still be an address, which Paho tries next
  } else if (starts_with(text, kAddressMatches)) {
    t_trace.host_mismatch = false;
  } else if (text == kNoConnack) {
    t_trace.connect_sent = true;
    read_error_queue();  // a read that an alert ended is not traced as an error
  }
}

}  // namespace

void install_tls_trace() {
  static std::once_flag once;
  std::call_once(once, [] {
    MQTTAsync_setTraceCallback(on_trace);
    MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_MINIMUM);
  });
}

TlsTrace take_tls_trace() {
  const TlsTrace taken = t_trace;
  t_trace = {};
  return taken;
}

LinkEnd judge_connect_failure(int code, const TlsTrace& trace) {
  if (code > 0) return {LinkFailure::kRefused, code};
  if (trace.alert != 0) return {LinkFailure::kTlsAlert, trace.alert};
  if (trace.connect_sent) return {LinkFailure::kClosedWithoutConnack, 0};
  if (trace.verify_failed || trace.host_mismatch) return {LinkFailure::kServerNotTrusted, 0};
  if (trace.failed) return {LinkFailure::kTlsAlert, 0};  // closed in the middle of the handshake
  return {LinkFailure::kUnreachable, 0};
}

}  // namespace latchkey::posix
