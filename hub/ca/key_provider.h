// SPDX-License-Identifier: Apache-2.0
// KeyProvider: where private keys of CAs lie: a folder of files (file_key_provider.h), sealed under a node key in a
// store that several hub nodes share (sealed_key_provider.h), or a PKCS#11 token (pkcs11_key_provider.h). The registry
// knows keys only by `key_ref`, a name that means something to the provider alone; its ending says to which kind of
// provider. docs/keys.md says how to choose.
//
// Order of events, so that a crash loses nothing and leaves nothing usable behind: a key is durable before generate()
// returns, so before any row names it; it is destroyed after the row is gone; what a crash left between the two,
// destroy_unnamed() removes at the next start.
//
// A provider is for one purpose ("ca", "signing"), and sees and destroys keys of that purpose alone.
//
// Threads: all functions may be called from any thread.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "platform/openssl/openssl_ptr.h"
#include "registry/model/refusal.h"
#include "registry/model/resources.h"

namespace latchkey::hub::ca {

// Shared: a key stays usable for whoever is signing with it while another thread destroys it.
using SigningKey = std::shared_ptr<EVP_PKEY>;

// The numbers stand in sealed keys: never renumber.
enum class KeyAlgorithm : std::uint8_t { kEcP256 = 1, kEcP384 = 2, kEcP521 = 3, kEcSecp256k1 = 4, kRsa3072 = 5 };
KeyAlgorithm algorithm_of(registry::KeyProfile profile);
std::string_view to_string(KeyAlgorithm algorithm);  // "ec-p256", "rsa-3072"
// A key in memory. Null when OpenSSL fails.
openssl::PkeyPtr make_key(KeyAlgorithm algorithm);

// How long a key that nobody names is left alone by providers that several nodes share: another node may have made it
// a moment ago, and its row is on its way. Clocks of nodes have to agree to within this.
inline constexpr UnixMs kUnnamedForMs = 60LL * 60 * 1000;

struct GeneratedKey {
  std::string key_ref;
  SigningKey key;
};

class KeyProvider {
 public:
  virtual ~KeyProvider() = default;

  // A new key, durable. kStorage, kInternal, kNotSupported (the token has no such keys).
  virtual registry::Outcome<GeneratedKey> generate(KeyAlgorithm algorithm) = 0;
  registry::Outcome<GeneratedKey> generate(registry::KeyProfile profile) { return generate(algorithm_of(profile)); }
  // Parsed once, then from memory. kNotFound, kInvalidArgument (not a reference of this provider), kStorage,
  // kPreconditionFailed (sealed under another node key).
  virtual registry::Outcome<SigningKey> load(const std::string& key_ref) = 0;
  // Gone for good, also after a crash. A key that is not there is success. kInvalidArgument, kStorage.
  virtual registry::Outcome<void> destroy(const std::string& key_ref) = 0;
  // Destroys every key that is not in `named`, and returns how many. Only at start-up, before anything is generated
  // here: a key whose row is still on its way looks unnamed. Providers that nodes share leave young keys alone
  // (kUnnamedForMs).
  virtual registry::Outcome<std::size_t> destroy_unnamed(const std::set<std::string>& named) = 0;
  // Can this node use each of these keys? Before anything is served: a hub that cannot would refuse devices, or make a
  // second root. kPreconditionFailed: names one that it cannot use, and what to do. kStorage.
  virtual registry::Outcome<void> check(const std::set<std::string>& named) = 0;
  // For people, and without secrets: "files", "sealed under node key 0123456789abcdef".
  virtual std::string told() const = 0;
};

// Which kind of provider made a key, by its reference's ending, as --keys names it; empty when none of ours did.
std::string_view provider_kind(std::string_view key_ref);
// The refusal of check() for a key that `told` cannot use; `why` may be empty.
tl::unexpected<registry::Refusal> refuse_key(const std::string& key_ref, const std::string& told,
                                             const std::string& why);

// 32 hex digits, at random.
registry::Outcome<std::string> fresh_key_name();
// Is `key_ref` such a name and then `ending`? Nothing else is: no reference leaves a folder.
bool named_like_a_key(std::string_view key_ref, std::string_view ending);

}  // namespace latchkey::hub::ca
