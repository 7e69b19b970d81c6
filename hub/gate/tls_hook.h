// SPDX-License-Identifier: Apache-2.0
// Makes the broker's TLS connections ask for a client certificate without insisting, and judge it by the gate's own
// anchors and clock.
//
// Mosquitto 2.0 can either insist on certificates or never ask for one, and verifies against files that it does not
// read again. OpenSSL runs the "new" callback of an ex-data index inside every SSL_new(): there each server connection
// gets its verify mode, store, time and no resumption. Public API only. The verdict is recorded, TLS always finishes,
// and CONNECT is refused inside MQTT, which is what sends a device back to provisioning.
//
// One thread; one installation per process (OpenSSL's indexes are global).
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdint>

#include "hub/gate/tls_verdict.h"
#include "platform/base/ids.h"

namespace latchkey::hub::gate {

// Where the hook asks; implemented by the gate.
class TlsPolicy {
 public:
  virtual ~TlsPolicy() = default;
  virtual X509_STORE* store() = 0;  // may throw bad_alloc
  virtual UnixMs verification_time() = 0;
  virtual AnchorRef anchor_of(X509* certificate) const = 0;  // none: not trusted now
  virtual bool keeps_chain() const = 0;                      // DPS endpoint: the hub process verifies

  // The life of a connection until CONNECT: it was made, a record of it was read, it is about to be freed.
  virtual void connection_opened(SSL* connection) = 0;
  virtual void connection_heard(SSL* connection) = 0;
  virtual void connection_closed(SSL* connection) = 0;
};

class TlsHook {
 public:
  TlsHook() = default;
  ~TlsHook() { remove(); }
  TlsHook(const TlsHook&) = delete;
  TlsHook& operator=(const TlsHook&) = delete;

  // Registers the callback and proves on a throw-away connection that it works. kInternal when it does not: the caller
  // must then not let anybody in. `policy` has to outlive the hook. kInvalidArgument when one is installed already.
  Result<void> install(TlsPolicy& policy);
  void remove();

  // The connection's records are no longer told of; its end still is.
  static void follow_no_more(const void* connection);

  // To be called at CONNECT, before a leaf's verdict is read: if its handshake found no anchor, and the anchors are
  // others by now, it is verified once more, by those. A device that came a moment before a new issuing CA did, or
  // while its broker was starting, is then let in or refused by what holds now. Costs one signature, on that path
  // alone; the verdict before is gone. At the DPS endpoint the hub process verifies, and nothing is done.
  static void judge_anew(X509* leaf);

  // The verdict that hangs on a leaf, or null. Lives as long as the leaf, or until it is judged anew.
  static TlsVerdict* verdict_of(X509* leaf);

 private:
  bool installed_ = false;
};

}  // namespace latchkey::hub::gate
