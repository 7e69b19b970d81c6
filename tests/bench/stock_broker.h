// SPDX-License-Identifier: Apache-2.0
// A Mosquitto as its manual says: mutual TLS against files, a CRL if one is given, no plugin. What a user would run
// without us.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/identity.h"
#include "tests/support/subprocess.h"

namespace latchkey::bench {

class StockBroker {
 public:
  struct Files {
    std::filesystem::path server_key, server_certificate;
    std::string client_ca_pem;  // root and issuing CA
    std::filesystem::path crl;  // PEM; empty: none is checked
  };
  // Serves when it returns; throws std::runtime_error with its log when it does not come to that.
  StockBroker(const std::string& program, const std::string& host, const Files& files);
  pid_t pid() const { return process_->pid(); }
  const std::string& host() const { return host_; }
  int port() const { return port_; }

 private:
  const std::string host_;
  const tests::TemporaryFolder folder_;
  int port_ = 0;
  std::unique_ptr<tests::Subprocess> process_;
};

// A CRL of that CA with so many entries, PEM, good for a day.
void write_crl(const tests::TestCa& ca, std::size_t entries, const std::filesystem::path& file);

}  // namespace latchkey::bench
