// SPDX-License-Identifier: Apache-2.0
// The organization that tests sign as, and the words by which it asks for a validation of its identity.
#pragma once

#include <string>
#include <vector>

namespace latchkey::tests {

// `latchkey signing identity create` in that account. The subject of its certificates begins with "CN=Contoso Inc".
inline std::vector<std::string> identity_request(const std::string& group, const std::string& account) {
  return {"signing",
          "identity",
          "create",
          "-g",
          group,
          "--account-name",
          account,
          "--accept-terms",
          "--organization-name",
          "Contoso Inc",
          "--website-url",
          "https://contoso.com",
          "--primary-email",
          "legal@contoso.com",
          "--secondary-email",
          "ops@contoso.com",
          "--business-identifier",
          "4711",
          "--incorporated-on",
          "2015-03-31",
          "--street",
          "1 Main Street",
          "--city",
          "New York",
          "--state",
          "New York",
          "--country",
          "US",
          "--postal-code",
          "10001"};
}

}  // namespace latchkey::tests
