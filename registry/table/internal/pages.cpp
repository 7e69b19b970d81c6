// SPDX-License-Identifier: Apache-2.0
#include "registry/table/internal/pages.h"

#include <algorithm>
#include <new>

#if defined(__unix__)
#include <sys/mman.h>
#endif

namespace latchkey::registry::internal {
#if defined(__unix__)

void* allocate_pages(std::size_t bytes) {
  void* const block = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) throw std::bad_alloc();
  return block;
}
void free_pages(void* block, std::size_t bytes) noexcept { munmap(block, bytes); }

#else

inline constexpr std::align_val_t kLine{64};
void* allocate_pages(std::size_t bytes) { return ::operator new(bytes, kLine); }
void free_pages(void* block, std::size_t) noexcept { ::operator delete(block, kLine); }

#endif

GroupArea::GroupArea(std::size_t count)
    : groups_(static_cast<Group*>(allocate_pages(count * sizeof(Group)))), count_(count) {
  std::fill_n(groups_, count_, Group{});
}

}  // namespace latchkey::registry::internal
