// SPDX-License-Identifier: Apache-2.0
// A CA whose key exists and whose row does not yet: unless it is kept, the key is destroyed again.
#pragma once

#include <string>
#include <utility>

#include "hub/management/management.h"

namespace latchkey::hub::management {

class FreshCa {
 public:
  FreshCa(CaMaker& maker, registry::NewCa made) : maker_(&maker), key_ref_(made.key_ref), made_(std::move(made)) {}
  FreshCa(FreshCa&& other) noexcept
      : maker_(std::exchange(other.maker_, nullptr)),
        key_ref_(std::move(other.key_ref_)),
        made_(std::move(other.made_)) {}
  FreshCa& operator=(FreshCa&&) = delete;
  ~FreshCa() {
    if (maker_) maker_->destroy_key(key_ref_);
  }
  const registry::NewCa& made() const { return made_; }
  void keep() { maker_ = nullptr; }  // its row is committed

 private:
  CaMaker* maker_;
  std::string key_ref_;
  registry::NewCa made_;
};

}  // namespace latchkey::hub::management
