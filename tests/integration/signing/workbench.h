// SPDX-License-Identifier: Apache-2.0
// A folder of files that stock tools read, and the tools themselves.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/subprocess.h"
#include "tests/unit/hub/signing/world.h"

namespace latchkey::tests {

using hub::signing::Bytes;

class Workbench {
 public:
  // Path of a file with that content.
  std::string put(const std::string& name, ByteView content);
  std::string certificates(const std::string& name, const std::vector<X509*>& certificates);  // PEM
  std::string key(const std::string& name, EVP_PKEY* key);                                    // PEM, 0600
  std::string list(const std::string& name, ByteView der);                                    // PEM
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  Bytes read(const std::string& name) const;

  static Finished openssl(std::vector<std::string> arguments);
  static Finished osslsigncode(std::vector<std::string> arguments);

 private:
  TemporaryFolder folder_;
};

std::string seconds(UnixMs at);
// "Jan  2 06:00:00.123 2026 GMT", as OpenSSL prints times; -1 when it is none.
UnixMs printed_time(const std::string& text);
// What stands behind `label` to the end of its line; empty when it is not there.
std::string behind(const std::string& text, const std::string& label);

}  // namespace latchkey::tests
