// SPDX-License-Identifier: Apache-2.0
// Certificates and requests that no decent CA or device would make: what a hub has to refuse although the issuer's own
// key signed it. Made with OpenSSL alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/hub.h"
#include "tests/support/identity.h"

namespace latchkey::tests {

struct ForgedExtension {
  std::string oid;
  std::vector<std::uint8_t> value;  // the content of extnValue, as it is
  bool critical = false;
};
struct Forgery {
  std::vector<std::string> common_names;
  std::vector<ForgedExtension> extensions;
  std::string basic_constraints = "critical,CA:FALSE";
  std::string extended_usage = "clientAuth";  // empty: none
  long not_before_s = -300;                   // relative to now
  long not_after_s = 86'400;
  bool break_signature = false;
};
Certificate forge(const TestCa& ca, const Key& key, const Forgery& forgery);

// DER of an OCTET STRING of up to 127 bytes.
std::vector<std::uint8_t> octet_string(const std::vector<std::uint8_t>& content);

// The active CA of that kind ("issuing", "root") of a hub, with its private key out of the hub's data folder.
// Throws std::runtime_error when it is not there.
TestCa ca_of(Hub& hub, const std::string& kind);

// The 32 bytes of the identifier in a certificate that a hub issued; empty when there is none.
std::vector<std::uint8_t> identifier_of(const Certificate& certificate);

// base64 DER of a request whose own signature is wrong.
std::string csr_with_wrong_signature(const Key& key, const std::string& common_name);
// PEM of the same thing that make_csr() gives in base64.
std::string pem_csr(const Key& key, const std::string& common_name);

}  // namespace latchkey::tests
