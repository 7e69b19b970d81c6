// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "platform/flash/flash.h"

namespace latchkey::test {

// NOR flash in memory that keeps the rules of the real one, and whose power can be cut in the middle of a change.
class MemoryFlash final : public flash::Flash {
 public:
  explicit MemoryFlash(std::size_t size) : bytes_(size, 0xFF) {}

  Result<void> read(std::size_t offset, MutableBytes out) override {
    if (offset + out.size() > bytes_.size()) return fail(Status::kStorageFailed);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.data());
    return {};
  }
  Result<void> program(std::size_t offset, ByteView bytes) override {
    if (offset + bytes.size() > bytes_.size()) return fail(Status::kStorageFailed);
    const std::size_t done = admit(bytes.size());
    for (std::size_t i = 0; i < done; ++i) {
      EXPECT_EQ(bytes_[offset + i], 0xFF) << "programmed twice at " << offset + i;
      bytes_[offset + i] &= bytes[i];
    }
    return done == bytes.size() && power_ ? Result<void>() : fail(Status::kStorageFailed);
  }
  Result<void> erase_sector(std::size_t offset) override {
    EXPECT_EQ(offset % flash::kSectorSize, 0u);
    const std::size_t done = admit(flash::kSectorSize);
    std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), done, 0xFF);
    return done == flash::kSectorSize && power_ ? Result<void>() : fail(Status::kStorageFailed);
  }

  // The power fails in change number `change` (from 1), after that share of its bytes.
  void cut_at(unsigned change, unsigned percent) {
    cut_ = changes_ + change;
    percent_ = percent;
  }
  bool has_power() const { return power_; }
  void restore() {
    power_ = true;
    cut_ = 0;
  }
  bool holds(std::string_view text) const {
    return std::string_view(reinterpret_cast<const char*>(bytes_.data()), bytes_.size()).find(text) !=
           std::string_view::npos;
  }
  std::vector<std::uint8_t>& bytes() { return bytes_; }
  unsigned changes() const { return changes_; }

 private:
  std::size_t admit(std::size_t size) {
    if (!power_) return 0;
    if (++changes_ != cut_) return size;
    power_ = false;
    return size * percent_ / 100;
  }

  std::vector<std::uint8_t> bytes_;
  unsigned changes_ = 0;
  unsigned cut_ = 0;
  unsigned percent_ = 0;
  bool power_ = true;
};

}  // namespace latchkey::test
