// SPDX-License-Identifier: Apache-2.0
// The organization that tests sign as: the words by which it asks for a validation of its identity, and its way from
// nothing to a profile.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/hub.h"

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

// A hub that has a signing service.
inline Hub::Options hub_that_signs() {
  Hub::Options options;
  options.more = {"--signing-listen", "127.0.0.1:0",       "--signing-open-listen",
                  "127.0.0.1:0",      "--signing-ca-keys", "ec-p256"};  // RSA keys take seconds to make
  return options;
}
// Its id: somebody has read the e-mail, and the verifier is content.
inline std::string validated_identity(Hub& hub, const std::string& group, const std::string& account) {
  const std::string id = hub.json(identity_request(group, account)).at("name");
  for (const std::string event : {"emailVerified", "accept"}) {
    hub.json({"signing", "identity", "decide", "--id", id, "--event", event});
  }
  return id;
}
// With a group, an account and an identity of its own.
inline void make_profile(Hub& hub, const std::string& group, const std::string& account, const std::string& profile) {
  hub.json({"provider", "register", "--namespace", "Microsoft.CodeSigning"});
  hub.json({"group", "create", "--name", group, "--location", "EastUS"});
  hub.json({"trustedsigning", "create", "-n", account, "-l", "eastus", "-g", group, "--sku", "Basic"});
  hub.json({"trustedsigning", "certificate-profile", "create", "-g", group, "--account-name", account, "-n", profile,
            "--profile-type", "PublicTrust", "--identity-validation-id", validated_identity(hub, group, account)});
}
inline void make_token(Hub& hub, const std::string& name, const std::string& file) {
  hub.json({"role", "token", "create", "-n", name, "--expires", "30d", "--out", file});
}
// Somebody who may sign with every profile.
inline void make_signer(Hub& hub, const std::string& name, const std::string& file) {
  make_token(hub, name, file);
  hub.json({"role", "assignment", "create", "--assignee", name, "--role", "Artifact Signing Certificate Profile Signer",
            "--scope", "/"});
}

}  // namespace latchkey::tests
