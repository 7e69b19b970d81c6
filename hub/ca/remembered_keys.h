// SPDX-License-Identifier: Apache-2.0
// RememberedKeys: keys that a provider has in memory for a while after their use. For a while alone: what another node
// has destroyed signs no longer than that here, even for a caller that still has its name.
//
// Threads: all functions from any thread; what they are given to call runs under their lock, one at a time.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "hub/ca/key_provider.h"

namespace latchkey::hub::ca {

class RememberedKeys {
 public:
  using Clock = std::chrono::steady_clock;
  // 0: nothing is remembered.
  explicit RememberedKeys(std::chrono::milliseconds lifetime) : lifetime_(lifetime) {}

  // As it is in memory, or as `find()` says: an Outcome<SigningKey>. Under the lock, so that a key which is destroyed
  // meanwhile cannot come back into memory.
  template <class Find>
  registry::Outcome<SigningKey> get(const std::string& key_ref, const Find& find) {
    const std::scoped_lock lock(mutex_);
    const auto known = keys_.find(key_ref);
    if (known != keys_.end() && Clock::now() < known->second.until) return known->second.key;
    if (known != keys_.end()) keys_.erase(known);
    LATCHKEY_TRY(key, find());
    if (lifetime_.count() > 0) keys_[key_ref] = {key, Clock::now() + lifetime_};
    return key;
  }
  // Forgets it, and calls `destroy()`, an Outcome<void>, before anybody can find it again.
  template <class Destroy>
  registry::Outcome<void> drop(const std::string& key_ref, const Destroy& destroy) {
    const std::scoped_lock lock(mutex_);
    keys_.erase(key_ref);
    return destroy();
  }

 private:
  struct Remembered {
    SigningKey key;
    Clock::time_point until;
  };
  const std::chrono::milliseconds lifetime_;
  std::mutex mutex_;
  std::map<std::string, Remembered> keys_;  // guarded by mutex_
};

}  // namespace latchkey::hub::ca
