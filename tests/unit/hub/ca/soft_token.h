// SPDX-License-Identifier: Apache-2.0
// A PKCS#11 token in a folder: SoftHSM, from Debian's package.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace latchkey::hub::ca::test {

class SoftToken {
 public:
  static constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";

  // Below a folder that goes away later than this. Processes that are started from here on find it, too.
  explicit SoftToken(const std::filesystem::path& folder) : folder_(folder / "softhsm") {
    std::filesystem::create_directories(folder_ / "tokens");
    std::ofstream(folder_ / "softhsm2.conf") << "directories.tokendir = " << (folder_ / "tokens").string()
                                             << "\nobjectstore.backend = file\nlog.level = ERROR\n";
    ::setenv("SOFTHSM2_CONF", (folder_ / "softhsm2.conf").c_str(), 1);
    write_pin("open-sesame\n");
    make("latchkey");
  }
  ~SoftToken() { ::unsetenv("SOFTHSM2_CONF"); }
  SoftToken(const SoftToken&) = delete;
  SoftToken& operator=(const SoftToken&) = delete;

  void make(const std::string& label) {
    const std::string command =
        "softhsm2-util --init-token --free --label '" + label + "' --pin open-sesame --so-pin 12345678 >/dev/null 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << "softhsm2-util: is the package softhsm2 there (scripts/setup)?";
  }
  void write_pin(const std::string& text, mode_t mode = 0600) {
    std::ofstream(pin(), std::ios::trunc) << text;
    ASSERT_EQ(::chmod(pin().c_str(), mode), 0);
  }
  std::filesystem::path pin() const { return folder_ / "pin"; }
  std::string uri(const std::string& label = "latchkey") const {
    return "pkcs11:token=" + label + "?module-path=" + kModule + "&pin-source=file:" + pin().string();
  }

 private:
  const std::filesystem::path folder_;
};

}  // namespace latchkey::hub::ca::test
