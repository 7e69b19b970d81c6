// SPDX-License-Identifier: Apache-2.0
// Memory that grows at its end, for the two arrays of the lookup table: contiguous, aligned to cache lines, given back
// from its end, and without gaps, however often it changes its size.
//
// On Linux it is an anonymous mapping with twice the address space that it needs; when that is used up, the pages move
// to a wider mapping, not their contents. What is in use from end to end is put into huge pages (2 MB), one after the
// other: a look-up anywhere in some hundred megabytes then finds its translation in the processor. The last, partly
// used megabytes stay in small pages, so that nothing is held in vain. Without transparent huge pages, or elsewhere,
// the same in small pages.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

namespace latchkey::registry::internal {

class Area {
 public:
  Area() = default;
  ~Area();
  Area(const Area&) = delete;
  Area& operator=(const Area&) = delete;

  // nullptr until it has grown. Stays until it grows again.
  std::byte* get() const { return base_; }

  // Makes it at least that long; contents stay, what is new is not initialised. std::bad_alloc leaves it as it was.
  void grow(std::size_t bytes);
  // Gives back what lies behind the first `bytes`.
  void shrink(std::size_t bytes) noexcept;
  // The first `bytes` are in use, with few gaps: puts some of them into huge pages, the last one if it is seven eighths
  // full. One page a call (half a millisecond), more only when more than 256 are due. Not more than it has grown to.
  // False when there was nothing left to do.
  bool settle(std::size_t bytes) noexcept;

  // What it holds of the system's memory when `bytes` of it have been touched.
  std::size_t held(std::size_t bytes) const { return std::max(bytes, settled_); }

  void swap(Area& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(capacity_, other.capacity_);
    std::swap(size_, other.size_);
    std::swap(settled_, other.settled_);
  }

 private:
  std::byte* base_ = nullptr;
  std::size_t capacity_ = 0;  // of address space
  std::size_t size_ = 0;      // the longest that it was asked to be since it last shrank
  std::size_t settled_ = 0;   // from the start on, in huge pages as far as the system had them
};

}  // namespace latchkey::registry::internal
