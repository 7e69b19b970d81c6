// SPDX-License-Identifier: Apache-2.0
// What bench_issuance is measured against: OpenSSL's two operations and nothing else, `cfssl serve`, and `openssl
// x509`. All of them get the same requests. They throw std::runtime_error when they cannot go on.
#pragma once

#include <openssl/evp.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/identity.h"
#include "tests/support/subprocess.h"

namespace latchkey::bench {

// CPU seconds, user and system.
double own_cpu_seconds();               // this process, all threads
double thread_cpu_seconds();            // the calling thread
double children_cpu_seconds();          // of programs that ran to their end
double process_cpu_seconds(pid_t pid);  // another process, all threads (proc(5), stat: in ticks)

// A request in the forms that the contenders take it in.
struct PreparedCsr {
  std::string device;
  std::string base64;  // of the DER, in one line
  std::string pem;
};
// With a fresh P-256 key each.
std::vector<PreparedCsr> prepare_csrs(const std::vector<std::string>& devices);

// Verifies the requests' signatures and signs as many digests: keys parsed, messages hashed, contexts made beforehand.
// What remains is what no issuance on this machine can do without.
class PureCrypto {
 public:
  PureCrypto(const std::vector<PreparedCsr>& csrs, EVP_PKEY* ca_key);
  ~PureCrypto();
  struct Cost {
    double verify_us = 0;  // CPU, the mean of all
    double sign_us = 0;
  };
  Cost cost();
  // Verifications with signatures a second, by the clock, on so many threads at once. Every thread has its share.
  double rate(std::size_t threads);

 private:
  struct Job;
  void run(std::size_t first, std::size_t step);
  EVP_PKEY* const ca_key_;
  std::vector<std::unique_ptr<Job>> jobs_;
};

// Where a rival finds the CA.
struct CaFiles {
  std::filesystem::path certificate;
  std::filesystem::path key;
};

// Nothing is stored: its database is an option that it does without.
class Cfssl {
 public:
  static bool installed();
  Cfssl(const CaFiles& ca, const std::filesystem::path& folder);
  // Every request once, from so many connections; CPU of its process alone.
  struct Figures {
    double per_second = 0;
    double cpu_us = 0;  // an issuance
  };
  Figures run(const std::vector<PreparedCsr>& csrs, std::size_t in_progress);

 private:
  const int port_;
  std::unique_ptr<tests::Subprocess> process_;
};

// A process for each certificate, as scripts do it. `empty_us`: what a process of that program costs that does nothing.
struct OpensslFigures {
  double cpu_us = 0;
  double empty_us = 0;
};
OpensslFigures run_openssl(const std::vector<PreparedCsr>& csrs, const CaFiles& ca,
                           const std::filesystem::path& folder);

}  // namespace latchkey::bench
