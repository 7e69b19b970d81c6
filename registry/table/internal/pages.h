// SPDX-License-Identifier: Apache-2.0
// Memory of the lookup table's blocks, aligned to cache lines: whole pages, mapped and unmapped, because shards change
// their sizes again and again, and malloc kept an eighth of a table's memory in gaps between blocks that no longer fit.
#pragma once

#include <cstddef>
#include <utility>

#include "registry/table/internal/group.h"

namespace latchkey::registry::internal {

// Not initialised. std::bad_alloc when there is none.
void* allocate_pages(std::size_t bytes);
void free_pages(void* block, std::size_t bytes) noexcept;

// Owns `count` groups, all zero.
class GroupArea {
 public:
  explicit GroupArea(std::size_t count);
  ~GroupArea() { free_pages(groups_, bytes()); }
  GroupArea(const GroupArea&) = delete;
  GroupArea& operator=(const GroupArea&) = delete;

  Group* get() const { return groups_; }
  std::size_t bytes() const { return count_ * sizeof(Group); }
  void swap(GroupArea& other) noexcept {
    std::swap(groups_, other.groups_);
    std::swap(count_, other.count_);
  }

 private:
  Group* groups_;
  std::size_t count_;
};

}  // namespace latchkey::registry::internal
