// SPDX-License-Identifier: Apache-2.0
// Device keys made ahead by a thread of their own, and CSRs made when they are asked for. The keys are real and each is
// given out once; OpenSSL makes them in a tenth of the time that the device's own library takes (agent::FreshKeyMaker),
// in the same form. They are in memory only, and wiped when the pool goes.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "agent/core/key_maker.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::boards::fleet::swarm {

class KeyPool final : public agent::KeyMaker {
 public:
  // Keeps up to `ahead` P-256 keys ready.
  explicit KeyPool(std::size_t ahead = 512);
  ~KeyPool() override;

  // From any thread. When the pool is empty, or for P-384, the key is made at once. kInvalidArgument: no valid
  // registration id; kInternal: OpenSSL fails.
  Result<void> make(crypto::Curve curve, std::string_view common_name, agent::MadeKey& out) override;

 private:
  void fill();
  openssl::PkeyPtr take();

  const std::size_t ahead_;
  std::mutex mutex_;  // guards the next three
  std::condition_variable wanted_;
  std::deque<openssl::PkeyPtr> keys_;
  bool ending_ = false;
  std::thread thread_;  // last: it starts when everything else is there
};

}  // namespace latchkey::boards::fleet::swarm
