// SPDX-License-Identifier: Apache-2.0
// Pkcs11KeyProvider: keys that are made on a PKCS#11 token and never leave it; several hub nodes may use one token, or
// tokens that copy each other. A key_ref is the object's CKA_ID as 32 hex digits, the purpose and ".p11".
//
// Labels of objects say whose they are and since when: "latchkey PURPOSE REGISTRY SECONDS", with the first 16 hex
// digits of the registry's id, so that registries may share a token and none sweeps another's keys.
//
// A key is found on the token at its first use, and again a minute later.
#pragma once

#include <chrono>
#include <functional>

#include "hub/ca/key_provider.h"
#include "hub/ca/pkcs11_uri.h"
#include "hub/ca/remembered_keys.h"

namespace latchkey::hub::ca {

namespace internal {
class Pkcs11Token;
}
// A token that providers of several purposes share.
using TokenHandle = std::shared_ptr<internal::Pkcs11Token>;
// Logs in. Refusals as internal::Pkcs11Token::open: kPreconditionFailed, kNotFound, kUnauthorized.
registry::Outcome<TokenHandle> open_token(const Pkcs11Uri& uri);

class Pkcs11KeyProvider final : public KeyProvider {
 public:
  struct Options {
    std::string purpose = "ca";                    // letters a to z
    std::string registry;                          // 32 hex digits
    std::chrono::milliseconds remembered{60'000};  // 0: found at each use
    std::function<UnixMs()> now;                   // real time, for the age of keys that nobody names
  };
  Pkcs11KeyProvider(TokenHandle token, Options options);
  ~Pkcs11KeyProvider() override;

  using KeyProvider::generate;
  registry::Outcome<GeneratedKey> generate(KeyAlgorithm algorithm) override;
  registry::Outcome<SigningKey> load(const std::string& key_ref) override;
  registry::Outcome<void> destroy(const std::string& key_ref) override;
  registry::Outcome<std::size_t> destroy_unnamed(const std::set<std::string>& named) override;
  registry::Outcome<void> check(const std::set<std::string>& named) override;
  std::string told() const override;

 private:
  bool is_ours(std::string_view key_ref) const;
  registry::Outcome<SigningKey> found(const std::string& key_ref);  // on the token

  const TokenHandle token_;
  const Options options_;
  const std::string ending_;        // ".ca.p11"
  const std::string label_prefix_;  // "latchkey ca 0123456789abcdef "
  RememberedKeys remembered_;
};

}  // namespace latchkey::hub::ca
