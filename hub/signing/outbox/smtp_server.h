// SPDX-License-Identifier: Apache-2.0
// A mail server that is told e-mails by SMTP (RFC 5321), one connection each, by libcurl.
//
// smtps:// is TLS from the first octet on. smtp:// is STARTTLS (RFC 3207), and a server that has none is not spoken to;
// but to a loopback address, without certificates to check by, it is plain. A password is read from its file for each
// e-mail and goes nowhere but to the server.
//
// Threads: one sends at a time, any may give up.
#pragma once

#include <atomic>
#include <string>

#include "registry/model/refusal.h"

namespace latchkey::hub::signing {

class SmtpServer {
 public:
  struct Options {
    std::string url;            // "smtp://HOST[:PORT]", "smtps://HOST[:PORT]"
    std::string from;           // who sends: an address
    std::string user;           // empty: nobody logs in
    std::string password_file;  // of mode 0600 and ours; its first line is the password
    std::string ca_file;        // PEM, what the server's certificate is checked by; empty: what the system trusts
    int connect_timeout_ms = 10'000;
    int timeout_ms = 60'000;  // of an e-mail as a whole
  };
  // kInvalidArgument: another address or file than these.
  static registry::Outcome<registry::Nothing> check(const Options& options);
  // Options that were checked.
  explicit SmtpServer(Options options) : options_(std::move(options)) {}

  enum class Sent : std::uint8_t {
    kTaken,
    kRefused,  // this one, for good: it need not be tried again
    kLater,    // the server cannot be reached, does not let us in, or says later
  };
  struct Answer {
    Sent sent = Sent::kLater;
    std::string why;  // unless it was taken; no secrets, nothing of the letter
  };
  // `letter` as letter_for_server() makes it.
  Answer send(const std::string& recipient, const std::string& letter);
  // What is under way ends within a second or so, and so does every later send.
  void give_up() { given_up_ = true; }

  const Options& options() const { return options_; }

 private:
  const Options options_;
  std::atomic<bool> given_up_ = false;
};

}  // namespace latchkey::hub::signing
