// SPDX-License-Identifier: Apache-2.0
// Who makes the firmware: an account at the hub's signing service, identities and profiles in it, and releases that are
// signed with them. Everything by the command line, as an operator would.
#pragma once

#include <string>
#include <vector>

#include "tests/e2e/demo/stage.h"

namespace latchkey::demo {

class Vendor {
 public:
  explicit Vendor(Stage& stage) : stage_(stage) {}
  // Provider, resource group, account, and a token that may sign.
  void open_account();
  // A new identity validation, accepted, and a profile on it. Answers the subject that its certificates will have,
  // which was looked at beforehand.
  std::string make_profile(const std::string& profile);
  // A bundle with that version, signed and stamped: the file.
  std::string release(const std::string& profile, const std::string& version);
  // Of the profile's certificates; there is one once something was signed.
  std::string durable_eku(const std::string& profile);
  // Takes back the certificate that the profile signs with now, from that moment on (RFC 3339).
  void revoke(const std::string& profile, const std::string& from);

 private:
  std::string certificate(const std::string& profile, const std::string& member);
  Stage& stage_;
};

}  // namespace latchkey::demo
