// SPDX-License-Identifier: Apache-2.0
// A CA, or a CSR for one, whose key exists and whose row does not yet: unless it is kept, the key is destroyed again.
#pragma once

#include <string>
#include <utility>

#include "hub/management/management.h"

namespace latchkey::hub::management {

template <class Made>  // registry::NewCa or registry::NewCsr
class Fresh {
 public:
  Fresh(CaMaker& maker, Made made) : maker_(&maker), key_ref_(made.key_ref), made_(std::move(made)) {}
  Fresh(Fresh&& other) noexcept
      : maker_(std::exchange(other.maker_, nullptr)),
        key_ref_(std::move(other.key_ref_)),
        made_(std::move(other.made_)) {}
  Fresh& operator=(Fresh&&) = delete;
  ~Fresh() {
    if (maker_) maker_->destroy_key(key_ref_);
  }
  const Made& made() const { return made_; }
  void keep() { maker_ = nullptr; }  // its row is committed

 private:
  CaMaker* maker_;
  std::string key_ref_;
  Made made_;
};
using FreshCa = Fresh<registry::NewCa>;
using FreshCsr = Fresh<registry::NewCsr>;

}  // namespace latchkey::hub::management
