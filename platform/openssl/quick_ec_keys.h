// SPDX-License-Identifier: Apache-2.0
// Quick reading of EC public keys in OpenSSL 3.0 and 3.1.
//
// For each certificate or CSR that these versions read, they put together anew all decoders that could fit its public
// key, and pick the one that does: a fourth of what a server spends on a handshake with a client certificate, and twice
// that when the client sends its CAs along. OpenSSL 3.2 remembers the choice. Before, OpenSSL still asks first whether
// an ENGINE looks after that kind of key, and if so reads the key at once, by the code that it had before decoders.
// So an ENGINE is registered that hands OpenSSL its own built-in method for EC keys: the same arithmetic and the same
// checks, without the search. Keys of other kinds are not concerned.
//
// Meanwhile EVP_EC_gen() fails, which speaks to providers alone (openssl::make_ec_key() does not), and so does
// X509_sign() with a key that was read from PEM: this is for programs that judge certificates, and issue none. TLS is
// not concerned.
//
// Where OpenSSL is newer, or was built without ENGINEs, all of this is nothing.
#pragma once

#include "platform/base/status.h"

namespace latchkey::openssl {

// For the whole process, as long as one lives; at most one at a time. Threads: made and ended while no other thread
// uses OpenSSL.
class QuickEcKeys {
 public:
  QuickEcKeys() = default;
  ~QuickEcKeys() { end(); }
  QuickEcKeys(const QuickEcKeys&) = delete;
  QuickEcKeys& operator=(const QuickEcKeys&) = delete;

  // kInternal when OpenSSL does not take it: then keys are read as before, correctly and slowly. Nothing to do where
  // OpenSSL is quick by itself, or when begun already.
  Result<void> begin();
  void end();
  // Are keys read that way now?
  bool active() const { return engine_ != nullptr; }

 private:
  void* engine_ = nullptr;
};

}  // namespace latchkey::openssl
