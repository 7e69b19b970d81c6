// SPDX-License-Identifier: Apache-2.0
#include "registry/table/internal/area.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace latchkey::registry::internal {
namespace {

constexpr std::size_t kPage = 4096;  // where pages are larger, the system refuses to take back what does not fit
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t round_down(std::size_t bytes, std::size_t unit) { return bytes / unit * unit; }
constexpr std::size_t round_up(std::size_t bytes, std::size_t unit) { return round_down(bytes + unit - 1, unit); }

#if defined(__linux__)

#ifndef MADV_COLLAPSE
constexpr int MADV_COLLAPSE = 25;  // Linux 6.1; older ones refuse, and collapse pages by themselves in time
#endif

// Address space that begins with a huge page, in small pages until told otherwise. Not charged before it is touched.
std::byte* reserve(std::size_t bytes) {
  void* const block =
      mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (block == MAP_FAILED) throw std::bad_alloc();
  const std::size_t skipped = -reinterpret_cast<std::uintptr_t>(block) % kHugePage;
  std::byte* const base = static_cast<std::byte*>(block) + skipped;
  if (skipped != 0) munmap(block, skipped);
  munmap(base + bytes, kHugePage - skipped);
  madvise(base, bytes, MADV_NOHUGEPAGE);
  return base;
}
void release(std::byte* base, std::size_t bytes) { munmap(base, bytes); }

// Moves pages; where the system refuses, contents. By huge pages, for a call takes only what is one mapping.
void move(std::byte* from, std::size_t bytes, std::byte* to) {
  for (std::size_t at = 0; at < bytes; at += kHugePage) {
    if (mremap(from + at, kHugePage, kHugePage, MREMAP_MAYMOVE | MREMAP_FIXED, to + at) != MAP_FAILED) continue;
    // It may have unmapped the target before it gave up. There is nothing to go back to from here.
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    if (mmap(to + at, kHugePage, PROT_READ | PROT_WRITE, kFlags, -1, 0) == MAP_FAILED) std::abort();
    std::memcpy(to + at, from + at, kHugePage);
  }
}

void use_huge_page(std::byte* at) {
  if (madvise(at, kHugePage, MADV_HUGEPAGE) == 0) madvise(at, kHugePage, MADV_COLLAPSE);
}
void give_back(std::byte* at, std::size_t bytes) { madvise(at, bytes, MADV_DONTNEED); }
void use_small_pages(std::byte* at, std::size_t bytes) { madvise(at, bytes, MADV_NOHUGEPAGE); }

#else

constexpr std::align_val_t kLine{64};
std::byte* reserve(std::size_t bytes) { return static_cast<std::byte*>(::operator new(bytes, kLine)); }
void release(std::byte* base, std::size_t) { ::operator delete(base, kLine); }
void move(std::byte* from, std::size_t bytes, std::byte* to) { std::memcpy(to, from, bytes); }
void use_huge_page(std::byte*) {}
void give_back(std::byte*, std::size_t) {}
void use_small_pages(std::byte*, std::size_t) {}

#endif
}  // namespace

Area::~Area() {
  if (base_ != nullptr) release(base_, capacity_);
}

void Area::grow(std::size_t bytes) {
  if (bytes > capacity_) {
    const std::size_t wider = round_up(std::max(bytes, 2 * capacity_), kHugePage);
    std::byte* const base = reserve(wider);
    if (base_ != nullptr) {
      move(base_, round_up(size_, kHugePage), base);
      release(base_, capacity_);
    }
    base_ = base;
    capacity_ = wider;
  }
  size_ = std::max(size_, bytes);
}

void Area::shrink(std::size_t bytes) noexcept {
  if (bytes >= size_) return;
  const std::size_t kept = round_up(bytes, kPage);
  const std::size_t end = round_up(size_, kHugePage);
  if (kept < end) give_back(base_ + kept, end - kept);
  size_ = bytes;
  if (const std::size_t still_whole = round_down(bytes, kHugePage); still_whole < settled_) {
    use_small_pages(base_ + still_whole, settled_ - still_whole);
    settled_ = still_whole;
  }
}

bool Area::settle(std::size_t bytes) noexcept {
  const std::size_t whole = round_down(bytes + kHugePage / 8, kHugePage);
  if (whole <= settled_) return false;
  const std::size_t now = ((whole - settled_) / kHugePage + 255) / 256;
  for (std::size_t i = 0; i < now; ++i, settled_ += kHugePage) use_huge_page(base_ + settled_);
  return true;
}

}  // namespace latchkey::registry::internal
