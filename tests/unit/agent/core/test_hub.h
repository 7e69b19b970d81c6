// SPDX-License-Identifier: Apache-2.0
// The other side of the agent in tests: an authority made with OpenSSL that issues for the agent's CSRs, and the bodies
// that DPS and hub answer with.
#pragma once

#include <string>
#include <vector>

#include "platform/base/ids.h"
#include "tests/unit/platform/test_certificates.h"

namespace latchkey::test {

struct LeafOptions {
  std::string common_name;  // empty: the CSR's
  UnixMs not_before = 0;
  UnixMs not_after = 0;
  std::vector<Extension> extensions;
  EVP_PKEY* key = nullptr;  // null: the CSR's
};

class TestAuthority {
 public:
  TestAuthority();
  // Leaf, issuing CA, root: base64 DER, for a CSR in base64 DER.
  std::vector<std::string> issue(const std::string& csr_base64, const LeafOptions& options);

 private:
  Pkey root_key_;
  Pkey issuing_key_;
  X509Ptr root_;
  X509Ptr issuing_;
  std::uint32_t last_serial_ = 0x100;
};

std::string assigned_body(const std::string& hub, const std::string& device_id, const std::vector<std::string>& chain);
std::string certificates_body(const std::vector<std::string>& chain);
// The member of that name in a flat JSON text, as it stands there.
std::string member(const std::string& json, const std::string& name);

std::string base64(const Der& bytes);
Der from_base64(const std::string& text);

}  // namespace latchkey::test
