// SPDX-License-Identifier: Apache-2.0
// Many MQTT connects over mutual TLS, a given number of them in progress at any time, from one thread: full handshakes,
// TLS 1.3, CONNECT, CONNACK, DISCONNECT. As little of the machine as a client can take, so that the broker is measured.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/identity.h"

namespace latchkey::bench {

// One client's part of it: who it says it is, and what it shows.
struct StormClient {
  std::string client_id;
  std::string username;
  tests::Identity identity;
};

struct StormFigures {
  std::vector<double> ms;   // of each accepted connect, from socket() to CONNACK
  std::size_t refused = 0;  // CONNACK other than 0
  std::size_t failed = 0;   // no CONNACK: refused, reset, alert, or 60 s gone
  double seconds = 0;       // of the whole
};

class Storm {
 public:
  // `ca_file`: whom to trust. Contexts are made once and used by all runs; clients come in turn, so there should be
  // more of them than are in progress: a second connection of an id displaces the first.
  Storm(const std::vector<StormClient>& clients, const std::string& ca_file);
  ~Storm();
  StormFigures run(const std::string& host, int port, std::size_t connects, std::size_t in_progress);

 private:
  struct Prepared;
  std::vector<std::unique_ptr<Prepared>> clients_;
  std::size_t next_ = 0;
};

}  // namespace latchkey::bench
