// SPDX-License-Identifier: Apache-2.0
// Which of operators' acts are under way, so that the state as a whole is not replaced in the middle of one.
//
// Threads: any.
#pragma once

#include <mutex>
#include <optional>

namespace latchkey::hub::rehearsal {

class Acts {
  enum class Kind { kAct, kWhole };

 public:
  // An act, or the whole to oneself, for as long as it lives.
  class Hold {
   public:
    Hold(Hold&& other) noexcept : acts_(other.acts_), kind_(other.kind_) { other.acts_ = nullptr; }
    Hold& operator=(Hold&&) = delete;
    ~Hold() {
      if (acts_ != nullptr) acts_->end(kind_);
    }

   private:
    friend class Acts;
    Hold(Acts* acts, Kind kind) : acts_(acts), kind_(kind) {}
    Acts* acts_;
    Kind kind_;
  };

  // Nothing while somebody has the whole.
  std::optional<Hold> begin() {
    const std::lock_guard lock(mutex_);
    if (whole_) return std::nullopt;
    ++count_;
    return Hold(this, Kind::kAct);
  }
  // Nothing while an act is under way, or somebody has it.
  std::optional<Hold> whole() {
    const std::lock_guard lock(mutex_);
    if (whole_ || count_ > 0) return std::nullopt;
    whole_ = true;
    return Hold(this, Kind::kWhole);
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  void end(Kind kind) {
    const std::lock_guard lock(mutex_);
    if (kind == Kind::kWhole) {
      whole_ = false;
    } else {
      --count_;
    }
  }

  mutable std::mutex mutex_;  // guards the rest
  std::size_t count_ = 0;
  bool whole_ = false;
};

}  // namespace latchkey::hub::rehearsal
