// SPDX-License-Identifier: Apache-2.0
// Marks a link's client as in use by the library, which is not to be destroyed then. One thread.
#pragma once

#include <utility>

namespace latchkey::boards::fleet::swarm {

// While it lives, the library is at work: not to be destroyed.
class Inside {
 public:
  explicit Inside(bool& flag) : flag_(flag), before_(std::exchange(flag, true)) {}
  ~Inside() { flag_ = before_; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  bool& flag_;
  const bool before_;
};

}  // namespace latchkey::boards::fleet::swarm
