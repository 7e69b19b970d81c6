// SPDX-License-Identifier: Apache-2.0
// What the signing service needs from others: profiles, keys, a clock, somebody to tell. hub/app connects them.
//
// All of them are called from any thread.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/signing/certificates/key.h"
#include "hub/signing/certificates/profile.h"
#include "registry/signing/certificates.h"

namespace latchkey::hub::signing {

// The service answers with the registry's one vocabulary of refusal.
template <class T>
using Answer = registry::Outcome<T>;

enum class Standing : std::uint8_t { kActive, kDisabled, kSuspended };

enum class ValidationStanding : std::uint8_t {
  kCompleted,     // and not expired
  kLapsed,        // it was completed, and has expired or been deleted: nothing is renewed
  kNotCompleted,  // anything else
};

// A certificate profile as the control plane has it now.
struct ProfileFacts {
  Uuid account;
  Uuid profile;
  std::string account_name;  // as it is spelt there
  std::string profile_name;
  std::string region;  // the account's, as a code: "EastUS"
  ProfileType type = ProfileType::kPublicTrust;
  Subject subject;
  std::string durable_eku;
  KeyKind key = KeyKind::kRsa3072;
  Standing account_standing = Standing::kActive;
  Standing profile_standing = Standing::kActive;
  ValidationStanding validation = ValidationStanding::kCompleted;

  // "codeSigningAccounts/contoso/certificateProfiles/release": as audit records spell it.
  std::string resource() const {
    return "codeSigningAccounts/" + account_name + "/certificateProfiles/" + profile_name;
  }
};

// The control plane's profiles.
class ProfileDirectory {
 public:
  virtual ~ProfileDirectory() = default;
  // Names compare case-insensitively. kNotFound.
  virtual Answer<ProfileFacts> find(std::string_view account, std::string_view profile) = 0;
  // Those whose certificates are to be renewed daily; may hold more.
  virtual Answer<std::vector<ProfileFacts>> active() = 0;
  // Its current signing certificate was revoked: it signs no more. Of one that is disabled already: success.
  virtual Answer<registry::Nothing> disable(const registry::Call& call, const ProfileFacts& profile) = 0;
};

// A key stays usable for whoever signs with it while another thread erases it.
using SigningKey = std::shared_ptr<EVP_PKEY>;

// Where the service's private keys lie, as hub/ca's do: durable before anything names them, closed to others, erased
// for good.
class KeyStore {
 public:
  struct Kept {
    std::string key_ref;
    SigningKey key;
  };
  virtual ~KeyStore() = default;
  // Makes a key; durable when it returns. kNotSupported: this store has no such keys.
  virtual Answer<Kept> make(KeyKind kind) = 0;
  // kNotFound, kStorage.
  virtual Answer<SigningKey> load(const std::string& key_ref) = 0;
  // One that is not there is success.
  virtual Answer<registry::Nothing> erase(const std::string& key_ref) = 0;
  // Erases all that are not named; only before anything is made.
  virtual Answer<registry::Nothing> erase_unnamed(const std::set<std::string>& named) = 0;
};

// By the rehearsal's clock.
using ServiceClock = std::function<UnixMs()>;

// Who is told that a certificate was revoked: the addresses of the profile's identity validation.
class Notices {
 public:
  virtual ~Notices() = default;
  virtual void revoked(const ProfileFacts& profile, const registry::signing::Certificate& certificate) = 0;
};

}  // namespace latchkey::hub::signing
