// SPDX-License-Identifier: Apache-2.0
// The CA of a customer who brings their own root: OpenSSL's command line and nothing of ours.
#pragma once

#include <filesystem>
#include <string>

namespace latchkey::tests {

class CustomerCa {
 public:
  // Makes the root, "CN=NAME", valid for 20 years, with that path length, in a new folder.
  CustomerCa(std::filesystem::path folder, const std::string& name, int path_length = 1);

  // `openssl ca` signs that request (a PEM file) with what a section of the configuration says ("ica" is as it should
  // be). `options` go behind it: "-md sha1", "-enddate 20300101000000Z". The certificate as PEM.
  std::string sign(const std::filesystem::path& request, const std::string& section = "ica",
                   const std::string& options = "") const;
  // `openssl x509 -req -force_pubkey`: what that CA would sign for another key under the request's name.
  std::string sign_for_key(const std::filesystem::path& request, const std::string& public_key_command) const;
  std::string root() const;  // PEM
  std::filesystem::path root_file() const { return folder_ / "root.pem"; }

  // A line for the shell, in the CA's folder, where $OPENSSL is the program; what it printed. Throws when it fails.
  std::string shell(const std::string& line) const;

 private:
  const std::filesystem::path folder_;
};

// That many days from now, or ago: "20290131200000Z", for `openssl ca -startdate` and `-enddate`.
std::string days_from_now(int days);

}  // namespace latchkey::tests
