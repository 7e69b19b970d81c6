// SPDX-License-Identifier: Apache-2.0
// Why a TLS connection of Paho's failed. Private to platform/posix.
//
// Paho C reports a refused TCP connection, a wrong host name and a rejected certificate with one and the same code,
// clears OpenSSL's error queue before it calls back, and gives no error at all to its handler when a read fails, which
// is where TLS 1.3 brings the server's verdict on the client's certificate. Paho C++ 1.2.0 besides keeps a pointer to
// ssl_options that died with connect(), so its error handler must not be set. What is left is Paho's trace: it calls
// back on the thread and at the moment of the failure, before the queue is cleared. So a trace callback looks at that
// queue and keeps what it finds, per thread, until the failure callback on the same thread takes it.
//
// What cannot be had: with TLS 1.3 the server may have closed before CONNECT is written. Then the write fails and its
// alert is never read, or the reset overtakes it: such a refusal is kTlsAlert without a number or
// kClosedWithoutConnack, as it happens.
//
// Should a later Paho word its trace differently, failures turn into kUnreachable and kClosedWithoutConnack; the tests
// of paho_link notice.
#pragma once

#include "platform/ports/mqtt_link.h"

namespace latchkey::posix {

struct TlsTrace {
  bool failed = false;         // some TLS call failed
  bool host_mismatch = false;  // the certificate is good, but for another name
  int alert = 0;               // received from the server; RFC 8446 section 6.2
  bool verify_failed = false;  // our own check of the server's certificate said no
  bool connect_sent = false;   // TLS was up and CONNECT was out, then the connection ended
};

// Hooks into Paho's trace, once a process.
void install_tls_trace();
// What happened on this thread since the last call, which forgets it.
TlsTrace take_tls_trace();

struct LinkEnd {
  ports::LinkFailure why;
  int detail;
};

// `code` as Paho's connect failure callback brings it: positive ones are CONNACK's, all others mean nothing.
LinkEnd judge_connect_failure(int code, const TlsTrace& trace);

}  // namespace latchkey::posix
