// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL of a test's own, from Debian's package: in a folder of its own, gone with the test. It listens at a Unix
// socket, where everybody is let in, and at a free port on loopback, where the password is asked for. Its text orders
// by English rules, so that whoever relies on the order of bytes has to say so. Started by root it runs as another
// user, as it wants to.
//
// Nothing in it survives a power cut: it syncs nothing to disk.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace latchkey::tests {

class PostgresServer {
 public:
  static constexpr const char* kUser = "latchkey";
  static constexpr const char* kPassword = "correct-horse-battery";

  PostgresServer();  // runs; throws what went wrong
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // At once, as by a power cut; then again on the same folder.
  void stop();
  void start(const std::vector<std::string>& settings = {});  // "name=value"

  // Through the socket; `more` is "&option=value".
  std::string url(const std::string& database, const std::string& more = "") const;
  // Over TCP, with that password.
  std::string tcp_url(const std::string& database, const std::string& password) const;
  std::string socket() const { return folder_ + "/.s.PGSQL." + std::to_string(port_); }
  std::string pid_file() const { return folder_ + "/data/postmaster.pid"; }
  pid_t pid() const { return pid_; }

 private:
  pid_t spawn(const std::vector<std::string>& arguments, const std::string& log) const;
  void make_folder();
  void wait_until_ready() const;
  std::string log_text() const;

  std::string folder_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace latchkey::tests
