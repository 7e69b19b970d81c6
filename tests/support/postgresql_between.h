// SPDX-License-Identifier: Apache-2.0
// Stands between clients and a PostgreSQL, and writes some words in what clients say in another way: so the server is
// one that does not know them, or hears something else. Over Unix sockets, without TLS.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/postgresql.h"

namespace latchkey::tests {

class PostgresBetween {
 public:
  // `other` is as long as `word`.
  PostgresBetween(const PostgresServer& server, std::string word, std::string other);
  ~PostgresBetween();
  PostgresBetween(const PostgresBetween&) = delete;
  PostgresBetween& operator=(const PostgresBetween&) = delete;

  std::string url(const std::string& database, const std::string& more = "") const;

 private:
  void serve();
  void carry(int client);

  const std::string target_;
  const std::string word_;
  const std::string other_;
  std::string folder_;
  int listener_ = -1;
  int end_ = -1;                       // readable when it is over
  std::vector<std::thread> carriers_;  // serve()'s, until it has ended
  std::thread server_;
};

}  // namespace latchkey::tests
