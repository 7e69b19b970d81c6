// SPDX-License-Identifier: Apache-2.0
// Servers to connect to: a real Mosquitto on a free loopback port, and a TLS server that says what a test dictates.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "tests/support/temporary_folder.h"

namespace latchkey::test {

// Started by the constructor, which returns when the broker listens; killed by the destructor.
class MosquittoBroker {
 public:
  // `settings`: lines of mosquitto.conf behind the listener's.
  MosquittoBroker(const tests::TemporaryFolder& folder, const std::string& settings);
  ~MosquittoBroker() { kill(); }
  MosquittoBroker(const MosquittoBroker&) = delete;
  MosquittoBroker& operator=(const MosquittoBroker&) = delete;
  std::uint16_t port() const { return port_; }
  void kill();

 private:
  bool start(const std::string& configuration);
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
  int log_ = -1;
};

// A listening TCP socket on 127.0.0.1; each connection is given to `serve` on a thread of the server's.
class LoopbackServer {
 public:
  explicit LoopbackServer(std::function<void(int socket)> serve);
  ~LoopbackServer();
  std::uint16_t port() const { return port_; }

 private:
  std::function<void(int)> serve_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

struct TlsServer {
  std::string certificate, key;  // PEM files
  int highest_version = TLS1_3_VERSION;
  std::string client_ca;  // PEM file; not empty: a client certificate is required
};
// Does the handshake, then `talk`, then closes in order. After a failed handshake it waits for the client to say
// something more, so that its alert is not overtaken by a reset.
void serve_tls(int socket, const TlsServer& server, const std::function<void(SSL*)>& talk);

// A port on which nobody listens, and nobody else can as long as this lives.
class ClosedPort {
 public:
  ClosedPort();
  ~ClosedPort();
  ClosedPort(const ClosedPort&) = delete;
  ClosedPort& operator=(const ClosedPort&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  int descriptor_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace latchkey::test
